// Which steps a queue pair may take, whatever the provider.
#pragma once

#include "types.h"

namespace mu {

/// ibv_modify_qp(3), for RC: RESET and ERR from everywhere, the rest step by step.
constexpr bool transition_allowed(QueuePairState from, QueuePairState to) {
  switch (to) {
    case QueuePairState::kReset:
    case QueuePairState::kError:
      return true;
    case QueuePairState::kInit:
      return from == QueuePairState::kReset || from == QueuePairState::kInit;
    case QueuePairState::kReadyToReceive:
      return from == QueuePairState::kInit;
    case QueuePairState::kReadyToSend:
      return from == QueuePairState::kReadyToReceive || from == QueuePairState::kReadyToSend;
  }
  return false;
}

constexpr const char* name_of(QueuePairState state) {
  switch (state) {
    case QueuePairState::kReset:
      return "RESET";
    case QueuePairState::kInit:
      return "INIT";
    case QueuePairState::kReadyToReceive:
      return "RTR";
    case QueuePairState::kReadyToSend:
      return "RTS";
    case QueuePairState::kError:
      return "ERR";
  }
  return "no state";
}

}  // namespace mu
