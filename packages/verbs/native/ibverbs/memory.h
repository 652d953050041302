// Memory of the provider's own, protection domains and registered regions.
#pragma once

#include <memory>

#include "../provider.h"
#include "device.h"

namespace mu::ibverbs {

/// Zeroed, page-aligned memory, of huge pages where the size is worth it and the system has some.
class PinnedMapping final : public Mapping {
 public:
  PinnedMapping(const char* verb, size_t bytes);
  ~PinnedMapping() override;

 private:
  size_t mapped_bytes_;
};

class Domain final : public ProtectionDomain {
 public:
  explicit Domain(std::shared_ptr<Device> device);
  ~Domain() override;
  ibv_pd* raw() const { return domain_; }
  Device& device() const { return *device_; }

 private:
  std::shared_ptr<Device> device_;
  ibv_pd* domain_;
};

/// A region whose remote addresses count from its first byte.
class Region final : public MemoryRegion {
 public:
  Region(std::shared_ptr<Domain> domain, size_t bytes, uint32_t access);
  ~Region() override;

  std::shared_ptr<Mapping> mapping() const override { return memory_; }
  uint32_t local_key() const override { return region_->lkey; }
  uint32_t remote_key() const override { return region_->rkey; }
  const Domain* domain() const { return domain_.get(); }
  uint32_t access() const { return access_; }
  uint8_t* data() const { return memory_->data(); }
  size_t size() const { return memory_->size(); }

 private:
  std::shared_ptr<Domain> domain_;
  std::shared_ptr<PinnedMapping> memory_;
  uint32_t access_;
  ibv_mr* region_;
};

}  // namespace mu::ibverbs
