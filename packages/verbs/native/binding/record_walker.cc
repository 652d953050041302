#include "record_walker.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "../crc32c.h"

namespace mu::binding {
namespace {

/// `RecordFormat` in src/native/record-walker.ts.
struct Format {
  explicit Format(const Napi::Object& o)
      : alignment(number(o, "alignment")),
        header_bytes(number(o, "headerBytes")),
        length_at(number(o, "payloadLengthAt")),
        kind_at(number(o, "kindAt")),
        kind_max(number(o, "kindMax")),
        offset_at(number(o, "offsetAt")),
        nonce_at(number(o, "nonceAt")) {
    const auto words = o.Get("nonce").As<Napi::Array>();
    for (uint32_t n = 0; n < 2; n++) nonce[n] = words.Get(n).As<Napi::Number>().Uint32Value();
  }

  static uint32_t number(const Napi::Object& o, const char* name) {
    return o.Get(name).As<Napi::Number>().Uint32Value();
  }

  uint32_t alignment;
  uint32_t header_bytes;
  uint32_t length_at;
  uint32_t kind_at;
  uint32_t kind_max;
  uint32_t offset_at;
  uint32_t nonce_at;
  uint32_t nonce[2];
};

/// As the table of a `RecordWalker` has it.
struct Found {
  uint32_t at;
  uint32_t payload_length;
  uint32_t kind_word;
};

template <typename T>
T load(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

class Walker {
 public:
  Walker(Napi::Uint8Array memory, Napi::Uint32Array found, const Format& format, bool trailers)
      : bytes_(memory.Data()),
        size_(memory.ByteLength()),
        found_(reinterpret_cast<Found*>(found.Data())),
        capacity_(static_cast<uint32_t>(found.ByteLength() / sizeof(Found))),
        format_(format),
        trailers_(trailers),
        memory_(Napi::Persistent(memory)),
        table_(Napi::Persistent(found)) {}

  uint32_t walk(double offset, size_t at, size_t limit) {
    if (at >= size_) return 0;
    const size_t end = at + std::min(limit, size_ - at);
    uint32_t count = 0;
    while (count < capacity_) {
      const size_t bytes = record(offset, at, end - at, found_[count]);
      if (bytes == 0) break;
      offset += static_cast<double>(bytes);
      at += bytes;
      count++;
    }
    return count;
  }

 private:
  /// Bytes of the record for `offset` at byte `at`, which may take `left`; 0 when none stands there. Each
  /// field is read once: a peer can write it at any time, and what was checked is what is told.
  size_t record(double offset, size_t at, size_t left, Found& found) const {
    if (left < format_.header_bytes + kTrailerBytes) return 0;
    const uint8_t* header = bytes_ + at;
    if (load<double>(header + format_.offset_at) != offset) return 0;
    if (std::memcmp(header + format_.nonce_at, format_.nonce, sizeof format_.nonce) != 0) return 0;
    const uint32_t kind_word = load<uint32_t>(header + format_.kind_at);
    const uint32_t kind = kind_word & 0xff;
    if (kind == 0 || kind > format_.kind_max) return 0;
    const uint32_t length = load<uint32_t>(header + format_.length_at);
    const size_t needed = size_t{format_.header_bytes} + length + kTrailerBytes;
    const size_t bytes = (needed + format_.alignment - 1) & ~size_t{format_.alignment - 1};
    if (bytes > left) return 0;
    if (trailers_ && !trailer_matches(header, bytes)) return 0;
    found = {static_cast<uint32_t>(at), length, kind_word};
    return bytes;
  }

  const uint8_t* bytes_;
  size_t size_;
  Found* found_;
  uint32_t capacity_;
  Format format_;
  bool trailers_;
  Napi::Reference<Napi::Uint8Array> memory_;
  Napi::Reference<Napi::Uint32Array> table_;
};

/// walk(offset: number, at: number, limit: number): number
napi_value walk(napi_env env, napi_callback_info info) {
  size_t argc = 3;
  napi_value arguments[3];
  void* walker;
  napi_get_cb_info(env, info, &argc, arguments, nullptr, &walker);
  double offset = 0;
  uint32_t at = 0;
  uint32_t limit = 0;
  napi_get_value_double(env, arguments[0], &offset);
  napi_get_value_uint32(env, arguments[1], &at);
  napi_get_value_uint32(env, arguments[2], &limit);
  napi_value count;
  napi_create_uint32(env, static_cast<Walker*>(walker)->walk(offset, at, limit), &count);
  return count;
}

// createRecordWalker(bytes: Uint8Array, format: RecordFormat, found: Uint32Array, trailers: boolean):
// (offset: number, at: number, limit: number) => number
Napi::Value create_record_walker(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto walker = std::make_unique<Walker>(info[0].As<Napi::Uint8Array>(),
                                         info[2].As<Napi::Uint32Array>(),
                                         Format(info[1].As<Napi::Object>()), info[3].ToBoolean());
  napi_value function;
  NAPI_THROW_IF_FAILED(
      env, napi_create_function(env, "walk", NAPI_AUTO_LENGTH, walk, walker.get(), &function),
      env.Null());
  Napi::Value value(env, function);
  value.As<Napi::Function>().AddFinalizer([](Napi::Env, Walker* kept) { delete kept; },
                                          walker.release());
  return value;
}

}  // namespace

void export_record_walker(Napi::Env env, Napi::Object exports) {
  exports["createRecordWalker"] = Napi::Function::New(env, create_record_walker);
}

}  // namespace mu::binding
