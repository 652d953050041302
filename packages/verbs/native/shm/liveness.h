// Tells peers of this process's death within the time the kernel needs to end one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <condition_variable>
#include <thread>

namespace mu::shm {

/// A thread that does nothing but hold a robust futex (get_robust_list(2)) in the control segment.
///
/// When the process dies, however it dies, the kernel marks the word while it ends this thread.
/// A pidfd would fire only after the address space is torn down, milliseconds later. The thread is
/// ours alone, so glibc's own robust list of other threads is not touched.
class LivenessThread {
 public:
  explicit LivenessThread(std::atomic<uint32_t>* death_word);
  ~LivenessThread();
  LivenessThread(const LivenessThread&) = delete;
  LivenessThread& operator=(const LivenessThread&) = delete;

 private:
  void run();

  std::atomic<uint32_t>* death_word_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool armed_ = false;
  bool stop_ = false;
  std::thread thread_;
};

/// Whether the kernel marked the word.
bool owner_died(const std::atomic<uint32_t>& death_word);

}  // namespace mu::shm
