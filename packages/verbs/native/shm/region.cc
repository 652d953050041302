#include "region.h"

#include <unistd.h>

#include <cstring>
#include <unordered_map>

#include "fence.h"
#include "test_hook.h"

namespace mu::shm {
namespace {

/// The live mapping of each of our regions, by segment and slot: relocation swaps its pages.
std::mutex g_live_mutex;
std::unordered_map<const RegionSlot*, std::shared_ptr<FileMapping>>& live_mappings() {
  static std::unordered_map<const RegionSlot*, std::shared_ptr<FileMapping>> mappings;
  return mappings;
}

}  // namespace

ShmRegion::ShmRegion(std::shared_ptr<OwnSegment> segment, std::shared_ptr<ShmDomain> domain,
                     size_t bytes, uint32_t access)
    : segment_(std::move(segment)), domain_(std::move(domain)), access_(access) {
  if ((access & ~kAccessAll) != 0)
    throw VerbsFailure("ibv_reg_mr", EINVAL, "unknown access flags " + std::to_string(access));
  if ((access & kMutatingRights) != 0 && (access & kAccessLocalWrite) == 0)
    throw VerbsFailure("ibv_reg_mr", EINVAL, "remote write and atomic need local write");
  if (bytes == 0) throw VerbsFailure("ibv_reg_mr", EINVAL, "no bytes");
  std::lock_guard lock(segment_->control_mutex());
  key_ = segment_->claim_region_key();
  RegionSlot& slot = segment_->shared().regions[key_slot(key_)];
  // From the odd number that the slot had while it was free to the even one after it.
  const uint32_t generation = (slot.generation.load() | 1) + 1;
  mapping_ = FileMapping::create("ibv_reg_mr", segment_->region_path(key_, generation), bytes);
  slot.bytes.store(bytes);
  slot.access.store(access);
  slot.domain.store(domain_->id());
  {
    std::lock_guard live(g_live_mutex);
    live_mappings()[&slot] = mapping_;
  }
  slot.key.store(key_, std::memory_order_seq_cst);
  slot.generation.store(generation, std::memory_order_seq_cst);
}

ShmRegion::~ShmRegion() {
  std::lock_guard lock(segment_->control_mutex());
  const uint32_t slot_index = key_slot(key_);
  RegionSlot& slot = segment_->shared().regions[slot_index];
  const uint32_t generation = slot.generation.load();
  slot.key.store(0, std::memory_order_seq_cst);
  slot.generation.store(generation | 1, std::memory_order_seq_cst);
  // Views of the bytes may outlive the region; a writer that is stuck inside must not reach them.
  if (expel(*segment_, slot_index)) mapping_->detach();
  {
    std::lock_guard live(g_live_mutex);
    live_mappings().erase(&slot);
  }
  unlink(segment_->region_path(key_, generation).c_str());
}

void relocate_region(OwnSegment& segment, uint32_t slot_index) {
  RegionSlot& slot = segment.shared().regions[slot_index];
  std::shared_ptr<FileMapping> live;
  {
    std::lock_guard lock(g_live_mutex);
    const auto found = live_mappings().find(&slot);
    if (found == live_mappings().end()) return;  // deregistered, and with that everybody expelled
    live = found->second;
  }
  const uint32_t key = slot.key.load();
  const uint32_t generation = slot.generation.load();
  const std::string to = segment.region_path(key, generation + 2);
  auto copy = FileMapping::create("relocate", to, live->size());

  // Odd: operations that begin now wait. Those under way finish, or are cut off with the orphan.
  slot.generation.store(generation + 1, std::memory_order_seq_cst);
  expel(segment, slot_index);
  reach(HookPoint::kRelocating);

  std::memcpy(copy->data(), live->data(), live->size());
  // Should this fail (out of address space) the generation stays odd: peers get no answer from the
  // region any more, which is safe, because the writer we cut off may still store into it.
  live->take_over(*copy);
  slot.generation.store(generation + 2, std::memory_order_seq_cst);
  unlink(segment.region_path(key, generation).c_str());
}

}  // namespace mu::shm
