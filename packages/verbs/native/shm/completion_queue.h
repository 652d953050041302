// The completion ring of one thread, with an optional modelled round-trip time.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "../provider.h"
#include "clock.h"
#include "layout.h"

namespace mu::shm {

class ShmCompletionQueue final : public CompletionQueue {
 public:
  /// `round_trip_ns` delays completions by a modelled network; 0 shows them at once.
  ShmCompletionQueue(uint32_t depth, uint64_t round_trip_ns);

  bool needs_poll() const override { return round_trip_ns_ != 0; }
  void poll() override;

  /// From the owning thread's doorbell. False when the ring is full: an overrun, which is for good
  /// and costs every queue pair that completes here its connection, as on hardware. What did not leave
  /// the process, `at_home`, has no round trip. `moment` is that of the doorbell.
  bool push(const CompletionEntry& entry, bool at_home, Moment& moment) {
    if (overrun_) return false;
    if (round_trip_ns_ == 0 || at_home ? publish(entry) : push_delayed(entry, moment))
      return true;
    overrun_ = true;
    fail_users();
    return false;
  }

  /// Queue pairs that complete here, by their slots in our segment.
  void attach(QueuePairSlot* user);
  void detach(QueuePairSlot* user);

 private:
  struct Delayed {
    uint64_t due_ns;
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
  uint64_t round_trip_ns_;
  std::deque<Delayed> delayed_;
  bool overrun_ = false;

  std::mutex users_mutex_;
  std::vector<QueuePairSlot*> users_;
};

}  // namespace mu::shm
