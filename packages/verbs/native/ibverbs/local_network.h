// Connections between queue pairs of one context: their work requests are copies in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "../rings.h"
#include "../types.h"

namespace mu::ibverbs {

class Domain;
class IbvQueuePair;
class Region;

/// A leader writes its own log, too, over a queue pair, because that is how the right to do so is
/// taken away from it. A device would carry those bytes out of memory and back; we copy them, and
/// answer as a device does. One lock is held during a copy and during a change of rights, so a
/// revocation that has returned is final.
class LocalNetwork {
 public:
  void add(const std::shared_ptr<IbvQueuePair>& queue_pair);
  void remove(uint32_t queue_pair_number);
  void add(const Region& region);
  void remove(const Region& region);

  /// Null when it is not of this context, or gone.
  std::shared_ptr<IbvQueuePair> find(uint32_t queue_pair_number) const;

  /// One end in RTS: with whom it is connected, and what it admits.
  struct End {
    uint32_t peer;
    uint32_t access;
    uint32_t send_psn;
    uint32_t receive_psn;
    const Domain* domain;
  };
  void open(uint32_t queue_pair_number, const End& end);
  void close(uint32_t queue_pair_number);
  bool is_open(uint32_t queue_pair_number) const;
  void set_access(uint32_t queue_pair_number, uint32_t access);

  /// Carries out what queue pair `from` posted; `local` are the bytes on its side. A refusal closes
  /// both ends.
  Status carry_out(uint32_t from, const SendEntry& entry, uint8_t* local);

 private:
  Status admit(const End& end, const SendEntry& entry, const Region*& region) const;

  mutable std::mutex mutex_;
  std::unordered_map<uint32_t, std::weak_ptr<IbvQueuePair>> queue_pairs_;
  std::unordered_map<uint32_t, const Region*> regions_;
  std::unordered_map<uint32_t, End> ends_;
};

}  // namespace mu::ibverbs
