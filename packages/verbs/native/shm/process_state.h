// What /proc tells of processes and threads of this machine.
#pragma once

#include <cstdint>

namespace mu::shm {

struct TaskStat {
  bool exists = false;
  /// R, S, D, T, t, Z, X as in proc(5).
  char state = 0;
  /// Clock ticks since boot.
  uint64_t start_time = 0;
  /// Threads of its process that the kernel has not released.
  long threads = 0;
};

TaskStat read_process(uint32_t pid);
TaskStat read_thread(uint32_t pid, uint32_t tid);

/// Reads of the same thread again and again. Its file stays open: to open one takes longer than to read it.
class ThreadStatFile {
 public:
  ThreadStatFile() = default;
  ~ThreadStatFile() { close(); }
  ThreadStatFile(const ThreadStatFile&) = delete;
  ThreadStatFile& operator=(const ThreadStatFile&) = delete;

  TaskStat read(uint32_t pid, uint32_t tid);

 private:
  void close();

  int file_ = -1;
  uint32_t pid_ = 0;
  uint32_t tid_ = 0;
};

/// Whether the process that started then still runs; a zombie does not.
bool process_alive(uint32_t pid, uint64_t start_time);

/// Whether no thread of that process can execute one more instruction. While a process is being
/// killed its threads end one after the other: a zombie with threads left may still store.
bool process_ended(uint32_t pid, uint64_t start_time);

}  // namespace mu::shm
