// The calls of the hot path.
#pragma once

#include <napi.h>

namespace mu::binding {

void export_datapath(Napi::Env env, Napi::Object exports);

}  // namespace mu::binding
