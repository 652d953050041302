// The completion ring of one thread, with an optional modelled round-trip time.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "../provider.h"
#include "layout.h"
#include "ticks.h"

namespace mu::shm {

class ShmCompletionQueue final : public CompletionQueue {
 public:
  /// `round_trip_ns` delays completions by a modelled network; 0 shows them at once.
  ShmCompletionQueue(uint32_t depth, uint64_t round_trip_ns);

  bool needs_poll() const override { return round_trip_ != 0; }
  void poll() override;

  /// What did not leave the process, `at_home`, has no round trip.
  bool delays(bool at_home) const { return round_trip_ != 0 && !at_home; }

  /// From the owning thread's doorbell. False when the ring is full: an overrun, which is for good
  /// and costs every queue pair that completes here its connection, as on hardware. `moment` is when
  /// that doorbell's first round trip began.
  bool push(const CompletionEntry& entry, bool at_home, Moment& moment) {
    if (overrun_) return false;
    if (delays(at_home) ? push_delayed(entry, moment) : publish(entry)) return true;
    overrun_ = true;
    fail_users();
    return false;
  }

  /// Queue pairs that complete here, by their slots in our segment.
  void attach(QueuePairSlot* user);
  void detach(QueuePairSlot* user);

 private:
  struct Delayed {
    /// In ticks.
    uint64_t due;
    CompletionEntry entry;
  };

  bool publish(const CompletionEntry& entry) {
    if (ring().room() == 0) return false;
    ring().put(entry);
    return true;
  }
  bool push_delayed(const CompletionEntry& entry, Moment& moment);
  void fail_users();

  uint32_t depth_;
  /// In ticks.
  uint64_t round_trip_;
  std::deque<Delayed> delayed_;
  bool overrun_ = false;

  std::mutex users_mutex_;
  std::vector<QueuePairSlot*> users_;
};

}  // namespace mu::shm
