#include "steps.h"

namespace mu::ibverbs {
namespace {

/// ibv_modify_qp(3): 12 = 0.64 ms. How long a peer waits that found no receive posted.
constexpr uint8_t kReceiverNotReadyTimer = 12;

}  // namespace

uint32_t admissible(QueuePairType type, uint32_t access) {
  switch (type) {
    case QueuePairType::kRC:
      return access & (kAccessRemoteWrite | kAccessRemoteRead | kAccessRemoteAtomic);
    case QueuePairType::kUC:
      return access & kAccessRemoteWrite;
    default:
      return 0;
  }
}

Step to_init(QueuePairType type, uint8_t port, uint32_t access, uint32_t queue_key) {
  Step step;
  step.attributes.qp_state = IBV_QPS_INIT;
  step.attributes.port_num = port;
  step.mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT;
  if (type == QueuePairType::kUD) {
    step.attributes.qkey = queue_key;
    step.mask |= IBV_QP_QKEY;
  } else {
    step.attributes.qp_access_flags = admissible(type, access);
    step.mask |= IBV_QP_ACCESS_FLAGS;
  }
  return step;
}

Step to_ready_to_receive(QueuePairType type, const Peer& peer, uint8_t reads) {
  Step step;
  step.attributes.qp_state = IBV_QPS_RTR;
  step.mask = IBV_QP_STATE;
  if (type == QueuePairType::kUD) return step;
  step.attributes.path_mtu = peer.mtu;
  step.attributes.dest_qp_num = peer.number;
  step.attributes.rq_psn = peer.receive_psn;
  step.attributes.ah_attr = peer.path;
  step.mask |= IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
  if (type == QueuePairType::kUC) return step;
  step.attributes.max_dest_rd_atomic = reads;
  step.attributes.min_rnr_timer = kReceiverNotReadyTimer;
  step.mask |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
  return step;
}

Step to_ready_to_send(QueuePairType type, uint32_t send_psn, const Patience& patience,
                      uint8_t reads) {
  Step step;
  step.attributes.qp_state = IBV_QPS_RTS;
  step.attributes.sq_psn = send_psn;
  step.mask = IBV_QP_STATE | IBV_QP_SQ_PSN;
  if (type != QueuePairType::kRC) return step;
  step.attributes.timeout = patience.timeout_exponent;
  step.attributes.retry_cnt = patience.retry_count;
  step.attributes.rnr_retry = patience.retry_count;
  step.attributes.max_rd_atomic = reads;
  step.mask |=
      IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC;
  return step;
}

Step to_access(QueuePairType type, uint32_t access) {
  Step step;
  step.attributes.qp_state = IBV_QPS_RTS;
  step.attributes.qp_access_flags = admissible(type, access);
  step.mask = IBV_QP_STATE | IBV_QP_ACCESS_FLAGS;
  return step;
}

}  // namespace mu::ibverbs
