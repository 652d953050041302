// The ring of completions that a provider fills, and that JavaScript or C++ of the same thread empties.
#pragma once

#include <atomic>
#include <cstdint>

#include "rings.h"

namespace mu {

class CompletionRing {
 public:
  /// Over memory of `bytes(depth)` bytes, all zero; `depth` is a power of two.
  CompletionRing(uint8_t* memory, uint32_t depth) : memory_(memory), depth_(depth) {}

  static constexpr size_t bytes(uint32_t depth) {
    return (kRingEntries + size_t{depth} * kCompletionEntryWords) * 4;
  }

  uint32_t waiting() const { return load(kRingProducer) - load(kRingConsumer); }
  uint32_t room() const { return depth_ - waiting(); }

  /// Adds one, for which there is room. Returns its place, for what a completed receive has besides.
  uint32_t put(const CompletionEntry& entry) {
    const uint32_t tail = load(kRingProducer);
    const uint32_t place = tail & (depth_ - 1);
    entries()[place] = entry;
    store(kRingProducer, tail + 1);
    return place;
  }

  /// Null without any.
  const CompletionEntry* oldest() const {
    return waiting() == 0 ? nullptr : &entries()[load(kRingConsumer) & (depth_ - 1)];
  }
  void drop_oldest() { store(kRingConsumer, load(kRingConsumer) + 1); }

 private:
  // One thread puts and takes. Sequentially consistent stores cost ten nanoseconds each for nothing.
  uint32_t load(uint32_t index) const { return word(index).load(std::memory_order_acquire); }
  void store(uint32_t index, uint32_t value) { word(index).store(value, std::memory_order_release); }

  std::atomic<uint32_t>& word(uint32_t index) const {
    return reinterpret_cast<std::atomic<uint32_t>*>(memory_)[index];
  }
  CompletionEntry* entries() const {
    return reinterpret_cast<CompletionEntry*>(memory_ + kRingEntries * 4);
  }

  uint8_t* memory_;
  uint32_t depth_;
};

}  // namespace mu
