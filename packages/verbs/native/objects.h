// Every native object of the process, by kind and handle.
#pragma once

#include <cerrno>

#include "handle_table.h"
#include "provider.h"

namespace mu {

class Objects final : public HandleResolver {
 public:
  HandleTable<Context, 64> contexts;
  HandleTable<ProtectionDomain, 256> domains;
  HandleTable<MemoryRegion, 1024> regions;
  HandleTable<CompletionQueue, 256> completion_queues;
  HandleTable<SendRing, 256> send_rings;
  HandleTable<QueuePair, 2048> queue_pairs;
  HandleTable<AddressHandle, 4096> address_handles;

  QueuePair* queue_pair(uint32_t handle) const override { return queue_pairs.peek(handle); }
  MemoryRegion* memory_region(uint32_t handle) const override { return regions.peek(handle); }
  AddressHandle* address_handle(uint32_t handle) const override {
    return address_handles.peek(handle);
  }

  /// Children before parents; what JavaScript forgot to close is unlinked here at the latest.
  void clear() {
    queue_pairs.clear();
    address_handles.clear();
    send_rings.clear();
    completion_queues.clear();
    regions.clear();
    domains.clear();
    contexts.clear();
  }
};

/// One for the process: worker threads load the addon again and share it.
Objects& objects();

}  // namespace mu
