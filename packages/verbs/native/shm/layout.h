// What processes of one fabric see of each other: the control segment, mapped by every peer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../types.h"

namespace mu::shm {

constexpr uint64_t kMagic = 0x3147'4553'524d'534dull;  // "MSMRSEG1"
constexpr uint32_t kVersion = 2;
constexpr uint32_t kRegionSlots = 64;
constexpr uint32_t kQueuePairSlots = 256;

static_assert(std::atomic<uint64_t>::is_always_lock_free);
static_assert(std::atomic<uint32_t>::is_always_lock_free);

struct SegmentHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t pid;
  /// Start time of the process in clock ticks since boot: tells a process from a later one with its
  /// pid.
  uint64_t start_time;
  /// Random: tells this segment from all others, also of the same process.
  uint64_t segment_id;

  /// Robust futex held by the liveness thread: the kernel sets FUTEX_OWNER_DIED when the process
  /// dies.
  alignas(64) std::atomic<uint32_t> death_word;
  /// Set by an orderly close; peers treat it as death.
  std::atomic<uint32_t> closed;

  /// Futex that counts rings; `sleepers` tells ringers whether a system call is needed.
  alignas(64) std::atomic<uint32_t> doorbell;
  std::atomic<uint32_t> sleepers;

  /// The thread whose scheduler state stands for the replica's.
  alignas(64) std::atomic<uint32_t> watched_tid;
  std::atomic<uint64_t> watched_start_time;
};

/// One registered region. Key 0 = free.
struct alignas(64) RegionSlot {
  std::atomic<uint32_t> key;
  /// Even: valid. Odd: being relocated, or free. It only grows, also from one region of this slot
  /// to the next, so that a generation names one file of one region for ever.
  std::atomic<uint32_t> generation;
  std::atomic<uint64_t> bytes;
  std::atomic<uint32_t> access;
  std::atomic<uint32_t> domain;
};

/// One queue pair, in its owner's segment.
struct QueuePairSlot {
  /// State, access flags, and who stands inside: see admission.h. Alone on its line, because the
  /// peer changes it twice for each operation.
  alignas(64) std::atomic<uint64_t> admission;

  /// Changed by the owner only between a RESET, which gives `admission` a new connection, and the
  /// step to RTR: a peer that reads the same connection before and after them has read one whole.
  alignas(64) std::atomic<uint32_t> number;  // 0 = free
  std::atomic<uint32_t> domain;
  std::atomic<uint32_t> receive_psn;
  /// Whom this queue pair was connected to at RTR.
  std::atomic<uint32_t> peer_number;
  std::atomic<uint64_t> peer_segment_id;
  std::atomic<uint64_t> peer_start_time;
  std::atomic<uint32_t> peer_pid;
};

/// Number of a slot whose queue pair was destroyed while a writer that cannot be fenced stands in
/// it.
constexpr uint32_t kAbandoned = 0xffff'ffff;

struct ControlSegment {
  SegmentHeader header;
  RegionSlot regions[kRegionSlots];
  QueuePairSlot queue_pairs[kQueuePairSlots];
};

/// Keys carry their slot in the low bits, so a lookup is an index and a compare.
constexpr uint32_t key_slot(uint32_t key) { return key % kRegionSlots; }
constexpr uint32_t number_slot(uint32_t number) { return number % kQueuePairSlots; }

}  // namespace mu::shm
