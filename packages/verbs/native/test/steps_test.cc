// What each step of a queue pair needs, by type: the table of ibv_modify_qp(3).
#ifdef MU_IBVERBS

#include "../ibverbs/steps.h"

#include "check.h"

namespace mu::test {
namespace {

using namespace ibverbs;

constexpr uint8_t kReads = 16;
constexpr Peer kPeer{7, 100, IBV_MTU_2048, {}};
constexpr Patience kPatience{14, 3};
constexpr QueuePairType kRC = QueuePairType::kRC;
constexpr QueuePairType kUC = QueuePairType::kUC;
constexpr QueuePairType kUD = QueuePairType::kUD;

TEST(steps_init, "to INIT: connected queue pairs have rights, datagrams a queue key") {
  constexpr int kAll = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT;
  for (const QueuePairType type : {kRC, kUC}) {
    const Step step = to_init(type, 2, kAccessAll, 99);
    CHECK_EQUAL(step.mask, kAll | IBV_QP_ACCESS_FLAGS, "mask");
    CHECK_EQUAL(step.attributes.qp_access_flags, admissible(type, kAccessAll), "rights");
    CHECK_EQUAL(step.attributes.port_num, 2u, "port");
  }
  const Step step = to_init(kUD, 2, kAccessAll, 99);
  CHECK_EQUAL(step.mask, kAll | IBV_QP_QKEY, "mask of datagrams");
  CHECK_EQUAL(step.attributes.qkey, 99u, "queue key");
  CHECK_EQUAL(step.attributes.qp_access_flags, 0u, "rights of datagrams");
}

TEST(steps_rights, "unreliable queue pairs admit writes only, and nobody gives a local right away") {
  CHECK_EQUAL(admissible(kRC, kAccessAll),
              kAccessRemoteWrite | kAccessRemoteRead | kAccessRemoteAtomic, "RC");
  CHECK_EQUAL(admissible(kUC, kAccessAll), kAccessRemoteWrite, "UC");
  CHECK_EQUAL(admissible(kUD, kAccessAll), 0u, "UD");
  CHECK_EQUAL(to_access(kUC, kAccessAll).attributes.qp_access_flags, kAccessRemoteWrite, "change");
  CHECK_EQUAL(to_access(kRC, 0).mask, IBV_QP_STATE | IBV_QP_ACCESS_FLAGS, "mask of a change");
}

TEST(steps_receive, "to RTR: only connected queue pairs have a peer, only reliable ones answer") {
  constexpr int kConnected =
      IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
  const Step reliable = to_ready_to_receive(kRC, kPeer, kReads);
  CHECK_EQUAL(reliable.mask, kConnected | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER, "RC");
  CHECK_EQUAL(reliable.attributes.max_dest_rd_atomic, kReads, "reads of the peer");
  CHECK_EQUAL(to_ready_to_receive(kUC, kPeer, kReads).mask, kConnected, "UC");
  CHECK_EQUAL(to_ready_to_receive(kUD, kPeer, kReads).mask, IBV_QP_STATE, "UD");
  for (const QueuePairType type : {kRC, kUC}) {
    const ibv_qp_attr attributes = to_ready_to_receive(type, kPeer, kReads).attributes;
    CHECK_EQUAL(attributes.dest_qp_num, kPeer.number, "peer");
    CHECK_EQUAL(attributes.rq_psn, kPeer.receive_psn, "sequence number");
    CHECK_EQUAL(static_cast<int>(attributes.path_mtu), static_cast<int>(kPeer.mtu), "MTU");
  }
}

TEST(steps_send, "to RTS: only reliable queue pairs wait for answers") {
  constexpr int kAll = IBV_QP_STATE | IBV_QP_SQ_PSN;
  const Step reliable = to_ready_to_send(kRC, 5, kPatience, kReads);
  CHECK_EQUAL(reliable.mask,
              kAll | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC,
              "RC");
  CHECK_EQUAL(reliable.attributes.timeout, kPatience.timeout_exponent, "timeout");
  CHECK_EQUAL(reliable.attributes.retry_cnt, kPatience.retry_count, "retries");
  // 7 would be for ever.
  CHECK_EQUAL(reliable.attributes.rnr_retry, kPatience.retry_count, "retries without a receive");
  for (const QueuePairType type : {kUC, kUD}) {
    const Step step = to_ready_to_send(type, 5, kPatience, kReads);
    CHECK_EQUAL(step.mask, kAll, "unreliable");
    CHECK_EQUAL(step.attributes.sq_psn, 5u, "sequence number");
  }
}

}  // namespace
}  // namespace mu::test

#endif
