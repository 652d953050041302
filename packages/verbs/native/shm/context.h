// The shm provider's context: one control segment, and everything made from it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "../provider.h"
#include "own_segment.h"

namespace mu::shm {

struct FabricOptions {
  std::string directory;
  /// Completions show up this much after the doorbell: figures on the terms of a NIC, labelled
  /// modelled.
  uint64_t round_trip_ns = 0;
};

class ShmContext final : public Context {
 public:
  ShmContext(const FabricOptions& options, const HandleResolver& handles);

  std::shared_ptr<ProtectionDomain> allocate_domain() override;
  std::shared_ptr<MemoryRegion> register_memory(std::shared_ptr<ProtectionDomain> domain,
                                                size_t bytes, uint32_t access) override;
  std::shared_ptr<CompletionQueue> create_completion_queue(uint32_t depth) override;
  std::shared_ptr<SendRing> create_send_ring(uint32_t depth) override;
  std::shared_ptr<QueuePair> create_queue_pair(std::shared_ptr<ProtectionDomain> domain,
                                               const QueuePairAttributes& attributes,
                                               uint32_t handle) override;
  void watch_this_thread() override;
  bool wait_for_wake(uint32_t timeout_us, uint32_t spin_us) override;
  void wake() override;

 private:
  std::shared_ptr<OwnSegment> segment_;
  const HandleResolver& handles_;
  uint64_t round_trip_ns_;
  std::atomic<uint32_t> next_domain_{1};
  std::atomic<uint32_t> seen_rings_{0};
};

}  // namespace mu::shm
