#include "integrity.h"

#include <memory>

#include "../crc32c.h"

namespace mu::binding {
namespace {

/// Checks trailers in one memory, many in one call.
struct Verifier {
  Napi::Reference<Napi::Uint8Array> memory;
  Napi::Reference<Napi::Uint32Array> ranges;
  const uint8_t* bytes;
  size_t size;
  const uint32_t* from_to;
  uint32_t capacity;
};

/// verify(count: number): number — how many of the first `count` ranges carry their trailer, up to
/// the first that does not.
napi_value verify(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument;
  void* data;
  napi_get_cb_info(env, info, &argc, &argument, nullptr, &data);
  const auto* verifier = static_cast<const Verifier*>(data);
  uint32_t count = 0;
  napi_get_value_uint32(env, argument, &count);
  if (count > verifier->capacity) count = verifier->capacity;

  uint32_t valid = 0;
  for (; valid < count; valid++) {
    const uint32_t from = verifier->from_to[2 * valid];
    const uint32_t to = verifier->from_to[2 * valid + 1];
    if (from > to || to > verifier->size) break;
    if (!trailer_matches(verifier->bytes + from, to - from)) break;
  }
  napi_value result;
  napi_create_uint32(env, valid, &result);
  return result;
}

// createTrailerVerifier(bytes: Uint8Array, ranges: Uint32Array): (count: number) => number
Napi::Value create_trailer_verifier(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto bytes = info[0].As<Napi::Uint8Array>();
  auto ranges = info[1].As<Napi::Uint32Array>();
  auto verifier = std::make_unique<Verifier>();
  verifier->bytes = bytes.Data();
  verifier->size = bytes.ByteLength();
  verifier->from_to = ranges.Data();
  verifier->capacity = static_cast<uint32_t>(ranges.ElementLength() / 2);
  verifier->memory = Napi::Persistent(bytes);
  verifier->ranges = Napi::Persistent(ranges);

  napi_value function;
  NAPI_THROW_IF_FAILED(env,
                       napi_create_function(env, "verify", NAPI_AUTO_LENGTH, verify, verifier.get(),
                                            &function),
                       env.Null());
  Napi::Value value(env, function);
  value.As<Napi::Function>().AddFinalizer([](Napi::Env, Verifier* kept) { delete kept; },
                                          verifier.release());
  return value;
}

}  // namespace

void export_integrity(Napi::Env env, Napi::Object exports) {
  exports["createTrailerVerifier"] = Napi::Function::New(env, create_trailer_verifier);
}

}  // namespace mu::binding
