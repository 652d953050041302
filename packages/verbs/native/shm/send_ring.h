// The send ring of shared memory, where a work request is over when it was carried out.
#pragma once

#include "../send_ring.h"
#include "file_mapping.h"
#include "queue_pair.h"

namespace mu::shm {

class ShmSendRing final : public OrderedSendRing<ShmQueuePair, AnonymousMapping> {
 public:
  /// With a modelled round trip completions come later, and nothing is immediate.
  ShmSendRing(uint32_t depth, const HandleResolver& handles, bool immediate)
      : OrderedSendRing(depth, handles), immediate_(immediate) {}

  bool immediate() const override { return immediate_; }

  uint32_t write_now() override {
    doorbell();
    auto* words = reinterpret_cast<uint32_t*>(memory_->data());
    const auto& write =
        *reinterpret_cast<const WriteNow*>(words + kRingEntries + (mask_ + 1) * kSendEntryWords);
    SendEntry entry{};
    entry.opcode_and_flags = write.first_opcode_and_flags;
    entry.local_region = write.local_region;
    entry.local_offset = write.local_offset;
    entry.length = write.length;
    entry.remote_offset = write.remote_offset;
    entry.work_request_id_low = write.work_request_id_low;
    uint32_t done = 0;
    for (uint32_t n = 0; n < write.count && n < kNowTargetsMax; n++) {
      const WriteNow::Target& target = write.targets[n];
      entry.queue_pair = target.queue_pair;
      entry.remote_key = target.remote_key;
      entry.work_request_id_high = target.work_request_id_high;
      auto* queue_pair = static_cast<ShmQueuePair*>(handles_.queue_pair(entry.queue_pair));
      if (queue_pair != nullptr && queue_pair->execute_now(entry, handles_)) done |= 1u << n;
      entry.opcode_and_flags = write.opcode_and_flags;
    }
    return done;
  }

 private:
  bool immediate_;
};

}  // namespace mu::shm
