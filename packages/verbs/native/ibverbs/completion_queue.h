// A completion queue of the device, brought into the ring that JavaScript reads.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "../rings.h"
#include "completion_channel.h"
#include "memory.h"

namespace mu::ibverbs {

class WorkQueue;

class IbvCompletionQueue final : public CompletionQueue {
 public:
  /// `channel` may be null.
  IbvCompletionQueue(std::shared_ptr<Device> device, std::shared_ptr<CompletionChannel> channel,
                     uint32_t depth);
  ~IbvCompletionQueue() override;

  std::shared_ptr<Mapping> received() const override { return received_; }
  bool needs_poll() const override { return true; }
  void poll() override;

  ibv_cq* raw() const { return queue_; }
  /// Work queues that complete here, by the serial number in their work request ids.
  void attach(uint32_t serial, WorkQueue* user);
  /// When it returns, nothing of that work queue enters the ring any more.
  void detach(uint32_t serial);
  /// Has the next poll ask every user for what it must retire without the device. Any thread.
  void notice() { noticed_.store(true, std::memory_order_release); }
  /// From `poll` only. JavaScript never has more outstanding than the ring holds.
  void push(const CompletionEntry& entry, const Received* received);

 private:
  uint32_t take_in();
  bool something_outstanding() const;

  std::shared_ptr<Device> device_;
  std::shared_ptr<CompletionChannel> channel_;
  std::shared_ptr<PinnedMapping> received_;
  ibv_cq* queue_;
  std::atomic<bool> noticed_{false};
  std::mutex users_mutex_;
  std::unordered_map<uint32_t, WorkQueue*> users_;
};

}  // namespace mu::ibverbs
