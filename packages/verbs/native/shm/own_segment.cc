#include "own_segment.h"

#include <sys/random.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <new>

#include "admission.h"
#include "process_state.h"

namespace mu::shm {
namespace {

std::atomic<uint32_t> g_segment_serial{0};

/// The last process to leave removes the fabric's directory, perhaps just now: make it again then.
std::shared_ptr<FileMapping> create_in_fabric(const std::string& directory,
                                              const std::string& path) {
  constexpr int kAttempts = 16;
  for (int attempt = 1;; attempt++) {
    try {
      return FileMapping::create("ibv_open_device", path, sizeof(ControlSegment));
    } catch (const VerbsFailure& failure) {
      if (failure.error() != ENOENT || attempt == kAttempts) throw;
      prepare_fabric(directory);
    }
  }
}

}  // namespace

std::string control_path_of(const std::string& directory, const std::string& address) {
  return directory + "/" + address + ".ctl";
}

std::string region_path_of(const std::string& directory, const std::string& address, uint32_t key,
                           uint32_t generation) {
  return directory + "/" + address + ".mr" + std::to_string(key) + ".g" +
         std::to_string(generation);
}

OwnSegment::OwnSegment(const std::string& directory) : directory_(directory) {
  prepare_fabric(directory);
  remove_stale_segments(directory);

  const uint32_t pid = static_cast<uint32_t>(getpid());
  const uint64_t start = read_process(pid).start_time;
  name_ = "seg-" + std::to_string(pid) + "-" + std::to_string(start) + "-" +
          std::to_string(g_segment_serial.fetch_add(1));
  // Written under another name and renamed: a peer never maps half a header.
  const std::string draft = directory_ + "/" + name_ + ".new";
  mapping_ = create_in_fabric(directory_, draft);
  auto* segment = new (mapping_->data()) ControlSegment{};
  segment->header.magic = kMagic;
  segment->header.version = kVersion;
  segment->header.pid = pid;
  segment->header.start_time = start;
  if (getrandom(&segment->header.segment_id, sizeof segment->header.segment_id, 0) < 0)
    throw VerbsFailure("ibv_open_device", errno, "getrandom");
  liveness_ = std::make_unique<LivenessThread>(&segment->header.death_word);
  if (rename(draft.c_str(), control_path().c_str()) != 0)
    throw VerbsFailure("ibv_open_device", errno, "publishing " + control_path());
}

OwnSegment::~OwnSegment() {
  shared().header.closed.store(1, std::memory_order_seq_cst);
  liveness_.reset();
  remove_files(directory_, name_ + ".");
  // The fabric goes with its last segment; EBUSY and ENOTEMPTY say that others are there.
  rmdir(directory_.c_str());
}

std::string OwnSegment::control_path() const { return control_path_of(directory_, name_); }

std::string OwnSegment::region_path(uint32_t key, uint32_t generation) const {
  return region_path_of(directory_, name_, key, generation);
}

uint32_t OwnSegment::claim_region_key() {
  for (uint32_t slot = 0; slot < kRegionSlots; slot++) {
    if (shared().regions[slot].key.load() != 0) continue;
    return ++region_serial_ * kRegionSlots + slot;
  }
  throw VerbsFailure("ibv_reg_mr", ENOMEM,
                     "this process has " + std::to_string(kRegionSlots) + " regions");
}

uint32_t OwnSegment::claim_queue_pair_number() {
  for (uint32_t slot = 0; slot < kQueuePairSlots; slot++) {
    const QueuePairSlot& found = shared().queue_pairs[slot];
    const uint32_t number = found.number.load();
    const bool abandoned = number == kAbandoned && !is_inside(found.admission.load());
    if (number != 0 && !abandoned) continue;
    return ++queue_pair_serial_ * kQueuePairSlots + slot;
  }
  throw VerbsFailure("ibv_create_qp", ENOMEM,
                     "this process has " + std::to_string(kQueuePairSlots) + " queue pairs");
}

}  // namespace mu::shm
