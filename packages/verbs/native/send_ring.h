// The ring of work requests of one thread, for every provider that carries them out one by one.
#pragma once

#include <memory>

#include "crc32c.h"
#include "provider.h"
#include "rings.h"

namespace mu {

/// A work request whose queue pair was closed between post and doorbell goes with it. Other work
/// requests may carry the bytes that it was to seal.
inline void forget(const SendEntry& entry, const HandleResolver& handles) {
  MemoryRegion* region = handles.memory_region(entry.local_region);
  if ((entry.opcode_and_flags & kSendSeal) == 0 || region == nullptr) return;
  const uint64_t end = static_cast<uint64_t>(entry.local_offset) + entry.length;
  const std::shared_ptr<Mapping> memory = region->mapping();
  if (entry.length >= kTrailerBytes && end <= memory->size())
    seal_trailer(memory->data() + entry.local_offset, entry.length);
}

/// `QueuePairType` has `execute(const SendEntry&, const HandleResolver&)`; `MappingType` is the memory.
template <typename QueuePairType, typename MappingType>
class OrderedSendRing : public SendRing {
 public:
  OrderedSendRing(uint32_t depth, const HandleResolver& handles)
      : mask_(depth - 1),
        handles_(handles),
        memory_(std::make_shared<MappingType>("createSendRing",
                                              (kRingEntries + depth * kSendEntryWords + kNowWords) * 4)) {}

  std::shared_ptr<Mapping> memory() const override { return memory_; }

  void doorbell() override {
    // JavaScript's stores and this call are of one thread: no ordering is needed.
    auto* words = reinterpret_cast<uint32_t*>(memory_->data());
    const auto* entries = reinterpret_cast<const SendEntry*>(words + kRingEntries);
    const uint32_t end = words[kRingProducer];
    for (uint32_t at = words[kRingConsumer]; at != end; at++) {
      const SendEntry& entry = entries[at & mask_];
      auto* queue_pair = static_cast<QueuePairType*>(handles_.queue_pair(entry.queue_pair));
      if (queue_pair != nullptr) queue_pair->execute(entry, handles_);
      else forget(entry, handles_);
    }
    words[kRingConsumer] = end;
  }

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
      auto* queue_pair = static_cast<QueuePairType*>(handles_.queue_pair(entry.queue_pair));
      if (queue_pair == nullptr) forget(entry, handles_);
      else if (is_over(*queue_pair, entry)) done |= 1u << n;
      entry.opcode_and_flags = write.opcode_and_flags;
    }
    return done;
  }

 protected:
  /// Executes one write of `write_now`; whether it was a success, of which no completion comes.
  virtual bool is_over(QueuePairType& queue_pair, const SendEntry& entry) {
    queue_pair.execute(entry, handles_);
    return false;
  }

  uint32_t mask_;
  const HandleResolver& handles_;
  std::shared_ptr<MappingType> memory_;
};

}  // namespace mu
