// Completion events: a file descriptor that becomes readable when something has completed.
#pragma once

#include <memory>

#include "device.h"

namespace mu::ibverbs {

/// Shared by the completion queues of a context.
class CompletionChannel {
 public:
  explicit CompletionChannel(std::shared_ptr<Device> device);
  ~CompletionChannel();
  CompletionChannel(const CompletionChannel&) = delete;
  CompletionChannel& operator=(const CompletionChannel&) = delete;

  ibv_comp_channel* raw() const { return channel_; }
  int file() const { return channel_->fd; }

  /// Has the next completion of that queue ring. Called once when the queue is made.
  static void arm(ibv_cq* queue);
  /// Takes in what rang, and arms those queues anew; whether anything had. Whoever polls afterwards
  /// sees all that completed before, and what completes later rings again. Waiting thread only.
  bool take();

 private:
  std::shared_ptr<Device> device_;
  ibv_comp_channel* channel_;
};

}  // namespace mu::ibverbs
