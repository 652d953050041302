#include "queue_pair.h"

#include <cerrno>

#include "fence.h"
#include "process_state.h"

namespace mu::shm {
namespace {

constexpr uint32_t kPacketSequenceNumberMax = 0xff'ffff;

VerbsFailure invalid(const std::string& detail) {
  return VerbsFailure("ibv_modify_qp", EINVAL, detail);
}

}  // namespace

ShmQueuePair::ShmQueuePair(std::shared_ptr<OwnSegment> segment, std::shared_ptr<ShmDomain> domain,
                           std::shared_ptr<ShmCompletionQueue> send_queue, uint32_t inline_bytes,
                           uint32_t handle)
    : segment_(std::move(segment)),
      domain_(std::move(domain)),
      send_queue_(std::move(send_queue)),
      inline_bytes_(inline_bytes),
      handle_(handle) {
  std::lock_guard lock(segment_->control_mutex());
  number_ = segment_->claim_queue_pair_number();
  slot_ = &segment_->shared().queue_pairs[number_slot(number_)];
  slot_->domain.store(domain_->id());
  slot_->number.store(number_, std::memory_order_seq_cst);
  reset();
  send_queue_->attach(slot_);
}

ShmQueuePair::~ShmQueuePair() {
  send_queue_->detach(slot_);
  try {
    reset();
    slot_->number.store(0, std::memory_order_seq_cst);
  } catch (const VerbsFailure&) {
    // A writer is stuck inside and there is no room to relocate: its place is not given to others.
    slot_->number.store(kAbandoned, std::memory_order_seq_cst);
  }
}

void ShmQueuePair::modify(const QueuePairChange& change) {
  std::lock_guard lock(mutex_);
  check(change);
  const uint64_t now = slot_->admission.load();
  const uint32_t access = change.has_access ? change.access : admission_access(now);

  switch (change.state) {
    case QueuePairState::kReset:
      reset();
      return;
    case QueuePairState::kInit:
      // An earlier RESET may have failed to fence.
      if (is_inside(now) && transition_allowed(admission_state(now), change.state))
        retire_connection();
      step(change, access);
      return;
    case QueuePairState::kReadyToReceive:
      if ((access & kMutatingRights) != 0) fence_domain(*segment_, domain_->id());
      connect(change);
      step(change, access);
      return;
    case QueuePairState::kReadyToSend:
      if ((access & kMutatingRights & ~admission_access(now)) != 0)
        fence_domain(*segment_, domain_->id());
      if (admission_state(now) == QueuePairState::kReadyToReceive)
        send_psn_.store(change.send_psn);
      step(change, access);
      fence_own();
      return;
    case QueuePairState::kError:
      step(change, access);
      fence_own();
      return;
  }
}

void ShmQueuePair::check(const QueuePairChange& change) const {
  const QueuePairState from = admission_state(slot_->admission.load());
  if (!transition_allowed(from, change.state))
    throw invalid(std::string(name_of(from)) + " to " + name_of(change.state));
  if (change.has_access && (change.access & ~kAccessAll) != 0)
    throw invalid("unknown access flags " + std::to_string(change.access));
  if (change.receive_psn > kPacketSequenceNumberMax || change.send_psn > kPacketSequenceNumberMax)
    throw invalid("a packet sequence number has 24 bits");
}

uint64_t ShmQueuePair::step(const QueuePairChange& change, uint32_t access) {
  uint64_t before = slot_->admission.load();
  do {
    // A refused write may have set ERR since we looked last: no grant revives that.
    const QueuePairState from = admission_state(before);
    if (!transition_allowed(from, change.state))
      throw invalid(std::string(name_of(from)) + " to " + name_of(change.state));
  } while (!slot_->admission.compare_exchange_weak(
      before, with_rights(before, change.state, access), std::memory_order_seq_cst));
  return before;
}

void ShmQueuePair::reset() {
  step({QueuePairState::kReset, false, 0, {}, 0, 0, 0}, 0);
  retire_connection();
}

void ShmQueuePair::retire_connection() {
  fence_own();
  uint64_t word = slot_->admission.load();
  // Nobody enters in this state. A reader that is still inside loses its connection, and its
  // outcome.
  while (!slot_->admission.compare_exchange_weak(word, next_connection(word),
                                                 std::memory_order_seq_cst)) {
  }
}

void ShmQueuePair::fence_own() { relocations_ += fence(*segment_, *slot_); }

void ShmQueuePair::connect(const QueuePairChange& change) {
  Peer* peer = nullptr;
  for (const auto& known : peers_)
    if (known->address() == change.remote_address) peer = known.get();
  if (peer == nullptr) {
    peers_.push_back(std::make_unique<Peer>(segment_->directory(), change.remote_address));
    peer = peers_.back().get();
    if (change.remote_address != segment_->name())
      segment_->deaths().add(peer->address(), peer->segment());
    // Before the posting thread can see this peer: afterwards the mappings are that thread's.
    peer->map_domain(peer->shared().queue_pairs[number_slot(change.remote_number)].domain.load());
  }

  const SegmentHeader& header = peer->shared().header;
  slot_->receive_psn.store(change.receive_psn);
  slot_->peer_number.store(change.remote_number);
  slot_->peer_segment_id.store(header.segment_id);
  slot_->peer_start_time.store(header.start_time);
  slot_->peer_pid.store(header.pid);
  peer_number_.store(change.remote_number);
  peer_.store(peer);
}

QueuePairQuery ShmQueuePair::query() const {
  std::lock_guard lock(mutex_);
  const uint64_t word = slot_->admission.load();
  return {admission_state(word), admission_access(word), relocations_};
}

ThreadState ShmQueuePair::peer_thread_state() const {
  const Peer* peer = peer_.load();
  if (peer == nullptr) return ThreadState::kUnknown;
  if (peer->gone()) return ThreadState::kDead;
  const SegmentHeader& header = peer->shared().header;
  const uint32_t tid = header.watched_tid.load(std::memory_order_acquire);
  if (tid == 0) return ThreadState::kUnknown;
  std::lock_guard lock(mutex_);
  const TaskStat stat = peer_thread_.read(header.pid, tid);
  if (!stat.exists || stat.start_time != header.watched_start_time.load())
    return ThreadState::kDead;
  switch (stat.state) {
    case 'T':
    case 't':
      return ThreadState::kStopped;
    case 'Z':
    case 'X':
      return ThreadState::kDead;
    default:
      return ThreadState::kRunning;
  }
}

}  // namespace mu::shm
