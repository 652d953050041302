#include "process_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace mu::shm {
namespace {

TaskStat read_stat(const char* path) {
  TaskStat result;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return result;
  char text[1024];
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return result;
  text[length] = 0;

  // The command's name stands in parentheses and may contain anything: count from the last one.
  const char* after_name = std::strrchr(text, ')');
  if (after_name == nullptr) return result;
  unsigned long long start = 0;
  char state = 0;
  long threads = 0;
  const int fields = std::sscanf(after_name + 1,
                                 " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                                 "%*d %ld %*d %llu",
                                 &state, &threads, &start);
  if (fields != 3) return result;
  result.exists = true;
  result.threads = threads;
  result.state = state;
  result.start_time = start;
  return result;
}

}  // namespace

TaskStat read_process(uint32_t pid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%u/stat", pid);
  return read_stat(path);
}

TaskStat read_thread(uint32_t pid, uint32_t tid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%u/task/%u/stat", pid, tid);
  return read_stat(path);
}

bool process_alive(uint32_t pid, uint64_t start_time) {
  const TaskStat stat = read_process(pid);
  return stat.exists && stat.start_time == start_time && stat.state != 'Z' && stat.state != 'X';
}

bool process_ended(uint32_t pid, uint64_t start_time) {
  const TaskStat stat = read_process(pid);
  if (!stat.exists || stat.start_time != start_time) return true;
  return (stat.state == 'Z' || stat.state == 'X') && stat.threads <= 1;
}

}  // namespace mu::shm
