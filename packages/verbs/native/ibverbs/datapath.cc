// The hot path: entries of the send ring become work requests of the device.
#include <endian.h>

#include "address_handle.h"
#include "batch.h"
#include "../crc32c.h"
#include "queue_pair.h"

namespace mu::ibverbs {
namespace {

uint64_t join(uint32_t low, uint32_t high) { return static_cast<uint64_t>(high) << 32 | low; }

Opcode opcode_of(const SendEntry& entry) {
  return static_cast<Opcode>(entry.opcode_and_flags & 0xff);
}

bool has(const SendEntry& entry, uint32_t flag) { return (entry.opcode_and_flags & flag) != 0; }

/// Whether this takes up a receive at the peer.
bool needs_receive(const SendEntry& entry) {
  return opcode_of(entry) == Opcode::kSend || has(entry, kSendImmediate);
}

void describe_atomic(const SendEntry& entry, bool swaps, ibv_send_wr& request) {
  request.opcode = swaps ? IBV_WR_ATOMIC_CMP_AND_SWP : IBV_WR_ATOMIC_FETCH_AND_ADD;
  request.wr.atomic.remote_addr = entry.remote_offset;
  request.wr.atomic.rkey = entry.remote_key;
  request.wr.atomic.compare_add = join(entry.compare_add_low, entry.compare_add_high);
  request.wr.atomic.swap = join(entry.swap_low, entry.swap_high);
}

void describe_transfer(const SendEntry& entry, Opcode opcode, ibv_send_wr& request) {
  const bool immediate = has(entry, kSendImmediate);
  request.imm_data = immediate ? htobe32(entry.immediate) : 0;
  if (opcode == Opcode::kSend) {
    request.opcode = immediate ? IBV_WR_SEND_WITH_IMM : IBV_WR_SEND;
    return;
  }
  request.opcode = opcode == Opcode::kRdmaRead ? IBV_WR_RDMA_READ
                   : immediate                 ? IBV_WR_RDMA_WRITE_WITH_IMM
                                               : IBV_WR_RDMA_WRITE;
  request.wr.rdma.remote_addr = entry.remote_offset;
  request.wr.rdma.rkey = entry.remote_key;
}

bool has_operation(QueuePairType type, Opcode opcode) {
  switch (type) {
    case QueuePairType::kRC:
      return opcode <= Opcode::kSend;
    case QueuePairType::kUC:
      return opcode == Opcode::kRdmaWrite || opcode == Opcode::kSend;
    default:
      return opcode == Opcode::kSend;
  }
}

}  // namespace

bool IbvQueuePair::is_receive(const SendEntry& entry) const {
  return receives_ != nullptr && opcode_of(entry) == Opcode::kReceive;
}

bool IbvQueuePair::execute(Entries entries, const HandleResolver& handles, bool quietly) {
  std::shared_ptr<IbvQueuePair> refused_by;
  {
    std::lock_guard lock(mutex_);
    quietly = quietly && local_ && accepts_;
    while (!entries.empty() && accepts_) {
      const Status status = is_receive(*entries.front())
                                ? hand_over<ibv_recv_wr>(*receives_, entries, handles)
                            : local_ ? copy(entries, handles, quietly)
                                     : hand_over<ibv_send_wr>(*work_, entries, handles);
      if (status == Status::kSuccess) continue;
      if (local_) refused_by = device_->local_network().find(remote_number_);
      break_down();
    }
    for (const SendEntry* entry : entries)
      (is_receive(*entry) ? *receives_ : *work_).append(*entry);
    if (!accepts_) cancel();
  }
  if (refused_by != nullptr) refused_by->broken_by_peer();
  return quietly;
}

/// After a work request that cannot be carried out: what is not retired is so by us.
void IbvQueuePair::break_down() {
  try {
    give_up();
  } catch (const VerbsFailure&) {
    // Not even ERR is allowed: the device is gone, and completes nothing any more either.
    cancel();
  }
}

/// Hands the device as many of one kind as one call takes, and drops them from `entries`. Up to the
/// first that is wrong, which is dropped, too, and accounted for as failed with the status returned.
template <typename Request>
Status IbvQueuePair::hand_over(WorkQueue& work, Entries& entries, const HandleResolver& handles) {
  Batch<Request> batch;
  Status status = Status::kSuccess;
  while (status == Status::kSuccess && !batch.full() && batch.size() < entries.size()) {
    const SendEntry& entry = *entries[batch.size()];
    if (is_receive(entry) != work.receives()) break;
    const auto [request, bytes] = batch.next();
    status = describe(entry, handles, request, bytes);
    if (status == Status::kSuccess) batch.add(work.append(entry));
  }
  entries = entries.subspan(batch.size());
  const uint32_t taken = batch.post(queue_pair_);
  if (taken < batch.size()) {
    // What came after the refused one is as if it had never been posted: flushed.
    work.fail(batch.id(taken), Status::kLocalQueuePairOperationError);
    return Status::kLocalQueuePairOperationError;
  }
  if (status == Status::kSuccess) return status;
  work.fail(work.append(*entries.front()), status);
  entries = entries.subspan(1);
  return status;
}

/// Carries out the first of `entries`, whose target is of this context, and drops it. `quietly` becomes
/// whether it does without a completion.
Status IbvQueuePair::copy(Entries& entries, const HandleResolver& handles, bool& quietly) {
  const SendEntry& entry = *entries.front();
  entries = entries.subspan(1);
  ibv_send_wr request{};
  ibv_sge bytes{};
  Status status = describe(entry, handles, request, bytes);
  // Who may be local receives nothing.
  if (status == Status::kSuccess && needs_receive(entry))
    status = Status::kReceiverNotReadyRetryExceeded;
  if (status == Status::kSuccess) {
    const Region* local = local_bytes(entry, handles, false);
    status = device_->local_network().carry_out(number(), entry, local->data() + entry.local_offset);
  }
  // What is under way before it must be told of first.
  quietly = quietly && status == Status::kSuccess && !work_->outstanding();
  if (quietly) return status;
  const uint64_t id = work_->append(entry);
  if (status == Status::kSuccess) work_->finish_last();
  else work_->fail(id, status);
  return status;
}

/// The region of a work request's bytes, if they may be used so.
const Region* IbvQueuePair::local_bytes(const SendEntry& entry, const HandleResolver& handles,
                                        bool stores) const {
  auto* local = static_cast<Region*>(handles.memory_region(entry.local_region));
  const uint64_t end = static_cast<uint64_t>(entry.local_offset) + entry.length;
  if (local == nullptr || local->domain() != domain_.get() || end > local->size()) return nullptr;
  return stores && (local->access() & kAccessLocalWrite) == 0 ? nullptr : local;
}

/// Fills in a request of the device. What is wrong with it on our side is found here, because
/// devices differ in what they say of it.
Status IbvQueuePair::describe(const SendEntry& entry, const HandleResolver& handles,
                              ibv_send_wr& request, ibv_sge& bytes) const {
  const Opcode opcode = opcode_of(entry);
  if (!has_operation(type_, opcode)) return Status::kLocalQueuePairOperationError;
  const bool copied = has(entry, kSendInline);
  if (copied && entry.length > inline_bytes_) return Status::kLocalLengthError;
  if (entry.length > device_->limits().message_bytes) return Status::kLocalLengthError;

  const bool reads = opcode == Opcode::kRdmaWrite || opcode == Opcode::kSend;
  const Region* local = local_bytes(entry, handles, !reads);
  if (local == nullptr) return Status::kLocalProtectionError;
  // The ring has sealed it, unless there was no room for that.
  if (opcode == Opcode::kRdmaWrite && has(entry, kSendSeal) && entry.length < kTrailerBytes)
    return Status::kLocalLengthError;

  // Regions begin at address 0, for us too; only bytes that are copied now are where they are.
  bytes.addr = copied ? reinterpret_cast<uintptr_t>(local->data()) + entry.local_offset
                      : entry.local_offset;
  bytes.length = entry.length;
  bytes.lkey = local->local_key();
  request.num_sge = entry.length == 0 ? 0 : 1;
  if (has(entry, kSendSignaled)) request.send_flags |= IBV_SEND_SIGNALED;
  if (copied) request.send_flags |= IBV_SEND_INLINE;
  if (opcode == Opcode::kCompareAndSwap || opcode == Opcode::kFetchAndAdd)
    describe_atomic(entry, opcode == Opcode::kCompareAndSwap, request);
  else
    describe_transfer(entry, opcode, request);
  return type_ == QueuePairType::kUD ? address(entry, handles, request) : Status::kSuccess;
}

/// Where a datagram goes.
Status IbvQueuePair::address(const SendEntry& entry, const HandleResolver& handles,
                             ibv_send_wr& request) const {
  // A device drops what is longer than a packet, and says that it was sent.
  if (entry.length > device_->limits().mtu_bytes) return Status::kLocalLengthError;
  auto* to = static_cast<IbvAddressHandle*>(handles.address_handle(entry.address_handle));
  if (to == nullptr || to->domain() != domain_.get()) return Status::kLocalQueuePairOperationError;
  request.wr.ud.ah = to->raw();
  request.wr.ud.remote_qkey = entry.remote_key;
  request.wr.ud.remote_qpn = entry.remote_offset;
  return Status::kSuccess;
}

Status IbvQueuePair::describe(const SendEntry& entry, const HandleResolver& handles,
                              ibv_recv_wr& request, ibv_sge& bytes) const {
  const Region* local = local_bytes(entry, handles, true);
  if (local == nullptr) return Status::kLocalProtectionError;
  bytes = {entry.local_offset, entry.length, local->local_key()};
  request.num_sge = entry.length == 0 ? 0 : 1;
  return Status::kSuccess;
}

}  // namespace mu::ibverbs
