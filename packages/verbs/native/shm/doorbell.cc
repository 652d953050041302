#include "doorbell.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <span>

#include "../clock.h"

namespace mu::shm {

namespace {

timespec time_of(uint64_t ns) {
  return {static_cast<time_t>(ns / 1'000'000'000u), static_cast<long>(ns % 1'000'000'000u)};
}

/// Sleeps until the counter is another, a peer dies, or the deadline (CLOCK_MONOTONIC).
void sleep_until_rung(const std::atomic<uint32_t>& counter, const DeathWatch& deaths, uint32_t seen,
                      uint64_t deadline_ns) {
  std::array<futex_waitv, 1 + DeathWatch::kPeersMax> waiters;
  waiters[0] = {seen, reinterpret_cast<uint64_t>(&counter), FUTEX_32, 0};
  const size_t count = 1 + deaths.waiters(std::span(waiters).subspan(1));
  const timespec deadline = time_of(deadline_ns);
  const long woken =
      syscall(SYS_futex_waitv, waiters.data(), count, 0, &deadline, CLOCK_MONOTONIC);
  if (woken > 0) DeathWatch::pass_on(waiters[static_cast<size_t>(woken)].uaddr);
  if (woken >= 0 || errno != ENOSYS) return;

  // Before Linux 5.16 a death is only seen by looking.
  const uint64_t now = now_ns();
  if (now >= deadline_ns) return;
  const timespec left = time_of(deadline_ns - now);
  syscall(SYS_futex, &counter, FUTEX_WAIT, seen, &left, nullptr, 0);
}

}  // namespace

void ring_doorbell(SegmentHeader& header) {
  header.doorbell.fetch_add(1, std::memory_order_seq_cst);
  if (header.sleepers.load(std::memory_order_seq_cst) == 0) return;
  syscall(SYS_futex, &header.doorbell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

uint32_t wait_on_doorbell(SegmentHeader& header, const DeathWatch& deaths, uint32_t seen,
                          uint32_t timeout_us, uint32_t spin_us) {
  const uint64_t start = now_ns();
  const uint64_t spin_until = start + spin_us * 1000ull;
  const uint64_t deadline = start + timeout_us * 1000ull;

  uint32_t counter = header.doorbell.load(std::memory_order_acquire);
  while (counter == seen && spin_us != 0 && now_ns() < spin_until) {
    // Whoever is to ring may need this very core, at the same real-time priority.
    sched_yield();
    counter = header.doorbell.load(std::memory_order_acquire);
  }
  if (counter != seen || now_ns() >= deadline) return counter;

  // The ringer counts first and looks for sleepers second; the kernel compares the counter again.
  header.sleepers.fetch_add(1, std::memory_order_seq_cst);
  sleep_until_rung(header.doorbell, deaths, seen, deadline);
  header.sleepers.fetch_sub(1, std::memory_order_seq_cst);
  return header.doorbell.load(std::memory_order_acquire);
}

}  // namespace mu::shm
