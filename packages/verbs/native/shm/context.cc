#include "context.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "completion_queue.h"
#include "doorbell.h"
#include "process_state.h"
#include "queue_pair.h"
#include "region.h"
#include "send_ring.h"

namespace mu::shm {

ShmContext::ShmContext(const FabricOptions& options, const HandleResolver& handles)
    : segment_(std::make_shared<OwnSegment>(options.directory)),
      handles_(handles),
      round_trip_ns_(options.round_trip_ns) {}

std::shared_ptr<ProtectionDomain> ShmContext::allocate_domain() {
  return std::make_shared<ShmDomain>(next_domain_.fetch_add(1));
}

std::shared_ptr<MemoryRegion> ShmContext::register_memory(std::shared_ptr<ProtectionDomain> domain,
                                                          size_t bytes, uint32_t access) {
  return std::make_shared<ShmRegion>(segment_, std::static_pointer_cast<ShmDomain>(domain), bytes,
                                     access);
}

std::shared_ptr<CompletionQueue> ShmContext::create_completion_queue(uint32_t depth) {
  return std::make_shared<ShmCompletionQueue>(depth, round_trip_ns_);
}

std::shared_ptr<SendRing> ShmContext::create_send_ring(uint32_t depth) {
  return std::make_shared<ShmSendRing>(depth, handles_, round_trip_ns_ == 0);
}

std::shared_ptr<QueuePair> ShmContext::create_queue_pair(std::shared_ptr<ProtectionDomain> domain,
                                                         const QueuePairAttributes& attributes,
                                                         uint32_t handle) {
  return std::make_shared<ShmQueuePair>(
      segment_, std::static_pointer_cast<ShmDomain>(domain),
      std::static_pointer_cast<ShmCompletionQueue>(attributes.send_queue),
      attributes.inline_bytes, handle);
}

void ShmContext::watch_this_thread() {
  SegmentHeader& header = segment_->shared().header;
  const uint32_t tid = static_cast<uint32_t>(syscall(SYS_gettid));
  header.watched_start_time.store(read_thread(header.pid, tid).start_time);
  header.watched_tid.store(tid, std::memory_order_release);
}

bool ShmContext::wait_for_wake(uint32_t timeout_us, uint32_t spin_us) {
  const uint32_t seen = seen_rings_.load(std::memory_order_relaxed);
  const uint32_t now = wait_on_doorbell(segment_->shared().header, segment_->deaths(), seen,
                                        timeout_us, spin_us);
  seen_rings_.store(now, std::memory_order_relaxed);
  return now != seen;
}

void ShmContext::wake() { ring_doorbell(segment_->shared().header); }

}  // namespace mu::shm
