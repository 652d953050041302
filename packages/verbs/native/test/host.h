// One end of a fabric, in C++: what a process of ours has, without JavaScript.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../objects.h"
#include "../rings.h"
#include "../shm/context.h"
#include "../shm/queue_pair.h"

namespace mu::test {

constexpr uint32_t kReadOnly = kAccessLocalWrite | kAccessRemoteRead;
constexpr uint32_t kRingDepth = 64;

/// A directory of its own under /dev/shm, removed with all that is in it.
class TemporaryFabric {
 public:
  TemporaryFabric();
  ~TemporaryFabric();
  const std::string& path() const { return path_; }
  /// File names that begin with `prefix`.
  std::vector<std::string> files(const std::string& prefix) const;

 private:
  std::string path_;
};

/// Where a queue pair is reached.
struct Endpoint {
  std::string address;
  uint32_t number = 0;
};

struct HostQueuePair {
  uint32_t handle = 0;
  std::shared_ptr<QueuePair> queue_pair;
  Endpoint endpoint() const { return {queue_pair->address(), queue_pair->number()}; }
};

class Host {
 public:
  explicit Host(const std::string& fabric, size_t region_bytes = 4096,
                uint32_t region_access = kAccessAll);
  ~Host();

  HostQueuePair create_queue_pair(uint32_t inline_bytes = 0);
  void destroy(HostQueuePair& queue_pair);
  void close_region();
  void open_region(size_t bytes, uint32_t access = kAccessAll);

  /// RESET to RTS, towards `remote`.
  static void connect(const HostQueuePair& own, const Endpoint& remote, uint32_t access,
                      uint32_t psn = 0);
  /// Changes the flags on a working queue pair.
  static void modify_access(const HostQueuePair& own, uint32_t access);

  /// Posts an operation on the first `length` bytes of our region, and rings.
  void post(const HostQueuePair& own, Opcode opcode, uint32_t length, uint32_t remote_key,
            uint32_t remote_offset, uint32_t flags = kSendSignaled, uint32_t local_offset = 0);
  /// The same, and the status of its completion.
  Status run(const HostQueuePair& own, Opcode opcode, uint32_t length, uint32_t remote_key,
             uint32_t remote_offset, uint32_t local_offset = 0);
  /// Consumes the oldest completion; fails the test when there is none.
  CompletionEntry take();
  uint32_t waiting() const;

  uint8_t* bytes() const { return region->mapping()->data(); }
  std::vector<uint8_t> snapshot() const;
  uint32_t key() const { return region->remote_key(); }
  uint32_t* ring_words() const { return reinterpret_cast<uint32_t*>(ring->memory()->data()); }
  uint32_t* queue_words() const { return reinterpret_cast<uint32_t*>(queue->memory()->data()); }

  std::unique_ptr<Objects> objects = std::make_unique<Objects>();
  std::shared_ptr<shm::ShmContext> context;
  std::shared_ptr<ProtectionDomain> domain;
  std::shared_ptr<CompletionQueue> queue;
  std::shared_ptr<SendRing> ring;
  std::shared_ptr<MemoryRegion> region;
  uint32_t region_handle = 0;
};

}  // namespace mu::test
