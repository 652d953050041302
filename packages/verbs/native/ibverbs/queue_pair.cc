#include "queue_pair.h"

#include <algorithm>
#include <cerrno>

#include "../transitions.h"

namespace mu::ibverbs {
namespace {

constexpr uint32_t kPacketSequenceNumberMax = 0xff'ffff;
/// Hops that a packet may take over routers.
constexpr uint8_t kHopLimit = 64;
/// ibv_modify_qp(3): 12 = 0.64 ms. Nothing here waits for receives, so it never comes to that.
constexpr uint8_t kReceiverNotReadyTimer = 12;
/// How often a queue pair is brought to RESET before that counts as refused.
constexpr uint32_t kResetsMax = 10;

VerbsFailure invalid(const std::string& detail) {
  return VerbsFailure("ibv_modify_qp", EINVAL, detail);
}

ibv_qp* create(const Domain& domain, ibv_cq* queue, uint32_t depth, uint32_t inline_bytes) {
  ibv_qp_init_attr attributes{};
  attributes.send_cq = queue;
  attributes.recv_cq = queue;
  attributes.qp_type = IBV_QPT_RC;
  attributes.cap = {depth, 1, 1, 1, inline_bytes};
  ibv_qp* queue_pair = library().create_qp(domain.raw(), &attributes);
  if (queue_pair == nullptr)
    throw VerbsFailure("ibv_create_qp", errno, "depth " + std::to_string(depth));
  return queue_pair;
}

int remote_rights(uint32_t access) {
  return static_cast<int>(access & (kAccessRemoteWrite | kAccessRemoteRead | kAccessRemoteAtomic));
}

}  // namespace

IbvQueuePair::IbvQueuePair(std::shared_ptr<Device> device, std::shared_ptr<Domain> domain,
                           const QueuePairAttributes& attributes, uint32_t handle)
    : device_(std::move(device)),
      domain_(std::move(domain)),
      completions_(std::static_pointer_cast<IbvCompletionQueue>(attributes.send_queue)),
      inline_bytes_(attributes.inline_bytes),
      queue_pair_(create(*domain_, completions_->raw(), attributes.send_depth, inline_bytes_)),
      work_(std::make_unique<WorkQueue>(*completions_, attributes.send_depth, queue_pair_->qp_num,
                                        handle)) {
  completions_->attach(work_->serial(), work_.get());
}

IbvQueuePair::~IbvQueuePair() {
  device_->local_network().remove(number());
  completions_->detach(work_->serial());
  library().destroy_qp(queue_pair_);
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
      work_->cancel();
      return;
    case QueuePairState::kInit:
      initialize(change.has_access ? change.access : access_.load());
      return;
    case QueuePairState::kReadyToReceive:
      remote_address_ = change.remote_address;
      remote_number_ = change.remote_number;
      receive_psn_ = change.receive_psn;
      local_ = remote_address_ == device_->address() &&
               device_->local_network().find(remote_number_) != nullptr;
      connect(change.receive_psn);
      return;
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
}

void IbvQueuePair::apply(ibv_qp_attr& attributes, int mask) {
  const int error = library().modify_qp(queue_pair_, &attributes, mask);
  if (error != 0) throw VerbsFailure("ibv_modify_qp", error, "refused by the device");
}

void IbvQueuePair::to_state(ibv_qp_state to) {
  ibv_qp_attr attributes{};
  attributes.qp_state = to;
  apply(attributes, IBV_QP_STATE);
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
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_INIT;
  attributes.port_num = static_cast<uint8_t>(device_->options().port);
  attributes.qp_access_flags = static_cast<unsigned>(remote_rights(access));
  apply(attributes, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
  access_ = access;
}

void IbvQueuePair::connect(uint32_t receive_psn) {
  const RemoteAddress remote = parse_address(remote_address_);
  const RemoteAddress own = parse_address(device_->address());
  if (remote.ethernet != own.ethernet) throw invalid("the peer is on another kind of network");
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RTR;
  attributes.path_mtu = std::min(own.mtu, remote.mtu);
  attributes.dest_qp_num = remote_number_;
  attributes.rq_psn = receive_psn;
  attributes.max_dest_rd_atomic = static_cast<uint8_t>(device_->limits().outstanding_reads);
  attributes.min_rnr_timer = kReceiverNotReadyTimer;
  attributes.ah_attr.port_num = static_cast<uint8_t>(device_->options().port);
  attributes.ah_attr.dlid = remote.lid;
  if (device_->ethernet()) {
    attributes.ah_attr.is_global = 1;
    attributes.ah_attr.grh.dgid = remote.gid;
    attributes.ah_attr.grh.sgid_index = static_cast<uint8_t>(device_->gid_index());
    attributes.ah_attr.grh.hop_limit = kHopLimit;
  }
  apply(attributes, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
                        IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
}

void IbvQueuePair::start(uint32_t send_psn) {
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RTS;
  attributes.timeout = static_cast<uint8_t>(device_->options().timeout_exponent);
  attributes.retry_cnt = static_cast<uint8_t>(device_->options().retry_count);
  attributes.rnr_retry = attributes.retry_cnt;
  attributes.sq_psn = send_psn;
  attributes.max_rd_atomic = static_cast<uint8_t>(device_->limits().outstanding_reads);
  apply(attributes, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
                        IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
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
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RTS;
  attributes.qp_access_flags = static_cast<unsigned>(remote_rights(access));
  apply(attributes, IBV_QP_STATE | IBV_QP_ACCESS_FLAGS);
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
  const bool idle = work_->cancel();
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
  work_->cancel();
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
