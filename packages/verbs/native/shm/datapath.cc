// The hot path: one work request becomes one fenced copy into, or out of, a peer's memory.
//
// Nobody denies a write here but the writer itself, and a writer may be stopped between any two of
// its instructions for any time. What must hold: once the owner's revocation has returned, no byte
// of its live region changes by this writer (1), and no operation that the owner did not wait for
// is reported as a success (2); also for operations of an earlier connection, or on a closed
// region.
//
// The writer, W                                      The owner, T
//   a  load the admission word: connection, rights     p  CAS: take the right away
//   b  CAS: the same word, and "inside region r"       q  wait until W is outside; in time → done
//   c  load r's generation; another one → e, again     r  store r's generation, odd
//   d  copy                                            s  wait for all others inside r
//   e  CAS: no longer inside                           t  CAS: cut off who is still inside
//      its stay is not there any more → failed         u  copy r, map the copy in r's place
//      else success                                    v  store r's generation, even
//
// b, e, p and t are on one atomic word, so they have one order, whatever the memory model.
// - b before p: T sees W inside. Either e comes before t: e releases what T's load acquires, so all
//   of W's bytes are there before T goes on, and W's success is true. Or t comes before e: e finds
//   another count of cuts and W reports a failure (2); and whatever it stores goes to the file that
//   r had before u, of which T has only what it copied (1), for T does not return before v.
// - p before b: b fails, because the word is not the one that a has read; W looks again, and is
//   refused.
// - An earlier connection: RESET returns after q or v, and then gives the word another connection,
//   in which neither b nor e of an earlier one find what they expect. So a peer of before can
//   neither enter nor make a later peer's stay disappear.
// - Another writer of the same region, V, which keeps its right: here two words matter, so b and c,
//   r and s are sequentially consistent. If c does not see r, b comes before s in their order, and
//   T waits for V or cuts it off. If c sees r, V leaves, having copied nothing. An acknowledged
//   write of V is therefore among the bytes that u copies.
// - Closing a region is r to t. Generations of one slot only grow, so c also fails for a region
//   that is gone although another one has its slot.
// W's memory is its own mapping of r's file: T moving or unmapping its own does not touch it.
#include <cstring>

#include "../crc32c.h"
#include "doorbell.h"
#include "expect_store.h"
#include "fence.h"
#include "queue_pair.h"
#include "test_hook.h"

namespace mu::shm {
namespace {

/// Copies `length` bytes so that the last 8 become visible last, and as one where they are aligned.
inline void copy_in_order(uint8_t* to, const uint8_t* from, size_t length) {
#ifdef MU_TEST_HOOKS
  if (test_hook != nullptr) {
    for (size_t i = 0; i < length; i++) {
      reach(HookPoint::kByte, i);
      reinterpret_cast<volatile uint8_t*>(to)[i] = from[i];
    }
    return;
  }
#endif
  if (length < 8) {
    std::memcpy(to, from, length);
    return;
  }
  const size_t body = length - 8;
  std::memcpy(to, from, body);
  // Release: whoever sees the tail sees everything before it.
  std::atomic_thread_fence(std::memory_order_release);
  if (reinterpret_cast<uintptr_t>(to + body) % 8 != 0) {
    std::memcpy(to + body, from + body, 8);
    return;
  }
  uint64_t last;
  std::memcpy(&last, from + body, 8);
  reinterpret_cast<std::atomic<uint64_t>*>(to + body)->store(last, std::memory_order_release);
}

constexpr uint64_t kLineBytes = 64;

Operation operation_of(Opcode opcode) {
  switch (opcode) {
    case Opcode::kRdmaRead:
      return Operation::kRead;
    case Opcode::kCompareAndSwap:
    case Opcode::kFetchAndAdd:
      return Operation::kAtomic;
    default:
      return Operation::kWrite;
  }
}

uint64_t join(uint32_t low, uint32_t high) { return (static_cast<uint64_t>(high) << 32) | low; }

uint64_t atomic_on(std::atomic<uint64_t>* target, const SendEntry& entry, Opcode opcode) {
  const uint64_t operand = join(entry.compare_add_low, entry.compare_add_high);
  if (opcode == Opcode::kFetchAndAdd) return target->fetch_add(operand);
  uint64_t expected = operand;
  target->compare_exchange_strong(expected, join(entry.swap_low, entry.swap_high));
  return expected;
}

}  // namespace

void ShmQueuePair::expect(const SendEntry& entry) {
  const PeerRegion* region = link_.peer == nullptr ? nullptr : link_.peer->mapped(entry.remote_key);
  if (region == nullptr) return;
  const uint64_t end = static_cast<uint64_t>(entry.remote_offset) + entry.length;
  if (end > region->mapping->size()) return;
  for (uint64_t at = entry.remote_offset; at < end; at += kLineBytes)
    expect_store(region->mapping->data() + at);
}

void ShmQueuePair::execute(const SendEntry& entry, const HandleResolver& handles, Moment& moment) {
  complete(entry, carry_out(entry, handles, moment), moment);
}

bool ShmQueuePair::execute_now(const SendEntry& entry, const HandleResolver& handles) {
  Moment moment;
  const Status status = carry_out(entry, handles, moment);
  if (status == Status::kSuccess) return true;
  complete(entry, status, moment);
  return false;
}

Status ShmQueuePair::carry_out(const SendEntry& entry, const HandleResolver& handles,
                               Moment& moment) {
  // Sealed first, whatever becomes of this one: other work requests may carry the same bytes.
  const Opcode opcode = static_cast<Opcode>(entry.opcode_and_flags & 0xff);
  uint8_t* bytes = nullptr;
  const Status ours = local_bytes(entry, handles, opcode, bytes);

  const uint64_t own = slot_->admission.load(std::memory_order_acquire);
  if (admission_state(own) != QueuePairState::kReadyToSend) return Status::kWorkRequestFlushed;
  if (admission_connection(own) != link_.own_connection && !read_link(own))
    return Status::kWorkRequestFlushed;
  if (ours != Status::kSuccess) return refuse(ours, false);
  // A round trip begins when the NIC is told: what we do from here on is its work.
  if (send_queue_->delays(link_.at_home)) moment.begin();
  return transfer(entry, opcode, bytes);
}

/// Checks what only concerns ourselves, and seals.
Status ShmQueuePair::local_bytes(const SendEntry& entry, const HandleResolver& handles,
                                 Opcode opcode, uint8_t*& bytes) const {
  if (opcode > Opcode::kFetchAndAdd) return Status::kLocalQueuePairOperationError;
  if ((entry.opcode_and_flags & kSendInline) != 0 && entry.length > inline_bytes_)
    return Status::kLocalLengthError;

  auto* local = static_cast<ShmRegion*>(handles.memory_region(entry.local_region));
  const uint64_t end = static_cast<uint64_t>(entry.local_offset) + entry.length;
  if (local == nullptr || local->domain_id() != domain_->id() || end > local->size())
    return Status::kLocalProtectionError;
  const bool stores = opcode != Opcode::kRdmaWrite;
  if (stores && (local->access() & kAccessLocalWrite) == 0) return Status::kLocalProtectionError;

  bytes = local->data() + entry.local_offset;
  if ((entry.opcode_and_flags & kSendSeal) == 0 || stores) return Status::kSuccess;
  if (entry.length < kTrailerBytes) return Status::kLocalLengthError;
  seal_trailer(bytes, entry.length);
  return Status::kSuccess;
}

Status ShmQueuePair::transfer(const SendEntry& entry, Opcode opcode, uint8_t* local) {
  Stay stay;
  const Status admitted = enter(entry, opcode, stay);
  if (admitted != Status::kSuccess) return admitted;

  if (stay.region != nullptr) {
    uint8_t* remote = stay.region->mapping->data() + entry.remote_offset;
    if (opcode == Opcode::kRdmaWrite) {
      copy_in_order(remote, local, entry.length);
    } else if (opcode == Opcode::kRdmaRead) {
      std::memcpy(local, remote, entry.length);
    } else {
      const uint64_t old =
          atomic_on(reinterpret_cast<std::atomic<uint64_t>*>(remote), entry, opcode);
      std::memcpy(local, &old, 8);
    }
    reach(HookPoint::kCopied);
    const bool stayed = leave(stay);
    reach(HookPoint::kLeft);
    // Our bytes went to an orphan. A success here would count a replica that has nothing.
    if (!stayed) return refuse(Status::kRemoteAccessError, true);
  }
  if ((entry.opcode_and_flags & kSendWake) != 0) ring_doorbell(link_.peer->shared().header);
  return Status::kSuccess;
}

/// Takes us inside the live copy of the region, or returns why not. A transfer of no bytes is
/// admitted without going anywhere: InfiniBand does not look at its key.
Status ShmQueuePair::enter(const SendEntry& entry, Opcode opcode, Stay& stay) {
  const Operation operation = operation_of(opcode);
  const uint32_t needed = right_for(operation);
  for (;;) {
    if (link_.peer->gone()) return refuse(Status::kRetryExceeded, false);
    PeerRegion* region = link_.peer->find(entry.remote_key);

    uint64_t word = link_.slot->admission.load(std::memory_order_acquire);
    if (!listens(word) || is_inside(word)) return refuse(Status::kRetryExceeded, false);
    if (admission_connection(word) != link_.peer_connection && !recognise_peer(word))
      return refuse(Status::kRetryExceeded, false);
    if ((admission_access(word) & needed) == 0) return refuse(Status::kRemoteInvalidRequest, true);
    if (entry.length == 0 && operation != Operation::kAtomic) return Status::kSuccess;
    if (operation == Operation::kAtomic && (entry.remote_offset % 8 != 0 || entry.length != 8))
      return refuse(Status::kRemoteInvalidRequest, true);
    if (region == nullptr) return refuse_region(entry);
    if (region->domain != link_.peer_domain || (region->access & needed) == 0 ||
        static_cast<uint64_t>(entry.remote_offset) + entry.length > region->mapping->size())
      return refuse(Status::kRemoteAccessError, true);
    reach(HookPoint::kAdmitted);

    stay = {region, entered(word, key_slot(region->key), operation)};
    if (!link_.slot->admission.compare_exchange_strong(word, stay.word, std::memory_order_seq_cst))
      continue;
    reach(HookPoint::kEntered);
    if (region->slot->generation.load(std::memory_order_seq_cst) == region->generation)
      return Status::kSuccess;
    leave(stay);
    link_.peer->forget(*region);
  }
}

/// False when the owner has cut us off, or reset the connection, while we were inside.
bool ShmQueuePair::leave(const Stay& stay) {
  uint64_t word = stay.word;
  // What we stored comes before, for whoever sees us gone.
  while (!link_.slot->admission.compare_exchange_weak(word, left(word), std::memory_order_seq_cst))
    if (!same_stay(word, stay.word)) return false;
  return true;
}

/// Reads whom this connection of ours leads to. False when it was reset while we read.
bool ShmQueuePair::read_link(uint64_t own) {
  Link link;
  link.peer = peer_.load();
  link.number = peer_number_.load();
  link.send_psn = send_psn_.load();
  link.own_connection = admission_connection(own);
  if (admission_connection(slot_->admission.load()) != link.own_connection) return false;
  link.slot = &link.peer->shared().queue_pairs[number_slot(link.number)];
  link.at_home = link.peer->address() == segment_->name();
  link_ = link;
  return true;
}

/// Whether the peer's queue pair, in the connection that `word` is of, is connected to us.
bool ShmQueuePair::recognise_peer(uint64_t word) {
  const QueuePairSlot& slot = *link_.slot;
  const bool ours = slot.number.load() == link_.number && slot.peer_number.load() == number_ &&
                    slot.peer_segment_id.load() == segment_->shared().header.segment_id &&
                    slot.receive_psn.load() == link_.send_psn;
  const uint32_t domain = slot.domain.load();
  // Read as a whole when the same connection is there before and after.
  if (!ours || admission_connection(slot.admission.load()) != admission_connection(word))
    return false;
  link_.peer_connection = admission_connection(word);
  link_.peer_domain = domain;
  return true;
}

/// The key leads nowhere: refused by the peer, unless it just gives no answer.
Status ShmQueuePair::refuse_region(const SendEntry& entry) {
  if (link_.peer->gone() || link_.peer->has(entry.remote_key))
    return refuse(Status::kRetryExceeded, false);
  return refuse(Status::kRemoteAccessError, true);
}

/// Fails the queue pair, and the peer's side too where a responder's NIC would: only in the very
/// connections that the work request was of, for either side may have been reset meanwhile.
Status ShmQueuePair::refuse(Status status, bool remote_too) {
  fail_connection(*slot_, link_.own_connection);
  if (remote_too) fail_connection(*link_.slot, link_.peer_connection);
  return status;
}

void ShmQueuePair::complete(const SendEntry& entry, Status status, Moment& moment) {
  unretired_++;
  const bool signaled = (entry.opcode_and_flags & kSendSignaled) != 0;
  if (!signaled && status == Status::kSuccess) return;

  const CompletionEntry completion{entry.work_request_id_low,
                                   entry.work_request_id_high,
                                   static_cast<uint32_t>(status),
                                   entry.opcode_and_flags & 0xff,
                                   status == Status::kSuccess ? entry.length : 0,
                                   number_,
                                   unretired_,
                                   handle_};
  unretired_ = 0;
  // JavaScript refuses to post what could overrun; whoever posts by other means loses the
  // completion, and every queue pair of that queue.
  send_queue_->push(completion, link_.at_home, moment);
}

}  // namespace mu::shm
