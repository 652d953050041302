#pragma once

#include <time.h>

#include <cstdint>

namespace mu::shm {

/// CLOCK_MONOTONIC in nanoseconds.
inline uint64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

/// The time of a call, read when it is first asked for.
class Moment {
 public:
  uint64_t ns() {
    if (ns_ == 0) ns_ = now_ns();
    return ns_;
  }

 private:
  uint64_t ns_ = 0;
};

}  // namespace mu::shm
