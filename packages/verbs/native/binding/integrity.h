// The integrity trailer in hardware, for readers.
#pragma once

#include <napi.h>

namespace mu::binding {

void export_integrity(Napi::Env env, Napi::Object exports);

}  // namespace mu::binding
