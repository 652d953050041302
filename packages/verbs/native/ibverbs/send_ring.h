// The send ring of a device: at a doorbell each queue pair gets all that is its own, in one list.
#pragma once

#include <memory>
#include <vector>

#include "../provider.h"
#include "../rings.h"
#include "memory.h"

namespace mu::ibverbs {

/// The order of posting holds within a queue pair, and between queue pairs there is none to keep: so
/// entries that are interleaved, as those of a leader to its followers are, still make one call each.
class IbvSendRing final : public SendRing {
 public:
  IbvSendRing(uint32_t depth, const HandleResolver& handles);

  std::shared_ptr<Mapping> memory() const override { return memory_; }
  void doorbell() override;
  WriteNow& now() const override { return write_behind(memory_->data(), mask_ + 1); }
  uint32_t write_now() override;

 private:
  IbvQueuePair* queue_pair_of(uint32_t handle) const;
  void seal(const SendEntry& entry) const;
  uint32_t take_front();

  uint32_t mask_;
  const HandleResolver& handles_;
  std::shared_ptr<PinnedMapping> memory_;
  /// Of this doorbell, and not handed over yet, in posted order. Has room for all.
  std::vector<const SendEntry*> waiting_;
  /// Those of one queue pair.
  std::vector<const SendEntry*> taken_;
};

}  // namespace mu::ibverbs
