#include "process_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mu::shm {
namespace {

/// Of the fields of proc(5) behind the command's name, counted from the state.
constexpr int kThreads = 17;
constexpr int kStartTime = 19;

/// The field so many further on.
const char* skip(const char* field, int fields) {
  for (; field != nullptr && fields > 0; fields--) {
    field = std::strchr(field, ' ');
    if (field != nullptr) field++;
  }
  return field;
}

TaskStat read_stat(int file) {
  TaskStat result;
  char text[1024];
  const ssize_t length = pread(file, text, sizeof text - 1, 0);
  if (length <= 0) return result;
  text[length] = 0;

  // The command's name stands in parentheses and may contain anything: count from the last one.
  const char* after_name = std::strrchr(text, ')');
  if (after_name == nullptr) return result;
  const char* state = skip(after_name, 1);
  const char* threads = skip(state, kThreads);
  const char* start = skip(threads, kStartTime - kThreads);
  if (start == nullptr) return result;
  result.exists = true;
  result.state = *state;
  result.threads = std::strtol(threads, nullptr, 10);
  result.start_time = std::strtoull(start, nullptr, 10);
  return result;
}

int open_thread(uint32_t pid, uint32_t tid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%u/task/%u/stat", pid, tid);
  return open(path, O_RDONLY | O_CLOEXEC);
}

/// Of a file that is there for one look; none has the number -1.
TaskStat read_once(int file) {
  if (file < 0) return {};
  const TaskStat result = read_stat(file);
  close(file);
  return result;
}

}  // namespace

TaskStat read_process(uint32_t pid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%u/stat", pid);
  return read_once(open(path, O_RDONLY | O_CLOEXEC));
}

TaskStat read_thread(uint32_t pid, uint32_t tid) { return read_once(open_thread(pid, tid)); }

TaskStat ThreadStatFile::read(uint32_t pid, uint32_t tid) {
  if (file_ < 0 || pid != pid_ || tid != tid_) {
    close();
    file_ = open_thread(pid, tid);
    if (file_ < 0) return {};
    pid_ = pid;
    tid_ = tid;
  }
  const TaskStat result = read_stat(file_);
  // It tells of the thread it was opened for, and not of a later one with the same number.
  if (!result.exists) close();
  return result;
}

void ThreadStatFile::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
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
