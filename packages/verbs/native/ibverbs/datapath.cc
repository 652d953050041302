// The hot path: one entry of the send ring becomes one work request of the device.
#include "../crc32c.h"
#include "queue_pair.h"

namespace mu::ibverbs {
namespace {

uint64_t join(uint32_t low, uint32_t high) { return static_cast<uint64_t>(high) << 32 | low; }

void describe_atomic(const SendEntry& entry, bool swaps, ibv_send_wr& request) {
  request.opcode = swaps ? IBV_WR_ATOMIC_CMP_AND_SWP : IBV_WR_ATOMIC_FETCH_AND_ADD;
  request.wr.atomic.remote_addr = entry.remote_offset;
  request.wr.atomic.rkey = entry.remote_key;
  request.wr.atomic.compare_add = join(entry.compare_add_low, entry.compare_add_high);
  request.wr.atomic.swap = join(entry.swap_low, entry.swap_high);
}

}  // namespace

void IbvQueuePair::execute(const SendEntry& entry, const HandleResolver& handles) {
  std::shared_ptr<IbvQueuePair> refused_by;
  {
    std::lock_guard lock(mutex_);
    ibv_send_wr request{};
    ibv_sge bytes{};
    request.wr_id = work_->append(entry);
    // Seals whatever becomes of this one: other work requests may carry the same bytes.
    Status status = describe(entry, handles, request, bytes);
    if (!accepts_) {
      work_->cancel();
      return;
    }
    if (status == Status::kSuccess) status = local_ ? copy(entry, handles) : post(request);
    if (status == Status::kSuccess) return;
    if (local_) refused_by = device_->local_network().find(remote_number_);
    work_->fail_last(status);
    try {
      give_up();
    } catch (const VerbsFailure&) {
      // Not even ERR is allowed: the device is gone, and completes nothing any more either.
      work_->cancel();
    }
  }
  if (refused_by != nullptr) refused_by->broken_by_peer();
}

Status IbvQueuePair::post(ibv_send_wr& request) {
  ibv_send_wr* refused = nullptr;
  return ibv_post_send(queue_pair_, &request, &refused) == 0
             ? Status::kSuccess
             : Status::kLocalQueuePairOperationError;
}

/// Carries out a work request whose target is of this context; `describe` has looked at our side.
Status IbvQueuePair::copy(const SendEntry& entry, const HandleResolver& handles) {
  auto* local = static_cast<Region*>(handles.memory_region(entry.local_region));
  const Status status =
      device_->local_network().carry_out(number(), entry, local->data() + entry.local_offset);
  if (status == Status::kSuccess) work_->finish_last();
  return status;
}

/// Fills in a request of the device. What is wrong with it on our side is found here, because
/// devices differ in what they say of it.
Status IbvQueuePair::describe(const SendEntry& entry, const HandleResolver& handles,
                              ibv_send_wr& request, ibv_sge& bytes) const {
  const Opcode opcode = static_cast<Opcode>(entry.opcode_and_flags & 0xff);
  if (opcode > Opcode::kFetchAndAdd) return Status::kLocalQueuePairOperationError;
  const bool writes = opcode == Opcode::kRdmaWrite;
  const bool copied = (entry.opcode_and_flags & kSendInline) != 0;
  if (copied && entry.length > inline_bytes_) return Status::kLocalLengthError;
  if (entry.length > device_->limits().message_bytes) return Status::kLocalLengthError;

  auto* local = static_cast<Region*>(handles.memory_region(entry.local_region));
  const uint64_t end = static_cast<uint64_t>(entry.local_offset) + entry.length;
  if (local == nullptr || local->domain() != domain_.get() || end > local->size())
    return Status::kLocalProtectionError;
  if (!writes && (local->access() & kAccessLocalWrite) == 0) return Status::kLocalProtectionError;
  if (writes && (entry.opcode_and_flags & kSendSeal) != 0) {
    if (entry.length < kTrailerBytes) return Status::kLocalLengthError;
    seal_trailer(local->data() + entry.local_offset, entry.length);
  }

  // Regions begin at address 0, for us too; only bytes that are copied now are where they are.
  bytes.addr = copied ? reinterpret_cast<uintptr_t>(local->data()) + entry.local_offset
                      : entry.local_offset;
  bytes.length = entry.length;
  bytes.lkey = local->local_key();
  request.sg_list = &bytes;
  request.num_sge = entry.length == 0 ? 0 : 1;
  if ((entry.opcode_and_flags & kSendSignaled) != 0) request.send_flags |= IBV_SEND_SIGNALED;
  if (copied) request.send_flags |= IBV_SEND_INLINE;
  if (opcode == Opcode::kCompareAndSwap || opcode == Opcode::kFetchAndAdd) {
    describe_atomic(entry, opcode == Opcode::kCompareAndSwap, request);
    return Status::kSuccess;
  }
  request.opcode = writes ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_READ;
  request.wr.rdma.remote_addr = entry.remote_offset;
  request.wr.rdma.rkey = entry.remote_key;
  return Status::kSuccess;
}

}  // namespace mu::ibverbs
