// What modelled round trips are measured with: a clock that costs a proposal less to look at than they are long.
#pragma once

#include <cstdint>

#ifdef __x86_64__
#include <x86intrin.h>
#endif

#include "../clock.h"

namespace mu::shm {

/// The processor's counter where the kernel itself tells the time by it, so that it runs evenly and alike on
/// all processors; else CLOCK_MONOTONIC.
class Ticks {
 public:
  /// How many they are. The first call takes a millisecond: it compares the two clocks.
  static uint64_t in_ns(uint64_t ns);

  /// Read after everything that was done before. Only when `in_ns` has been called.
  static uint64_t now() {
#ifdef __x86_64__
    if (by_counter_) {
      _mm_lfence();
      return __rdtsc();
    }
#endif
    return now_ns();
  }

  /// The same, or a little earlier.
  static uint64_t glance() {
#ifdef __x86_64__
    if (by_counter_) return __rdtsc();
#endif
    return now_ns();
  }

 private:
  static void compare();

  static bool by_counter_;
  static double per_ns_;
};

/// When a call began to be carried out, read once, when it is first needed.
class Moment {
 public:
  void begin() {
    if (ticks_ == 0) ticks_ = Ticks::now();
  }
  uint64_t ticks() {
    begin();
    return ticks_;
  }

 private:
  uint64_t ticks_ = 0;
};

}  // namespace mu::shm
