// What a backend in C++ must supply; `src/backend.ts` is the same contract towards TypeScript.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "completion_ring.h"
#include "types.h"

namespace mu {

/// Memory that outlives whoever created it, for as long as a view of it exists.
class Mapping {
 public:
  virtual ~Mapping() = default;
  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 protected:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

class ProtectionDomain {
 public:
  virtual ~ProtectionDomain() = default;
};

class MemoryRegion {
 public:
  virtual ~MemoryRegion() = default;
  virtual std::shared_ptr<Mapping> mapping() const = 0;
  virtual uint32_t local_key() const = 0;
  virtual uint32_t remote_key() const = 0;
};

class CompletionQueue {
 public:
  /// `memory` is that of its ring.
  CompletionQueue(std::shared_ptr<Mapping> memory, uint32_t depth)
      : memory_(std::move(memory)), ring_(memory_->data(), depth) {}
  virtual ~CompletionQueue() = default;
  std::shared_ptr<Mapping> memory() const { return memory_; }
  /// Owning thread only.
  CompletionRing& ring() { return ring_; }
  /// `Received` for each place of the ring; null where nothing is ever received.
  virtual std::shared_ptr<Mapping> received() const { return nullptr; }
  /// Whether `poll` must be called to see completions.
  virtual bool needs_poll() const = 0;
  /// Brings finished work into the ring. Never blocks. Owning thread only.
  virtual void poll() = 0;

 private:
  std::shared_ptr<Mapping> memory_;
  CompletionRing ring_;
};

class SendRing {
 public:
  virtual ~SendRing() = default;
  virtual std::shared_ptr<Mapping> memory() const = 0;
  /// Carries out, or hands to the device, every posted entry in order. Owning thread only.
  virtual void doorbell() = 0;
  /// Whether work requests are over when the call that carries them out returns.
  virtual bool immediate() const { return false; }
  /// The write of the ring's memory to several targets.
  virtual WriteNow& now() const = 0;
  /// The doorbell, and then that write. A bit for each target that has it already, and for which no
  /// completion will come. Owning thread only.
  virtual uint32_t write_now() = 0;
};

struct QueuePairChange {
  QueuePairState state;
  bool has_access = false;
  uint32_t access = 0;
  std::string remote_address;
  uint32_t remote_number = 0;
  uint32_t receive_psn = 0;
  uint32_t send_psn = 0;
  uint32_t queue_key = 0;
};

struct QueuePairQuery {
  QueuePairState state;
  uint32_t access;
  uint32_t relocations;
};

enum class ThreadState { kRunning, kStopped, kDead, kUnknown };

class QueuePair {
 public:
  virtual ~QueuePair() = default;
  virtual uint32_t number() const = 0;
  virtual std::string address() const = 0;
  /// Any thread; calls for one queue pair are serialised by the implementation.
  virtual void modify(const QueuePairChange& change) = 0;
  virtual QueuePairQuery query() const = 0;
  virtual ThreadState peer_thread_state() const = 0;
};

struct QueuePairAttributes {
  std::shared_ptr<CompletionQueue> send_queue;
  uint32_t send_depth;
  uint32_t inline_bytes;
  QueuePairType type = QueuePairType::kRC;
  std::shared_ptr<CompletionQueue> receive_queue = nullptr;
  /// 0: it receives nothing.
  uint32_t receive_depth = 0;
};

/// Where datagrams may be sent to.
class AddressHandle {
 public:
  virtual ~AddressHandle() = default;
};

class Context {
 public:
  virtual ~Context() = default;
  virtual std::shared_ptr<ProtectionDomain> allocate_domain() = 0;
  virtual std::shared_ptr<MemoryRegion> register_memory(std::shared_ptr<ProtectionDomain> domain,
                                                        size_t bytes, uint32_t access) = 0;
  virtual std::shared_ptr<CompletionQueue> create_completion_queue(uint32_t depth) = 0;
  virtual std::shared_ptr<SendRing> create_send_ring(uint32_t depth) = 0;
  /// `handle` is the number by which send entries name the queue pair.
  virtual std::shared_ptr<QueuePair> create_queue_pair(std::shared_ptr<ProtectionDomain> domain,
                                                       const QueuePairAttributes& attributes,
                                                       uint32_t handle) = 0;
  virtual std::shared_ptr<AddressHandle> create_address_handle(
      std::shared_ptr<ProtectionDomain>, const std::string&) {
    throw VerbsFailure("ibv_create_ah", ENOTSUP, "no datagrams here");
  }
  virtual void watch_this_thread() = 0;
  /// Spins, then sleeps, until the doorbell rings or the time is over; true when it rang.
  virtual bool wait_for_wake(uint32_t timeout_us, uint32_t spin_us) = 0;
  virtual void wake() = 0;
};

/// Resolves the numbers in send entries; lock-free, for the data path.
class HandleResolver {
 public:
  virtual ~HandleResolver() = default;
  virtual QueuePair* queue_pair(uint32_t handle) const = 0;
  virtual MemoryRegion* memory_region(uint32_t handle) const = 0;
  virtual AddressHandle* address_handle(uint32_t handle) const = 0;
};

}  // namespace mu
