#include "fence.h"

#include <sched.h>

#include "../clock.h"
#include "cpu_relax.h"
#include "process_state.h"
#include "region.h"

namespace mu::shm {
namespace {

// A copy of a small entry takes nanoseconds, one of a megabyte 100 µs; longer means that the writer
// was descheduled or stopped, and relocation is cheaper than waiting for the scheduler.
constexpr uint64_t kWaitNs = 200'000;
// Whoever is inside for longer than this may be dead; to ask /proc takes some 10 µs.
constexpr uint64_t kAskAfterNs = 40'000;

/// Ends the stay of a writer that is still the one of `word`. False when it left by itself.
bool cut(QueuePairSlot& queue_pair, uint64_t word) {
  uint64_t now = word;
  while (!queue_pair.admission.compare_exchange_weak(now, cut_off(now), std::memory_order_seq_cst))
    if (!same_stay(now, word)) return false;
  return true;
}

/// Whether the peer's process is gone with all its threads: then nothing is left that could store.
bool peer_ended(const QueuePairSlot& queue_pair) {
  return process_ended(queue_pair.peer_pid.load(), queue_pair.peer_start_time.load());
}

/// Waits until `disturbs` no longer holds for the admission word; false when the time is over
/// first.
template <typename Disturbs>
bool wait_bounded(QueuePairSlot& queue_pair, uint64_t deadline, Disturbs disturbs) {
  uint64_t ask_at = now_ns() + kAskAfterNs;
  for (uint32_t round = 0;; round++) {
    const uint64_t word = queue_pair.admission.load(std::memory_order_seq_cst);
    if (!disturbs(word)) return true;
    const uint64_t now = now_ns();
    if (now >= ask_at) {
      if (peer_ended(queue_pair)) cut(queue_pair, word);
      ask_at = now + kAskAfterNs;
      continue;
    }
    if (now >= deadline) return false;
    // The writer may need this very core to finish.
    if (round < 64) cpu_relax();
    else sched_yield();
  }
}

}  // namespace

uint32_t fence(OwnSegment& segment, QueuePairSlot& queue_pair) {
  if (wait_bounded(queue_pair, now_ns() + kWaitNs, needs_fence)) return 0;

  std::lock_guard lock(segment.control_mutex());
  const uint64_t word = queue_pair.admission.load(std::memory_order_seq_cst);
  if (!needs_fence(word)) return 0;
  relocate_region(segment, inside_region(word));
  return 1;
}

void fence_domain(OwnSegment& segment, uint32_t domain) {
  for (QueuePairSlot& queue_pair : segment.shared().queue_pairs)
    if (queue_pair.number.load() != 0 && queue_pair.domain.load() == domain &&
        needs_fence(queue_pair.admission.load(std::memory_order_seq_cst)))
      fence(segment, queue_pair);
}

bool expel(OwnSegment& segment, uint32_t region) {
  const auto inside = [region](uint64_t word) {
    return is_inside(word) && inside_region(word) == region;
  };
  // Whoever has lost the right was waited for already, or need not be.
  const auto rightly_inside = [&](uint64_t word) { return inside(word) && !needs_fence(word); };
  // One deadline for all: they do not queue behind each other.
  const uint64_t deadline = now_ns() + kWaitNs;
  bool may_store = false;
  for (QueuePairSlot& queue_pair : segment.shared().queue_pairs) {
    if (queue_pair.number.load() == 0) continue;
    wait_bounded(queue_pair, deadline, rightly_inside);
    const uint64_t word = queue_pair.admission.load(std::memory_order_seq_cst);
    if (inside(word) && cut(queue_pair, word) && inside_operation(word) != Operation::kRead)
      may_store = true;
  }
  return may_store;
}

void fail_connection(QueuePairSlot& queue_pair, uint32_t connection) {
  uint64_t word = queue_pair.admission.load(std::memory_order_acquire);
  while (listens(word) && admission_connection(word) == connection)
    if (queue_pair.admission.compare_exchange_weak(
            word, with_rights(word, QueuePairState::kError, admission_access(word))))
      return;
}

}  // namespace mu::shm
