#include "ticks.h"

#include <cmath>
#include <fstream>
#include <mutex>
#include <string>

namespace mu::shm {
namespace {

#ifdef __x86_64__

constexpr uint64_t kComparedNs = 1'000'000;
constexpr int kReadings = 16;

bool kernel_tells_time_by_counter() {
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string name;
  file >> name;
  return name == "tsc";
}

struct Reading {
  uint64_t counter;
  uint64_t ns;
};

/// Both clocks at one time: of several readings the one in which least time went by, for we may lose the
/// processor in the middle of any.
Reading read_both() {
  Reading best{};
  uint64_t least = UINT64_MAX;
  for (int n = 0; n < kReadings; n++) {
    const uint64_t before = __rdtsc();
    const uint64_t ns = now_ns();
    const uint64_t passed = __rdtsc() - before;
    if (passed >= least) continue;
    least = passed;
    best = {before + passed / 2, ns};
  }
  return best;
}

#endif

}  // namespace

bool Ticks::by_counter_ = false;
double Ticks::per_ns_ = 1;

uint64_t Ticks::in_ns(uint64_t ns) {
  static std::once_flag once;
  std::call_once(once, compare);
  return static_cast<uint64_t>(std::llround(static_cast<double>(ns) * per_ns_));
}

void Ticks::compare() {
#ifdef __x86_64__
  if (!kernel_tells_time_by_counter()) return;
  const Reading begin = read_both();
  while (now_ns() - begin.ns < kComparedNs) {
  }
  const Reading end = read_both();
  per_ns_ =
      static_cast<double>(end.counter - begin.counter) / static_cast<double>(end.ns - begin.ns);
  by_counter_ = true;
#endif
}

}  // namespace mu::shm
