// The Backend contract of src/backend.ts over native objects.
#pragma once

#include <napi.h>

namespace mu::binding {

void export_backend(Napi::Env env, Napi::Object exports);

}  // namespace mu::binding
