// The send ring of shared memory, which carries out work requests one by one, in order.
#pragma once

#include <algorithm>
#include <memory>

#include "../crc32c.h"
#include "../provider.h"
#include "../rings.h"
#include "file_mapping.h"
#include "queue_pair.h"

namespace mu::shm {

/// Bytes of writes of which the processor is told where they go before the first of them is carried out; longer
/// copies fetch for themselves as fast.
constexpr uint32_t kExpectedMax = 3072;

class ShmSendRing final : public SendRing {
 public:
  /// With a modelled round trip completions come later, and nothing is immediate.
  ShmSendRing(uint32_t depth, const HandleResolver& handles, bool immediate)
      : mask_(depth - 1),
        handles_(handles),
        immediate_(immediate),
        memory_(std::make_shared<AnonymousMapping>(
            "createSendRing", (kRingEntries + depth * kSendEntryWords + kNowWords) * 4)) {}

  std::shared_ptr<Mapping> memory() const override { return memory_; }
  bool immediate() const override { return immediate_; }

  void doorbell() override {
    // JavaScript's stores and this call are of one thread: no ordering is needed.
    uint32_t* words = this->words();
    const auto* entries = reinterpret_cast<const SendEntry*>(words + kRingEntries);
    const uint32_t end = words[kRingProducer];
    Moment moment;
    for (uint32_t at = words[kRingConsumer]; at != end; at++) {
      const SendEntry& entry = entries[at & mask_];
      ShmQueuePair* queue_pair = queue_pair_of(entry);
      if (queue_pair != nullptr) queue_pair->execute(entry, handles_, moment);
    }
    words[kRingConsumer] = end;
  }

  WriteNow& now() const override { return write_behind(memory_->data(), mask_ + 1); }

  uint32_t write_now() override {
    doorbell();
    const WriteNow& write = now();
    const uint32_t count = std::min(write.count, kNowTargetsMax);
    uint32_t done = 0;
    Moment moment;
    if (write.length <= kExpectedMax) expect(write, count);
    for (uint32_t n = 0; n < count; n++) {
      const SendEntry entry = entry_of(write, n);
      ShmQueuePair* queue_pair = queue_pair_of(entry);
      if (queue_pair == nullptr) continue;
      if (!immediate_)
        queue_pair->execute(entry, handles_, moment);
      else if (queue_pair->execute_now(entry, handles_))
        done |= 1u << n;
    }
    return done;
  }

 private:
  /// A write ends with an atomic operation, before which all that was stored must be in the nearest cache:
  /// without this the lines of the second target would be fetched only when all those of the first have come.
  void expect(const WriteNow& write, uint32_t count) const {
    for (uint32_t n = 0; n < count; n++) {
      const SendEntry entry = entry_of(write, n);
      auto* queue_pair = static_cast<ShmQueuePair*>(handles_.queue_pair(entry.queue_pair));
      if (queue_pair != nullptr) queue_pair->expect(entry);
    }
  }

  uint32_t* words() const { return reinterpret_cast<uint32_t*>(memory_->data()); }

  /// Null when it was closed between post and doorbell: its work request goes with it. But others may
  /// carry the bytes that it was to seal.
  ShmQueuePair* queue_pair_of(const SendEntry& entry) const {
    auto* queue_pair = static_cast<ShmQueuePair*>(handles_.queue_pair(entry.queue_pair));
    if (queue_pair == nullptr && (entry.opcode_and_flags & kSendSeal) != 0) seal(entry);
    return queue_pair;
  }

  void seal(const SendEntry& entry) const {
    MemoryRegion* region = handles_.memory_region(entry.local_region);
    if (region == nullptr || entry.length < kTrailerBytes) return;
    const uint64_t end = static_cast<uint64_t>(entry.local_offset) + entry.length;
    const std::shared_ptr<Mapping> memory = region->mapping();
    if (end <= memory->size()) seal_trailer(memory->data() + entry.local_offset, entry.length);
  }

  uint32_t mask_;
  const HandleResolver& handles_;
  bool immediate_;
  std::shared_ptr<AnonymousMapping> memory_;
};

}  // namespace mu::shm
