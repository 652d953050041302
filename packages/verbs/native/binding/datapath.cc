#include "datapath.h"

#include "../objects.h"
#include "await_writes.h"
#include "errors.h"

namespace mu::binding {
namespace {

// One function for all rings, and one for all queues: where a call site sees several functions, V8 calls
// them the slow way.

/// The handle that is the only argument; 0 is nobody's.
uint32_t handle_of(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &argc, &argument, nullptr, nullptr);
  uint32_t handle = 0;
  napi_get_value_uint32(env, argument, &handle);
  return handle;
}

Mailbox& mailbox_of(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  return *static_cast<Mailbox*>(data);
}

// ringDoorbell(ring: number): void
napi_value ring_doorbell(napi_env env, napi_callback_info info) {
  SendRing* ring = objects().send_rings.peek(handle_of(env, info));
  if (ring != nullptr) ring->doorbell();
  return nullptr;
}

// writeNow(): void, by mailbox
napi_value write_now(napi_env env, napi_callback_info info) {
  Mailbox& mailbox = mailbox_of(env, info);
  mailbox.found = 0;
  SendRing* ring = objects().send_rings.peek(mailbox.ring);
  if (ring == nullptr) return nullptr;
  mailbox.found = ring->write_now();
  WriteNow& write = ring->now();
  write.done = mailbox.found;
  if (write.needed != 0 && !ring->immediate()) mailbox.found |= await_writes(write);
  return nullptr;
}

// awaitWrites(): void, by mailbox
napi_value await_writes_again(napi_env env, napi_callback_info info) {
  Mailbox& mailbox = mailbox_of(env, info);
  SendRing* ring = objects().send_rings.peek(mailbox.ring);
  mailbox.found = ring == nullptr ? 0 : await_writes(ring->now());
  return nullptr;
}

// pollCompletionQueue(queue: number, atLeast: number): void
napi_value poll_completion_queue(napi_env env, napi_callback_info info) {
  size_t argc = 2;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &argc, arguments, nullptr, nullptr);
  uint32_t handle = 0;
  uint32_t at_least = 0;
  napi_get_value_uint32(env, arguments[0], &handle);
  napi_get_value_uint32(env, arguments[1], &at_least);
  CompletionQueue* queue = objects().completion_queues.peek(handle);
  if (queue == nullptr) return nullptr;
  uint32_t looks = kLooks;
  do queue->poll();
  while (queue->ring().waiting() < at_least && --looks > 0);
  return nullptr;
}

}  // namespace

void export_datapath(Napi::Env env, Napi::Object exports) {
  auto mailbox = Napi::Uint32Array::New(env, sizeof(Mailbox) / sizeof(uint32_t));
  env.GetInstanceData<Instance>()->mailbox = Napi::Persistent(mailbox);
  exports["mailbox"] = mailbox;
  const auto add = [&](const char* name, napi_callback callback) {
    napi_value function;
    NAPI_THROW_IF_FAILED_VOID(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback,
                                                        mailbox.Data(), &function));
    exports[name] = function;
  };
  add("ringDoorbell", ring_doorbell);
  add("writeNow", write_now);
  add("awaitWrites", await_writes_again);
  add("pollCompletionQueue", poll_completion_queue);
}

}  // namespace mu::binding
