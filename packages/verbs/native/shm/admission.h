// The admission word of a queue pair: everything that decides whether the peer may do something,
// and what it is doing right now, in one atomic word.
//
//   63..32  connection  grows with every RESET, never goes back: names one life of the queue pair
//   31..16  cuts        grows when the owner cuts off a peer that stands inside
//   15..9   region      slot of the region that the peer stands in, plus 1; 0 = it stands outside
//    8..7   operation   what it does there
//    6..3   access      what it may do
//    2..0   state       as the owner, or a refusal, set it
#pragma once

#include <cstdint>

#include "../transitions.h"
#include "../types.h"
#include "layout.h"

namespace mu::shm {

/// What a peer inside a region does there.
enum class Operation : uint32_t { kRead = 0, kWrite = 1, kAtomic = 2 };

static_assert(kRegionSlots < 128, "the region's slot has 7 bits");

constexpr uint64_t kAdmissionInside = 0xff80;
constexpr uint64_t kAdmissionAccess = 0x78;
constexpr uint64_t kAdmissionState = 0x7;
constexpr uint64_t kAdmissionOneCut = 0x1'0000;
/// State and access: what may change while a peer stands inside without ending its operation.
constexpr uint64_t kAdmissionRights = kAdmissionAccess | kAdmissionState;

constexpr QueuePairState admission_state(uint64_t word) {
  return static_cast<QueuePairState>(word & kAdmissionState);
}
constexpr uint32_t admission_access(uint64_t word) {
  return static_cast<uint32_t>((word & kAdmissionAccess) >> 3);
}
constexpr uint32_t admission_connection(uint64_t word) { return static_cast<uint32_t>(word >> 32); }
constexpr uint64_t with_rights(uint64_t word, QueuePairState state, uint32_t access) {
  return (word & ~kAdmissionRights) | (static_cast<uint64_t>(access & 0xf) << 3) |
         static_cast<uint64_t>(state);
}

constexpr bool is_inside(uint64_t word) { return (word & kAdmissionInside) != 0; }
constexpr uint32_t inside_region(uint64_t word) {
  return static_cast<uint32_t>((word >> 9) & 0x7f) - 1;
}
constexpr Operation inside_operation(uint64_t word) {
  return static_cast<Operation>((word >> 7) & 3);
}
constexpr uint64_t entered(uint64_t word, uint32_t region, Operation operation) {
  return (word & ~kAdmissionInside) | (static_cast<uint64_t>(region + 1) << 9) |
         (static_cast<uint64_t>(operation) << 7);
}
constexpr uint64_t left(uint64_t word) { return word & ~kAdmissionInside; }
/// Ends the operation of whoever stands inside: its own attempt to leave will not find itself.
constexpr uint64_t cut_off(uint64_t word) {
  const uint64_t cuts = (word + kAdmissionOneCut) & 0xffff'0000;
  return left((word & ~uint64_t{0xffff'0000}) | cuts);
}
/// The next life of the queue pair; whoever belongs to an earlier one can change nothing any more.
constexpr uint64_t next_connection(uint64_t word) {
  return ((word >> 32) + 1) << 32 | (word & kAdmissionRights);
}
/// Whether two words are of one and the same stay inside.
constexpr bool same_stay(uint64_t one, uint64_t other) {
  return ((one ^ other) & ~kAdmissionRights) == 0;
}

/// Whether a peer may be let in at all.
constexpr bool listens(uint64_t word) {
  const QueuePairState state = admission_state(word);
  return state == QueuePairState::kReadyToSend || state == QueuePairState::kReadyToReceive;
}

constexpr uint32_t right_for(Operation operation) {
  switch (operation) {
    case Operation::kRead:
      return kAccessRemoteRead;
    case Operation::kWrite:
      return kAccessRemoteWrite;
    default:
      return kAccessRemoteAtomic;
  }
}
constexpr uint32_t kMutatingRights = kAccessRemoteWrite | kAccessRemoteAtomic;

/// Whether somebody is inside who could change bytes without the right to. A reader changes
/// nothing, and what it still reads was there when it was admitted.
constexpr bool needs_fence(uint64_t word) {
  if (!is_inside(word) || inside_operation(word) == Operation::kRead) return false;
  return !listens(word) || (admission_access(word) & right_for(inside_operation(word))) == 0;
}

}  // namespace mu::shm
