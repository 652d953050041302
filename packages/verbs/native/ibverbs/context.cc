#include "context.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "../clock.h"
#include "address_handle.h"
#include "completion_queue.h"
#include "memory.h"
#include "queue_pair.h"
#include "send_ring.h"

namespace mu::ibverbs {
namespace {

int make_event() {
  const int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event < 0) throw VerbsFailure("eventfd", errno, "for the context's doorbell");
  return event;
}

}  // namespace

IbvContext::IbvContext(const std::string& device, const ConnectionOptions& options,
                       const HandleResolver& handles)
    : device_(std::make_shared<Device>(device, options)),
      handles_(handles),
      channel_(options.completion_events ? std::make_shared<CompletionChannel>(device_) : nullptr),
      event_(make_event()) {}

IbvContext::~IbvContext() { close(event_); }

std::shared_ptr<ProtectionDomain> IbvContext::allocate_domain() {
  return std::make_shared<Domain>(device_);
}

std::shared_ptr<MemoryRegion> IbvContext::register_memory(std::shared_ptr<ProtectionDomain> domain,
                                                          size_t bytes, uint32_t access) {
  return std::make_shared<Region>(std::static_pointer_cast<Domain>(domain), bytes, access);
}

std::shared_ptr<CompletionQueue> IbvContext::create_completion_queue(uint32_t depth) {
  return std::make_shared<IbvCompletionQueue>(device_, channel_, depth);
}

std::shared_ptr<SendRing> IbvContext::create_send_ring(uint32_t depth) {
  return std::make_shared<IbvSendRing>(depth, handles_);
}

std::shared_ptr<QueuePair> IbvContext::create_queue_pair(std::shared_ptr<ProtectionDomain> domain,
                                                         const QueuePairAttributes& attributes,
                                                         uint32_t handle) {
  const auto queue_pair = std::make_shared<IbvQueuePair>(
      device_, std::static_pointer_cast<Domain>(domain), attributes, handle);
  device_->local_network().add(queue_pair);
  return queue_pair;
}

std::shared_ptr<AddressHandle> IbvContext::create_address_handle(
    std::shared_ptr<ProtectionDomain> domain, const std::string& address) {
  return std::make_shared<IbvAddressHandle>(std::static_pointer_cast<Domain>(domain), address);
}

bool IbvContext::wait_for_wake(uint32_t timeout_us, uint32_t spin_us) {
  const uint32_t seen = seen_rings_.load(std::memory_order_relaxed);
  const uint64_t spin_until = spin_us == 0 ? 0 : now_ns() + spin_us * 1000ull;
  while (rings_.load(std::memory_order_acquire) == seen && now_ns() < spin_until) {
  }
  if (rings_.load(std::memory_order_acquire) == seen && timeout_us > spin_us) {
    const uint32_t left = timeout_us - spin_us;
    const timespec timeout{left / 1'000'000, static_cast<long>(left % 1'000'000) * 1000};
    pollfd waited[] = {{event_, POLLIN, 0}, {channel_ == nullptr ? -1 : channel_->file(), POLLIN, 0}};
    ppoll(waited, 2, &timeout, nullptr);
  }
  // Emptied before the count is read: a ring in between is counted now, and its event makes the
  // next wait look once in vain.
  uint64_t events = 0;
  [[maybe_unused]] const ssize_t emptied = read(event_, &events, sizeof events);
  const uint32_t rung = rings_.load(std::memory_order_acquire);
  seen_rings_.store(rung, std::memory_order_relaxed);
  const bool completed = channel_ != nullptr && channel_->take();
  return rung != seen || completed;
}

void IbvContext::wake() {
  rings_.fetch_add(1, std::memory_order_release);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event_, &one, sizeof one);
}

}  // namespace mu::ibverbs
