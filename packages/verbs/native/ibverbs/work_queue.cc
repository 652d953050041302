#include "work_queue.h"

#include <atomic>
#include <bit>

#include "completion_queue.h"

namespace mu::ibverbs {
namespace {

uint32_t next_serial() {
  static std::atomic<uint32_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// Whether `one` comes before `other`; numbers wrap.
bool before(uint32_t one, uint32_t other) { return static_cast<int32_t>(one - other) < 0; }

}  // namespace

WorkQueue::WorkQueue(IbvCompletionQueue& completions, uint32_t depth, uint32_t queue_pair_number,
                     uint32_t handle)
    : completions_(completions),
      serial_(next_serial()),
      queue_pair_number_(queue_pair_number),
      handle_(handle),
      mask_(std::bit_ceil(depth) - 1),
      posted_(std::bit_ceil(depth)) {}

uint64_t WorkQueue::append(const SendEntry& entry) {
  std::lock_guard lock(mutex_);
  const uint32_t number = next_++;
  posted_[number & mask_] = {entry.work_request_id_low, entry.work_request_id_high,
                             entry.opcode_and_flags & 0xff, entry.length,
                             Status::kWorkRequestFlushed,
                             (entry.opcode_and_flags & kSendSignaled) != 0};
  return static_cast<uint64_t>(serial_) << 32 | number;
}

void WorkQueue::fail(uint64_t id, Status status) {
  std::lock_guard lock(mutex_);
  posted_[static_cast<uint32_t>(id) & mask_].outcome = status;
}

void WorkQueue::finish_last() {
  std::lock_guard lock(mutex_);
  posted_[(next_ - 1) & mask_].outcome = Status::kSuccess;
  finished_ = next_;
  completions_.notice();
}

bool WorkQueue::cancel() {
  std::lock_guard lock(mutex_);
  cancelled_ = next_;
  if (unretired_ == next_) return true;
  completions_.notice();
  return false;
}

bool WorkQueue::outstanding() {
  std::lock_guard lock(mutex_);
  return unretired_ != next_;
}

void WorkQueue::finish(uint32_t number, uint32_t status, const Success* success) {
  std::lock_guard lock(mutex_);
  // Retired already: it is of an earlier life of the queue pair.
  if (before(number, unretired_)) return;
  if (!before(number, cancelled_)) retire_below(cancelled_);
  complete(number, status, success);
}

void WorkQueue::retire_noticed() {
  std::lock_guard lock(mutex_);
  retire_below(cancelled_);
  // One that is not signalled is retired by the next that is.
  for (uint32_t number = unretired_; before(number, finished_); number++) {
    const Posted& posted = posted_[number & mask_];
    if (posted.signaled && posted.outcome == Status::kSuccess)
      complete(number, static_cast<uint32_t>(Status::kSuccess));
  }
}

void WorkQueue::retire_below(uint32_t end) {
  while (before(unretired_, end))
    complete(unretired_, static_cast<uint32_t>(posted_[unretired_ & mask_].outcome));
}

void WorkQueue::complete(uint32_t number, uint32_t status, const Success* success) {
  const Posted& posted = posted_[number & mask_];
  const uint32_t retired = number + 1 - unretired_;
  unretired_ = number + 1;
  // Numbers wrap: what is behind must not come to look as if it were ahead.
  if (before(cancelled_, unretired_)) cancelled_ = unretired_;
  if (before(finished_, unretired_)) finished_ = unretired_;
  const uint32_t opcode = success == nullptr ? posted.opcode : success->opcode;
  const uint32_t length = success == nullptr ? posted.length : success->byte_length;
  completions_.push({posted.id_low, posted.id_high, status, opcode, status == 0 ? length : 0,
                     queue_pair_number_, retired, handle_},
                    success == nullptr ? nullptr : &success->received);
}

}  // namespace mu::ibverbs
