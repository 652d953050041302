// Finds the whole records in a memory, for readers.
#pragma once

#include <napi.h>

namespace mu::binding {

void export_record_walker(Napi::Env env, Napi::Object exports);

}  // namespace mu::binding
