// What each step of a queue pair's states needs: ibv_modify_qp(3), by type.
#pragma once

#include <infiniband/verbs.h>

#include <cstdint>

#include "../types.h"

namespace mu::ibverbs {

/// Attributes of one ibv_modify_qp, and which of them count.
struct Step {
  ibv_qp_attr attributes{};
  int mask = 0;
};

/// What a queue pair may admit from its peer; datagrams have no rights.
uint32_t admissible(QueuePairType type, uint32_t access);

/// RESET to INIT. `access` is of connected queue pairs, `queue_key` of datagrams.
Step to_init(QueuePairType type, uint8_t port, uint32_t access, uint32_t queue_key);

struct Peer {
  uint32_t number;
  uint32_t receive_psn;
  ibv_mtu mtu;
  ibv_ah_attr path;
};
/// INIT to RTR. Datagrams have no peer.
Step to_ready_to_receive(QueuePairType type, const Peer& peer, uint8_t reads);

struct Patience {
  uint8_t timeout_exponent;
  uint8_t retry_count;
};
/// RTR to RTS. Only reliable queue pairs wait for answers.
Step to_ready_to_send(QueuePairType type, uint32_t send_psn, const Patience& patience,
                      uint8_t reads);

/// RTS to RTS, with other rights. Not for datagrams.
Step to_access(QueuePairType type, uint32_t access);

}  // namespace mu::ibverbs
