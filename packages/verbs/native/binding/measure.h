// The limit to hold a replication path against: the same writes, posted and polled in C++.
#pragma once

#include <napi.h>

namespace mu::binding {

void export_measure(Napi::Env env, Napi::Object exports);

}  // namespace mu::binding
