// What a queue pair has posted to one of its queues and not retired, in posted order.
#pragma once

#include <mutex>
#include <vector>

#include "../rings.h"
#include "../types.h"

namespace mu::ibverbs {

class IbvCompletionQueue;

/// The provider's own account of a send queue or a receive queue. Devices complete only what was signalled or failed,
/// and forget what is outstanding at a reset; JavaScript is told of everything.
///
/// Work requests are numbered over all lives of the queue pair. A number is half of the work
/// request id that the device sees, so a completion of an earlier life is recognised as such.
class WorkQueue {
 public:
  /// `handle` is what JavaScript knows the queue by; that of a receive queue has `kReceiveQueue`.
  WorkQueue(IbvCompletionQueue& completions, uint32_t depth, uint32_t queue_pair_number,
            uint32_t handle);

  bool receives() const { return (handle_ & kReceiveQueue) != 0; }

  /// Names this queue in work request ids; never used again in this process.
  uint32_t serial() const { return serial_; }

  /// Notes a work request, and returns the id that the device is to be given. Posting thread.
  uint64_t append(const SendEntry& entry);
  /// This one, which the device did not take, is to fail with this status. Posting thread.
  void fail(uint64_t id, Status status);
  /// The last one appended is done, and was never the device's. Posting thread.
  void finish_last();
  /// Nothing that was appended so far will be completed by the device any more. Whether all of it had
  /// been retired. Any thread.
  bool cancel();

  /// Whether anything is not retired. Any thread.
  bool outstanding();
  /// What a completion says besides its status, where it is a success.
  struct Success {
    uint32_t opcode;
    uint32_t byte_length;
    Received received;
  };
  /// The device completed this one; `success` may be null. From the completion queue's poll.
  void finish(uint32_t number, uint32_t status, const Success* success);
  /// Completes what was cancelled, or done without the device. From the completion queue's poll, after
  /// what the device had.
  void retire_noticed();

 private:
  struct Posted {
    uint32_t id_low;
    uint32_t id_high;
    uint32_t opcode;
    uint32_t length;
    Status outcome;
    bool signaled;
  };

  void retire_below(uint32_t end);
  void complete(uint32_t number, uint32_t status, const Success* success = nullptr);

  IbvCompletionQueue& completions_;
  uint32_t serial_;
  uint32_t queue_pair_number_;
  uint32_t handle_;
  uint32_t mask_;

  std::mutex mutex_;  // guards what follows: posting, polling and resetting threads may differ
  std::vector<Posted> posted_;
  /// Numbers begin where they wrap soon, so that whoever uses a queue has been through that.
  static constexpr uint32_t kFirst = 0xffff'ffc0;
  uint32_t next_ = kFirst;
  uint32_t unretired_ = kFirst;
  /// Everything below was cancelled.
  uint32_t cancelled_ = kFirst;
  /// Below this, what has succeeded did so without the device.
  uint32_t finished_ = kFirst;
};

}  // namespace mu::ibverbs
