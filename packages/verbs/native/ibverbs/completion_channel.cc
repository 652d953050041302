#include "completion_channel.h"

#include <fcntl.h>

#include <cerrno>

#include "../types.h"

namespace mu::ibverbs {

CompletionChannel::CompletionChannel(std::shared_ptr<Device> device)
    : device_(std::move(device)), channel_(library().create_comp_channel(device_->raw())) {
  if (channel_ == nullptr)
    throw VerbsFailure("ibv_create_comp_channel", errno, "refused by the device");
  if (fcntl(channel_->fd, F_SETFL, fcntl(channel_->fd, F_GETFL) | O_NONBLOCK) == 0) return;
  const int error = errno;
  library().destroy_comp_channel(channel_);
  throw VerbsFailure("ibv_create_comp_channel", error, "cannot be made non-blocking");
}

CompletionChannel::~CompletionChannel() { library().destroy_comp_channel(channel_); }

void CompletionChannel::arm(ibv_cq* queue) {
  const int error = ibv_req_notify_cq(queue, 0);
  if (error != 0) throw VerbsFailure("ibv_req_notify_cq", error, "refused by the device");
}

bool CompletionChannel::take() {
  bool any = false;
  ibv_cq* queue = nullptr;
  void* context = nullptr;
  while (library().get_cq_event(channel_, &queue, &context) == 0) {
    any = true;
    // Before the acknowledgement, for which the queue's destruction waits.
    ibv_req_notify_cq(queue, 0);
    library().ack_cq_events(queue, 1);
  }
  return any;
}

}  // namespace mu::ibverbs
