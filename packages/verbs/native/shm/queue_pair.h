// A reliable connected queue pair over shared memory.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../rings.h"
#include "admission.h"
#include "completion_queue.h"
#include "own_segment.h"
#include "peer.h"
#include "process_state.h"
#include "region.h"

namespace mu::shm {

class ShmQueuePair final : public QueuePair {
 public:
  ShmQueuePair(std::shared_ptr<OwnSegment> segment, std::shared_ptr<ShmDomain> domain,
               std::shared_ptr<ShmCompletionQueue> send_queue, uint32_t inline_bytes,
               uint32_t handle);
  ~ShmQueuePair() override;

  uint32_t number() const override { return number_; }
  std::string address() const override { return segment_->name(); }
  void modify(const QueuePairChange& change) override;
  QueuePairQuery query() const override;
  ThreadState peer_thread_state() const override;

  // datapath.cc; posting thread only.

  /// Has the processor fetch the lines that a write will change, while it does something else.
  void expect(const SendEntry& entry);
  /// Carries out one work request and pushes its completion. `moment` is that of its doorbell.
  void execute(const SendEntry& entry, const HandleResolver& handles, Moment& moment);
  /// The same, but without a completion of a success: returns whether it was one.
  bool execute_now(const SendEntry& entry, const HandleResolver& handles);

 private:
  /// Whom we are connected to, as the posting thread has read it for one connection of ours.
  struct Link {
    uint32_t own_connection = 0;
    /// Between two queue pairs of our own segment.
    bool at_home = false;
    Peer* peer = nullptr;
    QueuePairSlot* slot = nullptr;
    uint32_t number = 0;
    uint32_t send_psn = 0;
    /// The life of the peer's queue pair in which we have found it connected to us.
    uint32_t peer_connection = 0;
    uint32_t peer_domain = 0;
  };
  /// One stay inside a region of the peer.
  struct Stay {
    PeerRegion* region = nullptr;
    uint64_t word = 0;
  };

  void reset();
  void connect(const QueuePairChange& change);
  /// One step of the state machine; returns the admission word before it. Throws EINVAL when the
  /// state, as it is at that very moment, does not allow it.
  uint64_t step(const QueuePairChange& change, uint32_t access);
  void check(const QueuePairChange& change) const;
  /// Fences whoever stands inside without the right to, and then begins another connection.
  void retire_connection();
  void fence_own();

  Status carry_out(const SendEntry& entry, const HandleResolver& handles, Moment& moment);
  Status local_bytes(const SendEntry& entry, const HandleResolver& handles, Opcode opcode,
                     uint8_t*& bytes) const;
  Status transfer(const SendEntry& entry, Opcode opcode, uint8_t* local);
  Status enter(const SendEntry& entry, Opcode opcode, Stay& stay);
  bool leave(const Stay& stay);
  bool read_link(uint64_t own);
  bool recognise_peer(uint64_t word);
  Status refuse_region(const SendEntry& entry);
  Status refuse(Status status, bool remote_too);
  void complete(const SendEntry& entry, Status status, Moment& moment);

  std::shared_ptr<OwnSegment> segment_;
  std::shared_ptr<ShmDomain> domain_;
  std::shared_ptr<ShmCompletionQueue> send_queue_;
  uint32_t inline_bytes_;
  uint32_t handle_;
  uint32_t number_;
  QueuePairSlot* slot_;

  mutable std::mutex mutex_;  // guards the control path: modify, query and what the peer's thread does
  mutable ThreadStatFile peer_thread_;
  uint32_t relocations_ = 0;
  /// Everyone we were ever connected to: the posting thread may still use any of them.
  std::vector<std::unique_ptr<Peer>> peers_;

  // Written by RTR and RTS under mutex_, before they publish the state; read by `read_link`.
  std::atomic<Peer*> peer_{nullptr};
  std::atomic<uint32_t> peer_number_{0};
  std::atomic<uint32_t> send_psn_{0};

  // Posting thread only.
  Link link_;
  uint32_t unretired_ = 0;
};

}  // namespace mu::shm
