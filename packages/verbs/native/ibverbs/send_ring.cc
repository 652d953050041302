#include "send_ring.h"

#include "../crc32c.h"
#include "queue_pair.h"

namespace mu::ibverbs {

IbvSendRing::IbvSendRing(uint32_t depth, const HandleResolver& handles)
    : mask_(depth - 1),
      handles_(handles),
      memory_(std::make_shared<PinnedMapping>(
          "createSendRing", (kRingEntries + depth * kSendEntryWords + kNowWords) * 4)) {
  waiting_.reserve(depth);
  taken_.reserve(depth);
}

void IbvSendRing::doorbell() {
  // JavaScript's stores and this call are of one thread: no ordering is needed.
  auto* words = reinterpret_cast<uint32_t*>(memory_->data());
  const auto* entries = reinterpret_cast<const SendEntry*>(words + kRingEntries);
  const uint32_t end = words[kRingProducer];
  for (uint32_t at = words[kRingConsumer]; at != end; at++) {
    const SendEntry& entry = entries[at & mask_];
    // Before any device sees any: others may carry the same bytes, whatever becomes of this one.
    if ((entry.opcode_and_flags & kSendSeal) != 0) seal(entry);
    waiting_.push_back(&entry);
  }
  while (!waiting_.empty()) {
    IbvQueuePair* queue_pair = queue_pair_of(take_front());
    if (queue_pair != nullptr) queue_pair->execute(taken_, handles_, false);
  }
  words[kRingConsumer] = end;
}

uint32_t IbvSendRing::write_now() {
  doorbell();
  const WriteNow& write = now();
  uint32_t done = 0;
  for (uint32_t n = 0; n < write.count && n < kNowTargetsMax; n++) {
    const SendEntry entry = entry_of(write, n);
    if ((entry.opcode_and_flags & kSendSeal) != 0) seal(entry);
    taken_.assign(1, &entry);
    IbvQueuePair* queue_pair = queue_pair_of(entry.queue_pair);
    if (queue_pair != nullptr && queue_pair->execute(taken_, handles_, true)) done |= 1u << n;
  }
  return done;
}

/// Null when it was closed between post and doorbell: its work requests go with it.
IbvQueuePair* IbvSendRing::queue_pair_of(uint32_t handle) const {
  return static_cast<IbvQueuePair*>(handles_.queue_pair(handle));
}

/// Takes everything of the queue pair that is first in line, and returns its handle.
uint32_t IbvSendRing::take_front() {
  const uint32_t handle = waiting_.front()->queue_pair;
  taken_.clear();
  size_t left = 0;
  for (const SendEntry* entry : waiting_)
    if (entry->queue_pair == handle)
      taken_.push_back(entry);
    else
      waiting_[left++] = entry;
  waiting_.resize(left);
  return handle;
}

/// A range that cannot be sealed is refused when its work request is described.
void IbvSendRing::seal(const SendEntry& entry) const {
  auto* region = static_cast<Region*>(handles_.memory_region(entry.local_region));
  const uint64_t end = static_cast<uint64_t>(entry.local_offset) + entry.length;
  if (region == nullptr || end > region->size() || entry.length < kTrailerBytes) return;
  if (static_cast<Opcode>(entry.opcode_and_flags & 0xff) != Opcode::kRdmaWrite) return;
  seal_trailer(region->data() + entry.local_offset, entry.length);
}

}  // namespace mu::ibverbs
