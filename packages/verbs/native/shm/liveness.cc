#include "liveness.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace mu::shm {

LivenessThread::LivenessThread(std::atomic<uint32_t>* death_word) : death_word_(death_word) {
  // No signal of the application may run its handler here.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return armed_; });
}

LivenessThread::~LivenessThread() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LivenessThread::run() {
  // Real-time where it is allowed: peers learn of our death as soon as this thread is scheduled to
  // die. It never runs otherwise.
  sched_param priority{};
  priority.sched_priority = 12;
  sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority);

  robust_list entry{};
  robust_list_head head{};
  head.list.next = &entry;
  entry.next = &head.list;
  head.futex_offset = reinterpret_cast<char*>(death_word_) - reinterpret_cast<char*>(&entry);
  head.list_op_pending = nullptr;
  syscall(SYS_set_robust_list, &head, sizeof head);
  // With FUTEX_WAITERS the kernel wakes somebody who waits when it marks the word.
  death_word_->store(static_cast<uint32_t>(syscall(SYS_gettid)) | FUTEX_WAITERS,
                     std::memory_order_seq_cst);

  std::unique_lock lock(mutex_);
  armed_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return stop_; });

  // An orderly end is told by `closed`; the list must be empty before its memory goes.
  death_word_->store(0, std::memory_order_seq_cst);
  syscall(SYS_futex, death_word_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  syscall(SYS_set_robust_list, nullptr, sizeof head);
}

bool owner_died(const std::atomic<uint32_t>& death_word) {
  return (death_word.load(std::memory_order_acquire) & FUTEX_OWNER_DIED) != 0;
}

}  // namespace mu::shm
