#include "backend.h"

#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../objects.h"
#include "../shm/context.h"
#include "errors.h"
#include "memory.h"

namespace mu::binding {
namespace {

using Info = Napi::CallbackInfo;

uint32_t number(const Info& info, size_t index) {
  return info[index].As<Napi::Number>().Uint32Value();
}

uint32_t property(const Napi::Object& object, const char* name, uint32_t otherwise = 0) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : otherwise;
}

// openShmContext(fabric: string, fabricRttNs: number): number
Napi::Value open_shm_context(const Info& info) {
  return guarded(info.Env(), [&] {
    shm::FabricOptions options;
    options.directory = info[0].As<Napi::String>().Utf8Value();
    options.round_trip_ns = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
    auto context = std::make_shared<shm::ShmContext>(options, objects());
    return Napi::Number::New(info.Env(), objects().contexts.add("ibv_open_device", context));
  });
}

// int ibv_close_device(struct ibv_context *context);
void close_context(const Info& info) {
  guarded(info.Env(), [&] { objects().contexts.remove("ibv_close_device", number(info, 0)); });
}

// struct ibv_pd *ibv_alloc_pd(struct ibv_context *context);
Napi::Value allocate_domain(const Info& info) {
  return guarded(info.Env(), [&] {
    auto context = objects().contexts.get("ibv_alloc_pd", number(info, 0));
    return Napi::Number::New(info.Env(),
                             objects().domains.add("ibv_alloc_pd", context->allocate_domain()));
  });
}

// int ibv_dealloc_pd(struct ibv_pd *pd);
void deallocate_domain(const Info& info) {
  guarded(info.Env(), [&] { objects().domains.remove("ibv_dealloc_pd", number(info, 0)); });
}

// struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access);
// registerMemory(context, domain, bytes, access): RawMemory
Napi::Value register_memory(const Info& info) {
  return guarded(info.Env(), [&] {
    auto context = objects().contexts.get("ibv_reg_mr", number(info, 0));
    auto domain = objects().domains.get("ibv_reg_mr", number(info, 1));
    auto region = context->register_memory(domain, number(info, 2), number(info, 3));
    const uint32_t handle = objects().regions.add("ibv_reg_mr", region);
    auto result = Napi::Object::New(info.Env());
    result["region"] = handle;
    result["localKey"] = region->local_key();
    result["remoteKey"] = region->remote_key();
    result["buffer"] = view_of(info.Env(), region->mapping());
    return result;
  });
}

// int ibv_dereg_mr(struct ibv_mr *mr);
void deregister_memory(const Info& info) {
  guarded(info.Env(), [&] { objects().regions.remove("ibv_dereg_mr", number(info, 0)); });
}

Napi::Value open_memory(const Info& info) {
  return guarded(info.Env(), [&] {
    return view_of(info.Env(), objects().regions.get("openMemory", number(info, 0))->mapping());
  });
}

// struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, …);
Napi::Value create_completion_queue(const Info& info) {
  return guarded(info.Env(), [&] {
    auto context = objects().contexts.get("ibv_create_cq", number(info, 0));
    auto queue = context->create_completion_queue(number(info, 1));
    auto result = Napi::Object::New(info.Env());
    result["queue"] = objects().completion_queues.add("ibv_create_cq", queue);
    result["ring"] = view_of(info.Env(), queue->memory());
    result["needsPoll"] = queue->needs_poll();
    if (queue->received() != nullptr) result["received"] = view_of(info.Env(), queue->received());
    return result;
  });
}

// int ibv_destroy_cq(struct ibv_cq *cq);
void destroy_completion_queue(const Info& info) {
  guarded(info.Env(),
          [&] { objects().completion_queues.remove("ibv_destroy_cq", number(info, 0)); });
}

Napi::Value create_send_ring(const Info& info) {
  return guarded(info.Env(), [&] {
    auto context = objects().contexts.get("createSendRing", number(info, 0));
    auto ring = context->create_send_ring(number(info, 1));
    auto result = Napi::Object::New(info.Env());
    result["ring"] = objects().send_rings.add("createSendRing", ring);
    result["buffer"] = view_of(info.Env(), ring->memory());
    result["immediate"] = ring->immediate();
    return result;
  });
}

void destroy_send_ring(const Info& info) {
  guarded(info.Env(), [&] { objects().send_rings.remove("destroySendRing", number(info, 0)); });
}

// struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *qp_init_attr);
// createQueuePair(context, domain, attributes): RawQueuePair
Napi::Value create_queue_pair(const Info& info) {
  return guarded(info.Env(), [&] {
    auto context = objects().contexts.get("ibv_create_qp", number(info, 0));
    auto domain = objects().domains.get("ibv_create_qp", number(info, 1));
    const auto given = info[2].As<Napi::Object>();
    QueuePairAttributes attributes;
    attributes.send_queue =
        objects().completion_queues.get("ibv_create_qp", property(given, "sendCompletionQueue"));
    attributes.receive_queue =
        objects().completion_queues.get("ibv_create_qp", property(given, "receiveCompletionQueue"));
    attributes.type = static_cast<QueuePairType>(property(given, "type"));
    attributes.send_depth = property(given, "sendQueueDepth");
    attributes.receive_depth = property(given, "receiveQueueDepth");
    attributes.inline_bytes = property(given, "inlineBytesMax");

    const uint32_t handle = objects().queue_pairs.reserve("ibv_create_qp");
    std::shared_ptr<QueuePair> queue_pair;
    try {
      queue_pair = context->create_queue_pair(domain, attributes, handle);
    } catch (...) {
      objects().queue_pairs.release_reserved(handle);
      throw;
    }
    objects().queue_pairs.fill(handle, queue_pair);
    auto result = Napi::Object::New(info.Env());
    result["queuePair"] = handle;
    result["queuePairNumber"] = queue_pair->number();
    result["address"] = queue_pair->address();
    return result;
  });
}

// int ibv_destroy_qp(struct ibv_qp *qp);
void destroy_queue_pair(const Info& info) {
  guarded(info.Env(), [&] { objects().queue_pairs.remove("ibv_destroy_qp", number(info, 0)); });
}

QueuePairChange change_of(const Napi::Object& given) {
  QueuePairChange change;
  change.state = static_cast<QueuePairState>(property(given, "state"));
  change.has_access = given.Get("accessFlags").IsNumber();
  change.access = property(given, "accessFlags");
  if (given.Get("remoteAddress").IsString())
    change.remote_address = given.Get("remoteAddress").As<Napi::String>().Utf8Value();
  change.remote_number = property(given, "remoteQueuePairNumber");
  change.receive_psn = property(given, "receivePacketSequenceNumber");
  change.send_psn = property(given, "sendPacketSequenceNumber");
  change.queue_key = property(given, "queueKey");
  return change;
}

// int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask);
void modify_queue_pair(const Info& info) {
  guarded(info.Env(), [&] {
    objects()
        .queue_pairs.get("ibv_modify_qp", number(info, 0))
        ->modify(change_of(info[1].As<Napi::Object>()));
  });
}

// modifyAccess(queuePair: number, accessFlags: number): void — numbers only: a fail-over waits for it.
void modify_access(const Info& info) {
  guarded(info.Env(), [&] {
    QueuePairChange change;
    change.state = QueuePairState::kReadyToSend;
    change.has_access = true;
    change.access = number(info, 1);
    objects().queue_pairs.get("ibv_modify_qp", number(info, 0))->modify(change);
  });
}

// modifyQueuePairElsewhere(queuePair: number, changes: RawQueuePairChange[]): void
// One after the other, up to the first that is refused, on a thread of their own.
void modify_queue_pair_elsewhere(const Info& info) {
  guarded(info.Env(), [&] {
    auto queue_pair = objects().queue_pairs.get("ibv_modify_qp", number(info, 0));
    const auto given = info[1].As<Napi::Array>();
    std::vector<QueuePairChange> changes;
    for (uint32_t n = 0; n < given.Length(); n++)
      changes.push_back(change_of(given.Get(n).As<Napi::Object>()));
    std::thread([queue_pair, changes = std::move(changes)] {
      try {
        for (const QueuePairChange& change : changes) queue_pair->modify(change);
      } catch (const VerbsFailure&) {
        // The state tells how far it came.
      }
    }).detach();
  });
}

// int ibv_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int attr_mask, …);
Napi::Value query_queue_pair(const Info& info) {
  return guarded(info.Env(), [&] {
    const auto query = objects().queue_pairs.get("ibv_query_qp", number(info, 0))->query();
    auto result = Napi::Object::New(info.Env());
    result["state"] = static_cast<uint32_t>(query.state);
    result["accessFlags"] = query.access;
    result["relocations"] = query.relocations;
    return result;
  });
}

Napi::Value peer_thread_state(const Info& info) {
  return guarded(info.Env(), [&] {
    static constexpr const char* kNames[] = {"running", "stopped", "dead", "unknown"};
    const auto queue_pair = objects().queue_pairs.get("peerThreadState", number(info, 0));
    return Napi::String::New(info.Env(),
                             kNames[static_cast<int>(queue_pair->peer_thread_state())]);
  });
}

void watch_this_thread(const Info& info) {
  guarded(info.Env(),
          [&] { objects().contexts.get("watchThisThread", number(info, 0))->watch_this_thread(); });
}

// waitForWake(context, timeoutUs, spinUs): boolean — blocks the calling thread
Napi::Value wait_for_wake(const Info& info) {
  return guarded(info.Env(), [&] {
    auto context = objects().contexts.get("waitForWake", number(info, 0));
    return Napi::Boolean::New(info.Env(),
                              context->wait_for_wake(number(info, 1), number(info, 2)));
  });
}

void wake(const Info& info) {
  guarded(info.Env(), [&] { objects().contexts.get("wake", number(info, 0))->wake(); });
}

}  // namespace

void export_backend(Napi::Env env, Napi::Object exports) {
  exports["openShmContext"] = Napi::Function::New(env, open_shm_context);
  exports["closeContext"] = Napi::Function::New(env, close_context);
  exports["allocateProtectionDomain"] = Napi::Function::New(env, allocate_domain);
  exports["deallocateProtectionDomain"] = Napi::Function::New(env, deallocate_domain);
  exports["registerMemory"] = Napi::Function::New(env, register_memory);
  exports["deregisterMemory"] = Napi::Function::New(env, deregister_memory);
  exports["openMemory"] = Napi::Function::New(env, open_memory);
  exports["createCompletionQueue"] = Napi::Function::New(env, create_completion_queue);
  exports["destroyCompletionQueue"] = Napi::Function::New(env, destroy_completion_queue);
  exports["createSendRing"] = Napi::Function::New(env, create_send_ring);
  exports["destroySendRing"] = Napi::Function::New(env, destroy_send_ring);
  exports["createQueuePair"] = Napi::Function::New(env, create_queue_pair);
  exports["destroyQueuePair"] = Napi::Function::New(env, destroy_queue_pair);
  exports["modifyQueuePair"] = Napi::Function::New(env, modify_queue_pair);
  exports["modifyAccess"] = Napi::Function::New(env, modify_access);
  exports["modifyQueuePairElsewhere"] = Napi::Function::New(env, modify_queue_pair_elsewhere);
  exports["queryQueuePair"] = Napi::Function::New(env, query_queue_pair);
  exports["peerThreadState"] = Napi::Function::New(env, peer_thread_state);
  exports["watchThisThread"] = Napi::Function::New(env, watch_this_thread);
  exports["waitForWake"] = Napi::Function::New(env, wait_for_wake);
  exports["wake"] = Napi::Function::New(env, wake);
}

}  // namespace mu::binding
