// The clock of modelled round trips beside the kernel's.
#include "../shm/ticks.h"

#include "check.h"

namespace mu::test {
namespace {

using shm::Ticks;

constexpr uint64_t kMeasuredNs = 5'000'000;
/// A thousandth, and what goes by between two reads when the processor is lost between them a little.
constexpr uint64_t kToleranceNs = 5'000;
constexpr int kAttempts = 20;

TEST(ticks, "ticks go by as nanoseconds do") {
  const uint64_t should = Ticks::in_ns(kMeasuredNs);
  const uint64_t tolerance = Ticks::in_ns(kToleranceNs);
  CHECK(should > tolerance, "there are ticks in five milliseconds");
  uint64_t is = 0;
  for (int n = 0; n < kAttempts; n++) {
    const uint64_t begin = Ticks::now();
    const uint64_t begin_ns = now_ns();
    while (now_ns() - begin_ns < kMeasuredNs) {
    }
    is = Ticks::now() - begin;
    if (is >= should - tolerance && is <= should + tolerance) return;
  }
  CHECK_EQUAL(is, should, "ticks of five milliseconds, in the last of many attempts");
}

TEST(tick_order, "a look at the ticks is no later than a reading after it") {
  Ticks::in_ns(1);
  for (int n = 0; n < 100'000; n++) {
    const uint64_t glance = Ticks::glance();
    const uint64_t now = Ticks::now();
    CHECK(glance <= now, "ticks go forward");
  }
}

}  // namespace
}  // namespace mu::test
