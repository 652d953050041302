// Devices of the ibverbs provider, as far as this build has it.
#pragma once

#include <napi.h>

namespace mu::binding {

void export_ibverbs(Napi::Env env, Napi::Object exports);

}  // namespace mu::binding
