// The hot path: entries of the send ring become work requests of the device.
#include "../crc32c.h"
#include "queue_pair.h"
#include "send_batch.h"

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

void IbvQueuePair::execute(Entries entries, const HandleResolver& handles) {
  std::shared_ptr<IbvQueuePair> refused_by;
  {
    std::lock_guard lock(mutex_);
    while (!entries.empty() && accepts_) {
      const Status status = local_ ? copy(entries, handles) : hand_over(entries, handles);
      if (status == Status::kSuccess) continue;
      if (local_) refused_by = device_->local_network().find(remote_number_);
      break_down();
    }
    for (const SendEntry* entry : entries) work_->append(*entry);
    if (!accepts_) work_->cancel();
  }
  if (refused_by != nullptr) refused_by->broken_by_peer();
}

/// After a work request that cannot be carried out: what is not retired is so by us.
void IbvQueuePair::break_down() {
  try {
    give_up();
  } catch (const VerbsFailure&) {
    // Not even ERR is allowed: the device is gone, and completes nothing any more either.
    work_->cancel();
  }
}

/// Hands the device as many as one call takes, and drops them from `entries`. Up to the first that is
/// wrong, which is dropped, too, and accounted for as failed with the status that is returned.
Status IbvQueuePair::hand_over(Entries& entries, const HandleResolver& handles) {
  SendBatch batch;
  Status status = Status::kSuccess;
  while (status == Status::kSuccess && !batch.full() && batch.size() < entries.size()) {
    const SendEntry& entry = *entries[batch.size()];
    const auto [request, bytes] = batch.next();
    status = describe(entry, handles, request, bytes);
    if (status == Status::kSuccess) batch.add(work_->append(entry));
  }
  entries = entries.subspan(batch.size());
  const uint32_t taken = batch.post(queue_pair_);
  if (taken < batch.size()) {
    // What came after the refused one is as if it had never been posted: flushed.
    work_->fail(batch.id(taken), Status::kLocalQueuePairOperationError);
    return Status::kLocalQueuePairOperationError;
  }
  if (status == Status::kSuccess) return status;
  work_->fail(work_->append(*entries.front()), status);
  entries = entries.subspan(1);
  return status;
}

/// Carries out the first of `entries`, whose target is of this context, and drops it.
Status IbvQueuePair::copy(Entries& entries, const HandleResolver& handles) {
  const SendEntry& entry = *entries.front();
  entries = entries.subspan(1);
  const uint64_t id = work_->append(entry);
  ibv_send_wr request{};
  ibv_sge bytes{};
  Status status = describe(entry, handles, request, bytes);
  if (status == Status::kSuccess) {
    auto* local = static_cast<Region*>(handles.memory_region(entry.local_region));
    status = device_->local_network().carry_out(number(), entry, local->data() + entry.local_offset);
  }
  if (status == Status::kSuccess) work_->finish_last();
  else work_->fail(id, status);
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
  // The ring has sealed it, unless there was no room for that.
  if (writes && (entry.opcode_and_flags & kSendSeal) != 0 && entry.length < kTrailerBytes)
    return Status::kLocalLengthError;

  // Regions begin at address 0, for us too; only bytes that are copied now are where they are.
  bytes.addr = copied ? reinterpret_cast<uintptr_t>(local->data()) + entry.local_offset
                      : entry.local_offset;
  bytes.length = entry.length;
  bytes.lkey = local->local_key();
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
