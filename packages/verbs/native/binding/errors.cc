#include "errors.h"

#include <cerrno>
#include <cstring>
#include <string>

namespace mu::binding {

Napi::Error to_error(Napi::Env env, const VerbsFailure& failure) {
  const char* name = strerrorname_np(failure.error());
  const std::string code = name == nullptr ? "EUNKNOWN" : name;
  const std::string shown = failure.error() == EOPNOTSUPP ? "ENOTSUP" : code;
  auto* instance = env.GetInstanceData<Instance>();
  const Napi::Object error = instance->verbs_error.New(
      {Napi::String::New(env, failure.verb()), Napi::String::New(env, shown),
       Napi::Number::New(env, failure.error()), Napi::String::New(env, failure.what())});
  return Napi::Error(env, error);
}

}  // namespace mu::binding
