// Module entry. Worker threads load the addon again: each environment has an Instance of its own,
// and all share the native objects of the process.
#include <napi.h>

#include "binding/address_handle.h"
#include "binding/backend.h"
#include "binding/datapath.h"
#include "binding/errors.h"
#include "binding/ibverbs.h"
#include "binding/record_walker.h"
#include "binding/measure.h"
#include "binding/thread.h"

namespace {

// initialize(verbsError: new (verb, code, errno, detail) => Error): void
void initialize(const Napi::CallbackInfo& info) {
  auto* instance = info.Env().GetInstanceData<mu::binding::Instance>();
  instance->verbs_error = Napi::Persistent(info[0].As<Napi::Function>());
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new mu::binding::Instance());
  exports["initialize"] = Napi::Function::New(env, initialize);
  mu::binding::export_address_handle(env, exports);
  mu::binding::export_backend(env, exports);
  mu::binding::export_datapath(env, exports);
  mu::binding::export_ibverbs(env, exports);
  mu::binding::export_record_walker(env, exports);
  mu::binding::export_measure(env, exports);
  mu::binding::export_thread(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(mu_verbs, init)
