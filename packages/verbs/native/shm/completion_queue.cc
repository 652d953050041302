#include "completion_queue.h"

#include <algorithm>

#include "fence.h"
#include "file_mapping.h"

namespace mu::shm {
namespace {

/// How often a poll looks at the time: less than a tenth of a microsecond, and sooner back than its caller is.
constexpr uint32_t kLooks = 4;

}  // namespace

ShmCompletionQueue::ShmCompletionQueue(uint32_t depth, uint64_t round_trip_ns)
    : CompletionQueue(
          std::make_shared<AnonymousMapping>("ibv_create_cq", CompletionRing::bytes(depth)), depth),
      depth_(depth),
      round_trip_(round_trip_ns == 0 ? 0 : Ticks::in_ns(round_trip_ns)) {}

bool ShmCompletionQueue::push_delayed(const CompletionEntry& entry, Moment& moment) {
  if (delayed_.size() == depth_) return false;
  delayed_.push_back({moment.ticks() + round_trip_, entry});
  return true;
}

void ShmCompletionQueue::attach(QueuePairSlot* user) {
  std::lock_guard lock(users_mutex_);
  users_.push_back(user);
}

void ShmCompletionQueue::detach(QueuePairSlot* user) {
  std::lock_guard lock(users_mutex_);
  users_.erase(std::find(users_.begin(), users_.end(), user));
}

void ShmCompletionQueue::fail_users() {
  std::lock_guard lock(users_mutex_);
  for (QueuePairSlot* user : users_)
    fail_connection(*user, admission_connection(user->admission.load()));
}

void ShmCompletionQueue::poll() {
  if (delayed_.empty()) return;
  uint64_t now = Ticks::glance();
  for (uint32_t looks = kLooks; delayed_.front().due > now && --looks > 0;) now = Ticks::glance();
  while (!delayed_.empty() && delayed_.front().due <= now) {
    if (!publish(delayed_.front().entry)) return;
    delayed_.pop_front();
  }
}

}  // namespace mu::shm
