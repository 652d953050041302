#include "death_watch.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "file_mapping.h"

namespace mu::shm {

void DeathWatch::add(const std::string& address, std::shared_ptr<FileMapping> segment) {
  std::lock_guard lock(mutex_);
  for (size_t n = 0; n < kPeersMax; n++) {
    Watched& place = peers_[n];
    if (place.segment != nullptr && place.address != address) continue;
    if (place.segment != nullptr) return;
    place = {address, std::move(segment)};
    auto* shared = reinterpret_cast<ControlSegment*>(place.segment->data());
    // Release: whoever reads the pointer sees the mapping that it leads into.
    words_[n].store(&shared->header.death_word, std::memory_order_release);
    return;
  }
}

size_t DeathWatch::waiters(std::span<futex_waitv> waiters) const {
  size_t count = 0;
  for (const auto& place : words_) {
    std::atomic<uint32_t>* word = place.load(std::memory_order_acquire);
    if (word == nullptr || count == waiters.size()) break;
    const uint32_t value = word->load(std::memory_order_acquire);
    // Dead already, or closed in order: waiting for that would end at once, again and again.
    if (value == 0 || (value & FUTEX_OWNER_DIED) != 0) continue;
    waiters[count++] = {value, reinterpret_cast<uint64_t>(word), FUTEX_32, 0};
  }
  return count;
}

void DeathWatch::pass_on(uint64_t word_address) {
  syscall(SYS_futex, word_address, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace mu::shm
