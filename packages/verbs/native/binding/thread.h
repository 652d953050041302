// Scheduling of the calling thread, and waking an event loop from another one.
#pragma once

#include <napi.h>

namespace mu::binding {

void export_thread(Napi::Env env, Napi::Object exports);

}  // namespace mu::binding
