#include "doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>

#include "clock.h"
#include "cpu_relax.h"

namespace mu::shm {

void ring_doorbell(SegmentHeader& header) {
  header.doorbell.fetch_add(1, std::memory_order_seq_cst);
  if (header.sleepers.load(std::memory_order_seq_cst) == 0) return;
  syscall(SYS_futex, &header.doorbell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

uint32_t wait_on_doorbell(SegmentHeader& header, uint32_t seen, uint32_t timeout_us,
                          uint32_t spin_us) {
  const uint64_t start = now_ns();
  const uint64_t spin_until = start + spin_us * 1000ull;
  const uint64_t deadline = start + timeout_us * 1000ull;

  uint32_t counter = header.doorbell.load(std::memory_order_acquire);
  while (counter == seen && spin_us != 0 && now_ns() < spin_until) {
    cpu_relax();
    counter = header.doorbell.load(std::memory_order_acquire);
  }
  if (counter != seen) return counter;

  const uint64_t now = now_ns();
  if (now >= deadline) return counter;
  const uint64_t left = deadline - now;
  const timespec timeout{static_cast<time_t>(left / 1'000'000'000u),
                         static_cast<long>(left % 1'000'000'000u)};
  // The ringer counts first and looks for sleepers second; the kernel compares the counter again.
  header.sleepers.fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &header.doorbell, FUTEX_WAIT, seen, &timeout, nullptr, 0);
  header.sleepers.fetch_sub(1, std::memory_order_seq_cst);
  return header.doorbell.load(std::memory_order_acquire);
}

}  // namespace mu::shm
