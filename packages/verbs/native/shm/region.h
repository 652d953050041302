// Memory regions: ours, which we may relocate, and our view of a peer's.
#pragma once

#include <memory>
#include <string>

#include "own_segment.h"

namespace mu::shm {

class ShmDomain final : public ProtectionDomain {
 public:
  explicit ShmDomain(uint32_t id) : id_(id) {}
  uint32_t id() const { return id_; }

 private:
  uint32_t id_;
};

/// A region of this process, backed by a file of the fabric.
class ShmRegion final : public MemoryRegion {
 public:
  ShmRegion(std::shared_ptr<OwnSegment> segment, std::shared_ptr<ShmDomain> domain, size_t bytes,
            uint32_t access);
  ~ShmRegion() override;

  std::shared_ptr<Mapping> mapping() const override { return mapping_; }
  uint32_t local_key() const override { return key_; }
  uint32_t remote_key() const override { return key_; }
  uint32_t access() const { return access_; }
  uint32_t domain_id() const { return domain_->id(); }
  uint8_t* data() const { return mapping_->data(); }
  size_t size() const { return mapping_->size(); }

 private:
  std::shared_ptr<OwnSegment> segment_;
  std::shared_ptr<ShmDomain> domain_;
  std::shared_ptr<FileMapping> mapping_;
  uint32_t access_;
  uint32_t key_ = 0;
};

/// Moves the bytes of a region to a new file, so that a writer which stands in the middle of a copy
/// goes on writing into an orphan that nobody reads. The counterpart of re-registration on a NIC.
///
/// Call with the segment's control mutex held, from the thread that owns the region's local writes:
/// what it stores itself while the bytes are copied could be lost.
/// Throws ENOSPC when the fabric has no room for the copy: then nothing has changed.
void relocate_region(OwnSegment& segment, uint32_t slot);

}  // namespace mu::shm
