// A writer in a process of its own that stops itself at a chosen point of its one write.
#pragma once

#include <sys/types.h>

#include <atomic>

#include "../shm/test_hook.h"
#include "host.h"

namespace mu::test {

/// Where the writer stops; `index` is the byte for HookPoint::kByte.
struct Stop {
  shm::HookPoint point;
  size_t index = 0;
};

/// One write of `length` bytes of `value`.
struct WritePlan {
  Stop stop;
  uint8_t value;
  uint32_t length;
  uint32_t offset;
};

class WriterProcess {
 public:
  /// Starts the process; it opens the fabric and waits to be connected.
  WriterProcess(const std::string& fabric, const WritePlan& plan);
  /// Kills what still runs.
  ~WriterProcess();

  Endpoint endpoint() const;
  pid_t pid() const { return pid_; }
  /// Connects it to a queue pair of ours, and both ways.
  void connect(const HostQueuePair& target, uint32_t remote_key, uint32_t access);
  /// Has it write; returns once it has stopped itself (SIGSTOP).
  void write_until_stopped();
  /// SIGCONT; returns the status of its write once it has ended.
  Status resume();
  /// SIGKILL; returns when the kernel has ended it.
  void kill();
  /// Has it close its context and end, in order.
  void close();

 private:
  struct Mailbox;
  static void live(const std::string& fabric, const WritePlan& plan, Mailbox& mailbox);

  Mailbox* mailbox_;
  pid_t pid_ = 0;
  bool ended_ = false;
};

}  // namespace mu::test
