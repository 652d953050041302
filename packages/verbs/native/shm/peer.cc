#include "peer.h"

#include <cerrno>

#include "../clock.h"
#include "cpu_relax.h"
#include "own_segment.h"

namespace mu::shm {
namespace {

// A relocation copies some 4 bytes per nanosecond; a peer that takes ten times as long was stopped
// in the middle of it.
constexpr uint64_t kRelocationNs = 10'000'000;
constexpr uint64_t kRelocationBytesPerNs = 1;

}  // namespace

Peer::Peer(const std::string& directory, const std::string& address)
    : directory_(directory), address_(address) {
  // The address came over a wire: it may name a segment, never a path.
  if (address.find('/') != std::string::npos || address.compare(0, 4, "seg-") != 0)
    throw VerbsFailure("ibv_modify_qp", EINVAL, "not a segment: " + address);
  mapping_ = FileMapping::open("ibv_modify_qp", control_path_of(directory, address),
                               sizeof(ControlSegment));
  const SegmentHeader& header = shared().header;
  if (header.magic != kMagic || header.version != kVersion)
    throw VerbsFailure("ibv_modify_qp", EPROTO,
                       address + " has layout version " + std::to_string(header.version) +
                           ", this process has " + std::to_string(kVersion));
}

PeerRegion* Peer::map(uint32_t key) {
  const RegionSlot& slot = shared().regions[key_slot(key)];
  PeerRegion& cached = regions_[key_slot(key)];
  // What is mapped is of an earlier generation, or of another region: hold on to neither.
  cached = {};
  const uint64_t deadline = now_ns() + kRelocationNs + slot.bytes.load() / kRelocationBytesPerNs;
  do {
    if (key == 0 || slot.key.load(std::memory_order_acquire) != key) return nullptr;
    const uint32_t generation = slot.generation.load(std::memory_order_acquire);
    if ((generation & 1) != 0) {
      cpu_relax();
      continue;
    }
    try {
      // The file is named for its generation: when it was relocated since our look it is gone.
      cached.mapping = FileMapping::open("ibv_post_send",
                                         region_path_of(directory_, address_, key, generation),
                                         slot.bytes.load(std::memory_order_relaxed));
    } catch (const VerbsFailure& failure) {
      if (failure.error() != ENOENT) return nullptr;
      continue;
    }
    cached.slot = &slot;
    cached.key = key;
    cached.generation = generation;
    cached.access = slot.access.load(std::memory_order_relaxed);
    cached.domain = slot.domain.load(std::memory_order_relaxed);
    return &cached;
  } while (!gone() && now_ns() < deadline);
  return nullptr;
}

}  // namespace mu::shm
