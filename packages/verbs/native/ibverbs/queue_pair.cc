#include "queue_pair.h"

#include <algorithm>
#include <cerrno>

#include "../transitions.h"

namespace mu::ibverbs {
namespace {

constexpr uint32_t kPacketSequenceNumberMax = 0xff'ffff;
/// A queue key with the top bit set is the system's own.
constexpr uint32_t kQueueKeyMax = 0x7fff'ffff;
/// How often a queue pair is brought to RESET before that counts as refused.
constexpr uint32_t kResetsMax = 10;

VerbsFailure invalid(const std::string& detail) {
  return VerbsFailure("ibv_modify_qp", EINVAL, detail);
}

ibv_qp_type to_verbs(QueuePairType type) {
  static_assert(static_cast<int>(QueuePairType::kRC) == IBV_QPT_RC &&
                static_cast<int>(QueuePairType::kUC) == IBV_QPT_UC &&
                static_cast<int>(QueuePairType::kUD) == IBV_QPT_UD);
  return static_cast<ibv_qp_type>(type);
}

ibv_qp* create(const Domain& domain, const QueuePairAttributes& attributes, ibv_cq* sends,
               ibv_cq* receives) {
  ibv_qp_init_attr initial{};
  initial.send_cq = sends;
  initial.recv_cq = receives;
  initial.qp_type = to_verbs(attributes.type);
  // Some devices make no queue without a place.
  initial.cap = {attributes.send_depth, std::max(1u, attributes.receive_depth), 1, 1,
                 attributes.inline_bytes};
  ibv_qp* queue_pair = library().create_qp(domain.raw(), &initial);
  if (queue_pair == nullptr)
    throw VerbsFailure("ibv_create_qp", errno, "depth " + std::to_string(attributes.send_depth));
  return queue_pair;
}

}  // namespace

IbvQueuePair::IbvQueuePair(std::shared_ptr<Device> device, std::shared_ptr<Domain> domain,
                           const QueuePairAttributes& attributes, uint32_t handle)
    : device_(std::move(device)),
      domain_(std::move(domain)),
      type_(attributes.type),
      completions_(std::static_pointer_cast<IbvCompletionQueue>(attributes.send_queue)),
      receive_completions_(std::static_pointer_cast<IbvCompletionQueue>(attributes.receive_queue)),
      inline_bytes_(attributes.inline_bytes),
      queue_pair_(create(*domain_, attributes, completions_->raw(), receive_completions_->raw())),
      work_(std::make_unique<WorkQueue>(*completions_, attributes.send_depth, queue_pair_->qp_num,
                                        handle)) {
  completions_->attach(work_->serial(), work_.get());
  if (attributes.receive_depth == 0) return;
  receives_ = std::make_unique<WorkQueue>(*receive_completions_, attributes.receive_depth,
                                          queue_pair_->qp_num, handle | kReceiveQueue);
  receive_completions_->attach(receives_->serial(), receives_.get());
}

IbvQueuePair::~IbvQueuePair() {
  device_->local_network().remove(number());
  completions_->detach(work_->serial());
  if (receives_ != nullptr) receive_completions_->detach(receives_->serial());
  library().destroy_qp(queue_pair_);
}

/// Everything posted is retired by us. Whether there was nothing.
bool IbvQueuePair::cancel() {
  const bool idle = work_->cancel();
  return (receives_ == nullptr || receives_->cancel()) && idle;
}

void IbvQueuePair::modify(const QueuePairChange& change) {
  std::lock_guard lock(mutex_);
  check(change);
  switch (change.state) {
    case QueuePairState::kReset:
      stop_accepting();
      reset();
      access_ = 0;
      // The device forgets what was outstanding, and will not complete it.
      cancel();
      return;
    case QueuePairState::kInit:
      queue_key_ = change.queue_key;
      initialize(change.has_access ? change.access : access_.load());
      return;
    case QueuePairState::kReadyToReceive: {
      remote_address_ = change.remote_address;
      remote_number_ = change.remote_number;
      receive_psn_ = change.receive_psn;
      const auto peer = remote_address_ == device_->address()
                            ? device_->local_network().find(remote_number_)
                            : nullptr;
      local_ = peer != nullptr && may_be_local() && peer->may_be_local();
      connect(change.receive_psn);
      return;
    }
    case QueuePairState::kReadyToSend:
      if (state() == QueuePairState::kReadyToReceive) start(change.send_psn);
      if (change.has_access) change_access(change.access);
      return;
    case QueuePairState::kError:
      if (device_->revokes_by_reset()) {
        give_up();
      } else {
        stop_accepting();
        to_error();
      }
      return;
  }
}

void IbvQueuePair::check(const QueuePairChange& change) const {
  const QueuePairState from = state();
  if (!transition_allowed(from, change.state))
    throw invalid(std::string(name_of(from)) + " to " + name_of(change.state));
  if (change.has_access && (change.access & ~kAccessAll) != 0)
    throw invalid("unknown access flags " + std::to_string(change.access));
  if (change.receive_psn > kPacketSequenceNumberMax || change.send_psn > kPacketSequenceNumberMax)
    throw invalid("a packet sequence number has 24 bits");
  if (change.queue_key > kQueueKeyMax) throw invalid("a queue key has 31 bits");
  if (type_ == QueuePairType::kUD && change.has_access)
    throw invalid("datagrams are not a right to anything");
}

void IbvQueuePair::apply(Step step) {
  const int error = library().modify_qp(queue_pair_, &step.attributes, step.mask);
  if (error != 0) throw VerbsFailure("ibv_modify_qp", error, "refused by the device");
}

void IbvQueuePair::to_state(ibv_qp_state to) {
  Step step;
  step.attributes.qp_state = to;
  step.mask = IBV_QP_STATE;
  apply(step);
}

/// To RESET, with nothing of the earlier life under way.
///
/// Soft-RoCE waits for its thread after it has set the state: when that thread is on its way to ERR
/// because it has refused something, the queue pair ends there, and is reset again.
void IbvQueuePair::reset() {
  for (uint32_t tries = 1; tries <= kResetsMax; tries++) {
    to_state(IBV_QPS_RESET);
    if (state() == QueuePairState::kReset) return;
  }
  throw VerbsFailure("ibv_modify_qp", EIO, "the queue pair does not stay in RESET");
}

void IbvQueuePair::initialize(uint32_t access) {
  apply(to_init(type_, static_cast<uint8_t>(device_->options().port), access, queue_key_));
  access_ = access;
}

void IbvQueuePair::connect(uint32_t receive_psn) {
  const auto reads = static_cast<uint8_t>(device_->limits().outstanding_reads);
  Peer peer{};
  if (type_ != QueuePairType::kUD) {
    const RemoteAddress remote = parse_address("ibv_modify_qp", *device_, remote_address_);
    const ibv_mtu mtu = std::min(device_->mtu(), remote.mtu);
    peer = {remote_number_, receive_psn, mtu, path_to(*device_, remote)};
  }
  apply(to_ready_to_receive(type_, peer, reads));
}

void IbvQueuePair::start(uint32_t send_psn) {
  const Patience patience{static_cast<uint8_t>(device_->options().timeout_exponent),
                          static_cast<uint8_t>(device_->options().retry_count)};
  const auto reads = static_cast<uint8_t>(device_->limits().outstanding_reads);
  apply(to_ready_to_send(type_, send_psn, patience, reads));
  accepts_ = true;
  if (local_)
    device_->local_network().open(
        number(), {remote_number_, access_, send_psn, receive_psn_, domain_.get()});
}

/// Nothing is handed to the device any more, and no copy of a local peer's comes in.
void IbvQueuePair::stop_accepting() {
  accepts_ = false;
  device_->local_network().close(number());
}

/// The local peer was refused, or refused us: this end is closed already.
void IbvQueuePair::broken_by_peer() {
  std::lock_guard lock(mutex_);
  if (!accepts_ || device_->local_network().is_open(number())) return;
  accepts_ = false;
  to_error();
}

void IbvQueuePair::change_access(uint32_t access) {
  // What a local peer loses is lost first, and what it gains is gained last.
  device_->local_network().set_access(number(), access_ & access);
  const uint32_t revoked = access_ & ~access & (kAccessRemoteWrite | kAccessRemoteAtomic);
  apply(to_access(type_, access));
  access_ = access;
  device_->local_network().set_access(number(), access);
  if (revoked != 0 && !local_ && device_->revokes_by_reset()) pass_through_reset(access);
}

/// Has the device finish with the packet in its hands, and takes the connection up where it was.
///
/// Packets that come meanwhile are dropped, and sent again by the peer, because the sequence number
/// goes on where it stood; one that was being refused is refused again, so the peer always hears why.
/// Where that cannot be, the queue pair is left in ERR, which revokes, too: it was there, it has sent
/// what may or may not have arrived, or the peer cannot be reached now.
void IbvQueuePair::pass_through_reset(uint32_t access) {
  const bool works = state() == QueuePairState::kReadyToSend;
  accepts_ = false;
  reset();
  const bool idle = cancel();
  ibv_qp_attr attributes{};
  ibv_qp_init_attr initial{};
  const int error = library().query_qp(queue_pair_, &attributes, IBV_QP_RQ_PSN | IBV_QP_SQ_PSN, &initial);
  if (!works || !idle || error != 0) return to_error();
  try {
    initialize(access);
    connect(attributes.rq_psn & kPacketSequenceNumberMax);
    start(attributes.sq_psn & kPacketSequenceNumberMax);
  } catch (const VerbsFailure&) {
    accepts_ = false;
    reset();
    to_error();
  }
}

/// To ERR with nothing outstanding: everything is retired by us, and nothing by the device.
void IbvQueuePair::give_up() {
  stop_accepting();
  reset();
  cancel();
  to_error();
}

/// From everywhere. There is no step from RESET to ERR in InfiniBand, but there is one over INIT.
void IbvQueuePair::to_error() {
  if (state() == QueuePairState::kReset) initialize(0);
  to_state(IBV_QPS_ERR);
}

QueuePairState IbvQueuePair::state() const {
  ibv_qp_attr attributes{};
  ibv_qp_init_attr initial{};
  const int error = library().query_qp(queue_pair_, &attributes, IBV_QP_STATE, &initial);
  if (error != 0) throw VerbsFailure("ibv_query_qp", error, "refused by the device");
  switch (attributes.qp_state) {
    case IBV_QPS_RESET:
      return QueuePairState::kReset;
    case IBV_QPS_INIT:
      return QueuePairState::kInit;
    case IBV_QPS_RTR:
      return QueuePairState::kReadyToReceive;
    case IBV_QPS_RTS:
      return QueuePairState::kReadyToSend;
    default:
      // SQD and SQE are never asked for; whoever is there can only be reset.
      return QueuePairState::kError;
  }
}

QueuePairQuery IbvQueuePair::query() const { return {state(), access_.load(), 0}; }

}  // namespace mu::ibverbs
