// Addresses of datagrams.
#pragma once

#include <napi.h>

namespace mu::binding {

void export_address_handle(Napi::Env env, Napi::Object exports);

}  // namespace mu::binding
