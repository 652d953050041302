#include "address_handle.h"

#include <string>

#include "../objects.h"
#include "errors.h"

namespace mu::binding {
namespace {

using Info = Napi::CallbackInfo;

uint32_t number(const Info& info, size_t index) {
  return info[index].As<Napi::Number>().Uint32Value();
}

// struct ibv_ah *ibv_create_ah(struct ibv_pd *pd, struct ibv_ah_attr *attr);
// createAddressHandle(context, domain, address: string): number
Napi::Value create_address_handle(const Info& info) {
  return guarded(info.Env(), [&] {
    auto context = objects().contexts.get("ibv_create_ah", number(info, 0));
    auto domain = objects().domains.get("ibv_create_ah", number(info, 1));
    auto address = context->create_address_handle(domain, info[2].As<Napi::String>().Utf8Value());
    return Napi::Number::New(info.Env(), objects().address_handles.add("ibv_create_ah", address));
  });
}

// int ibv_destroy_ah(struct ibv_ah *ah);
void destroy_address_handle(const Info& info) {
  guarded(info.Env(), [&] { objects().address_handles.remove("ibv_destroy_ah", number(info, 0)); });
}

}  // namespace

void export_address_handle(Napi::Env env, Napi::Object exports) {
  exports["createAddressHandle"] = Napi::Function::New(env, create_address_handle);
  exports["destroyAddressHandle"] = Napi::Function::New(env, destroy_address_handle);
}

}  // namespace mu::binding
