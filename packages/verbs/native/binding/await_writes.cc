#include "await_writes.h"

#include <bit>

#include "../objects.h"

namespace mu::binding {
namespace {

/// Which target a completion is of that tells of one successful write to it, and of nothing else; -1 for
/// all others.
int target_of(const WriteNow& write, const CompletionEntry& completion) {
  if (completion.status != 0 || completion.retired != 1) return -1;
  for (uint32_t n = 0; n < write.count && n < kNowTargetsMax; n++) {
    const WriteNow::Target& target = write.targets[n];
    if (target.queue_pair == completion.queue_pair &&
        target.work_request_id_high == completion.work_request_id_high)
      return static_cast<int>(n);
  }
  return -1;
}

/// Takes in the oldest completions, as long as they are of this write or of earlier ones to its targets.
/// False where another is first.
bool take_in(WriteNow& write, CompletionRing& ring) {
  for (const CompletionEntry* one = ring.oldest(); one != nullptr; one = ring.oldest()) {
    const int n = target_of(write, *one);
    if (n < 0) return false;
    WriteNow::Target& target = write.targets[n];
    if (one->work_request_id_low == write.work_request_id_low) {
      write.done |= 1u << n;
    } else {
      target.earlier++;
      target.earlier_id_low = one->work_request_id_low;
    }
    ring.drop_oldest();
  }
  return true;
}

bool enough(const WriteNow& write) {
  return static_cast<uint32_t>(std::popcount(write.done)) >= write.needed &&
         (write.done & write.required) == write.required;
}

}  // namespace

uint32_t await_writes(WriteNow& write) {
  CompletionQueue* queue = objects().completion_queues.peek(write.completion_queue);
  if (queue == nullptr) return 0;
  const uint32_t before = write.done;
  for (uint32_t n = 0; n < write.count && n < kNowTargetsMax; n++) write.targets[n].earlier = 0;
  uint32_t looks = kLooks;
  do queue->poll();
  while (take_in(write, queue->ring()) && !enough(write) && --looks > 0);

  uint32_t earlier = 0;
  for (uint32_t n = 0; n < write.count && n < kNowTargetsMax; n++)
    if (write.targets[n].earlier != 0) earlier |= 1u << n;
  return (write.done & ~before) | earlier << kNowTargetsMax;
}

}  // namespace mu::binding
