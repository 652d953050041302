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

 protected:
  bool is_over(ShmQueuePair& queue_pair, const SendEntry& entry) override {
    if (immediate_) return queue_pair.execute_now(entry, handles_);
    return OrderedSendRing::is_over(queue_pair, entry);
  }

 private:
  bool immediate_;
};

}  // namespace mu::shm
