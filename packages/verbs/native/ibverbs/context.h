// The ibverbs provider's context: one device, and everything made from it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "../provider.h"
#include "completion_channel.h"
#include "device.h"

namespace mu::ibverbs {

class IbvContext final : public Context {
 public:
  IbvContext(const std::string& device, const ConnectionOptions& options,
             const HandleResolver& handles);
  ~IbvContext() override;

  std::shared_ptr<ProtectionDomain> allocate_domain() override;
  std::shared_ptr<MemoryRegion> register_memory(std::shared_ptr<ProtectionDomain> domain,
                                                size_t bytes, uint32_t access) override;
  std::shared_ptr<CompletionQueue> create_completion_queue(uint32_t depth) override;
  std::shared_ptr<SendRing> create_send_ring(uint32_t depth) override;
  std::shared_ptr<QueuePair> create_queue_pair(std::shared_ptr<ProtectionDomain> domain,
                                               const QueuePairAttributes& attributes,
                                               uint32_t handle) override;
  std::shared_ptr<AddressHandle> create_address_handle(std::shared_ptr<ProtectionDomain> domain,
                                                       const std::string& address) override;
  /// Nobody on another machine can look at a thread.
  void watch_this_thread() override {}
  bool wait_for_wake(uint32_t timeout_us, uint32_t spin_us) override;
  void wake() override;

 private:
  std::shared_ptr<Device> device_;
  const HandleResolver& handles_;
  /// Null unless completion events were asked for.
  std::shared_ptr<CompletionChannel> channel_;
  int event_;
  std::atomic<uint32_t> rings_{0};
  std::atomic<uint32_t> seen_rings_{0};
};

}  // namespace mu::ibverbs
