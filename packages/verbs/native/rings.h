// The two rings that JavaScript and a provider share, in 32-bit words: src/ring-layout.ts in C++.
#pragma once

#include <atomic>
#include <cstdint>

namespace mu {

constexpr uint32_t kRingProducer = 0;
constexpr uint32_t kRingConsumer = 16;
constexpr uint32_t kRingEntries = 32;

constexpr uint32_t kSendEntryWords = 16;
constexpr uint32_t kCompletionEntryWords = 8;

/// Behind the entries of a send ring: one write that goes to several targets at once.
constexpr uint32_t kNowWords = 144;
constexpr uint32_t kNowTargetsMax = 16;

constexpr uint32_t kSendSignaled = 1u << 8;
constexpr uint32_t kSendInline = 1u << 9;
constexpr uint32_t kSendWake = 1u << 10;
constexpr uint32_t kSendSeal = 1u << 11;
constexpr uint32_t kSendImmediate = 1u << 12;

/// Added to a queue pair's handle in completions of its receive queue.
constexpr uint32_t kReceiveQueue = 1u << 16;
constexpr uint32_t kReceivedWords = 4;
constexpr uint32_t kReceivedImmediate = 1u << 0;
constexpr uint32_t kReceivedGlobalHeader = 1u << 1;

/// One work request, as JavaScript stored it. For a datagram `remote_key` is the peer's queue key, and
/// `remote_offset` the number of its queue pair.
struct SendEntry {
  uint32_t opcode_and_flags;
  uint32_t queue_pair;
  uint32_t local_region;
  uint32_t local_offset;
  uint32_t length;
  uint32_t remote_key;
  uint32_t remote_offset;
  uint32_t immediate;
  uint32_t work_request_id_low;
  uint32_t work_request_id_high;
  uint32_t compare_add_low;
  uint32_t compare_add_high;
  uint32_t swap_low;
  uint32_t swap_high;
  uint32_t address_handle;
  uint32_t padding[1];
};
static_assert(sizeof(SendEntry) == kSendEntryWords * 4);

/// A write to several targets: what is the same for all, and then what differs.
struct WriteNow {
  uint32_t count;
  uint32_t first_opcode_and_flags;
  uint32_t opcode_and_flags;
  uint32_t local_region;
  uint32_t local_offset;
  uint32_t length;
  uint32_t remote_offset;
  uint32_t work_request_id_low;
  /// Where all of it completes, and how much is waited for: so many targets, these among them.
  uint32_t completion_queue;
  uint32_t needed;
  uint32_t required;
  /// The provider's own: a bit for each target of which a completion was taken in.
  uint32_t done;
  uint32_t padding[4];
  struct Target {
    uint32_t queue_pair;
    uint32_t remote_key;
    uint32_t work_request_id_high;
    /// Earlier writes to it whose completions were taken in by the last call, and the last of them.
    uint32_t earlier;
    uint32_t earlier_id_low;
    uint32_t padding[3];
  } targets[kNowTargetsMax];
};
static_assert(sizeof(WriteNow) == kNowWords * 4);

/// Where it stands in the memory of a send ring with so many entries.
inline WriteNow& write_behind(uint8_t* ring, uint32_t depth) {
  return *reinterpret_cast<WriteNow*>(ring + (kRingEntries + depth * kSendEntryWords) * 4);
}

/// The write to one of its targets as a work request of its own.
inline SendEntry entry_of(const WriteNow& write, uint32_t target) {
  SendEntry entry{};
  entry.opcode_and_flags = target == 0 ? write.first_opcode_and_flags : write.opcode_and_flags;
  entry.queue_pair = write.targets[target].queue_pair;
  entry.local_region = write.local_region;
  entry.local_offset = write.local_offset;
  entry.length = write.length;
  entry.remote_key = write.targets[target].remote_key;
  entry.remote_offset = write.remote_offset;
  entry.work_request_id_low = write.work_request_id_low;
  entry.work_request_id_high = write.targets[target].work_request_id_high;
  return entry;
}

/// One finished work request, as JavaScript reads it.
struct CompletionEntry {
  uint32_t work_request_id_low;
  uint32_t work_request_id_high;
  uint32_t status;
  uint32_t opcode;
  uint32_t byte_length;
  uint32_t queue_pair_number;
  uint32_t retired;
  uint32_t queue_pair;
};
static_assert(sizeof(CompletionEntry) == kCompletionEntryWords * 4);

/// What a completed receive has besides: the entry of the same number, in a ring of its own.
struct Received {
  uint32_t immediate;
  uint32_t source_queue_pair_number;
  uint32_t flags;
  uint32_t padding[1];
};
static_assert(sizeof(Received) == kReceivedWords * 4);

/// Argument and result of the calls that a proposal waits for. Each value that the engine itself passes
/// costs a call into it.
struct Mailbox {
  uint32_t ring;
  uint32_t found;
};

}  // namespace mu
