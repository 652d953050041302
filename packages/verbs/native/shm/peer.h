// Our view of one peer's segment, kept by one queue pair and used by the thread that posts on it.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "file_mapping.h"
#include "layout.h"

namespace mu::shm {

/// A peer's region as we have it mapped.
struct PeerRegion {
  std::shared_ptr<FileMapping> mapping;
  const RegionSlot* slot = nullptr;
  uint32_t key = 0;
  uint32_t generation = 0;
  uint32_t access = 0;
  uint32_t domain = 0;
};

class Peer {
 public:
  /// Maps the control segment at `address`; throws when it is missing or of another version.
  Peer(const std::string& directory, const std::string& address);

  const std::string& address() const { return address_; }
  const std::shared_ptr<FileMapping>& segment() const { return mapping_; }
  ControlSegment& shared() const { return *reinterpret_cast<ControlSegment*>(mapping_->data()); }

  /// Whether the peer ended, orderly or not.
  bool gone() const {
    const SegmentHeader& header = shared().header;
    return (header.death_word.load(std::memory_order_acquire) & kOwnerDied) != 0 ||
           header.closed.load(std::memory_order_acquire) != 0;
  }

  /// The region of that key as last mapped, or null when the peer has none, or does not come to the
  /// end of relocating it.
  PeerRegion* find(uint32_t key) {
    PeerRegion* cached = mapped(key);
    return cached != nullptr ? cached : map(key);
  }
  /// The same, but null where it is not mapped yet.
  PeerRegion* mapped(uint32_t key) {
    PeerRegion& cached = regions_[key_slot(key)];
    return cached.key == key && key != 0 ? &cached : nullptr;
  }

  /// Maps every region of the domain that the peer has now, so that the data path need not: mapping
  /// and populating a large one takes milliseconds.
  void map_domain(uint32_t domain) {
    for (const RegionSlot& slot : shared().regions)
      if (slot.domain.load(std::memory_order_relaxed) == domain)
        find(slot.key.load(std::memory_order_acquire));
  }

  /// Has `find` map the region again: the peer has relocated it.
  void forget(const PeerRegion& region) { regions_[key_slot(region.key)] = {}; }

  /// Whether the peer has a region of that key, mapped here or not.
  bool has(uint32_t key) const {
    return key != 0 && shared().regions[key_slot(key)].key.load(std::memory_order_acquire) == key;
  }

 private:
  static constexpr uint32_t kOwnerDied = 0x40000000;  // FUTEX_OWNER_DIED
  PeerRegion* map(uint32_t key);

  std::string directory_;
  std::string address_;
  std::shared_ptr<FileMapping> mapping_;
  std::array<PeerRegion, kRegionSlots> regions_;
};

}  // namespace mu::shm
