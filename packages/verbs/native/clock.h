#pragma once

#include <time.h>

#include <cstdint>

namespace mu {

/// CLOCK_MONOTONIC in nanoseconds.
inline uint64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace mu
