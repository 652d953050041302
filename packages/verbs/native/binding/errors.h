// VerbsFailure → the VerbsError class of TypeScript.
#pragma once

#include <napi.h>

#include "../types.h"

namespace mu::binding {

/// What one environment (one thread's V8) keeps.
struct Instance {
  Napi::FunctionReference verbs_error;
  /// `Mailbox`, in the memory of JavaScript.
  Napi::Reference<Napi::Uint32Array> mailbox;
};

/// A new VerbsError(verb, code, errno, detail).
Napi::Error to_error(Napi::Env env, const VerbsFailure& failure);

/// Runs `body`, and throws a VerbsFailure as VerbsError.
template <typename Body>
auto guarded(Napi::Env env, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const VerbsFailure& failure) {
    throw to_error(env, failure);
  }
}

}  // namespace mu::binding
