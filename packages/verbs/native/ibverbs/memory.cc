#include "memory.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <string>

namespace mu::ibverbs {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = 2 * 1024 * 1024;

size_t rounded(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

void* map_pages(size_t bytes, int flags) {
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

std::string memlock_hint() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return "the device refused to register the memory";
  return "the device refused to register the memory; this process may lock " +
         std::to_string(limit.rlim_cur) + " bytes (ulimit -l)";
}

int to_verbs(uint32_t access) {
  // The bits are ibverbs' own. IBV_ACCESS_RELAXED_ORDERING is never among them: with it the bytes
  // of a write may land in any order, and the trailer of an entry would prove nothing.
  static_assert(kAccessLocalWrite == IBV_ACCESS_LOCAL_WRITE &&
                kAccessRemoteWrite == IBV_ACCESS_REMOTE_WRITE &&
                kAccessRemoteRead == IBV_ACCESS_REMOTE_READ &&
                kAccessRemoteAtomic == IBV_ACCESS_REMOTE_ATOMIC);
  return static_cast<int>(access);
}

}  // namespace

PinnedMapping::PinnedMapping(const char* verb, size_t bytes) : mapped_bytes_(rounded(bytes, kPage)) {
  void* at = MAP_FAILED;
  if (bytes >= kHugePage) {
    at = map_pages(rounded(bytes, kHugePage), MAP_HUGETLB | MAP_POPULATE);
    if (at != MAP_FAILED) mapped_bytes_ = rounded(bytes, kHugePage);
  }
  if (at == MAP_FAILED) at = map_pages(mapped_bytes_, MAP_POPULATE);
  if (at == MAP_FAILED) throw VerbsFailure(verb, errno, std::to_string(bytes) + " bytes");
  // A child process must not make the device and us see different copies of a page.
  madvise(at, mapped_bytes_, MADV_DONTFORK);
  data_ = static_cast<uint8_t*>(at);
  size_ = bytes;
}

PinnedMapping::~PinnedMapping() { munmap(data_, mapped_bytes_); }

Domain::Domain(std::shared_ptr<Device> device)
    : device_(std::move(device)), domain_(library().alloc_pd(device_->raw())) {
  if (domain_ == nullptr) throw VerbsFailure("ibv_alloc_pd", errno, "refused by the device");
}

Domain::~Domain() { library().dealloc_pd(domain_); }

Region::Region(std::shared_ptr<Domain> domain, size_t bytes, uint32_t access)
    : domain_(std::move(domain)), access_(access) {
  if ((access & ~kAccessAll) != 0)
    throw VerbsFailure("ibv_reg_mr", EINVAL, "unknown access flags " + std::to_string(access));
  if (bytes == 0) throw VerbsFailure("ibv_reg_mr", EINVAL, "no bytes");
  memory_ = std::make_shared<PinnedMapping>("ibv_reg_mr", bytes);
  region_ = library().reg_mr_iova(domain_->raw(), memory_->data(), bytes, 0, to_verbs(access));
  if (region_ == nullptr) throw VerbsFailure("ibv_reg_mr", errno, memlock_hint());
  domain_->device().local_network().add(*this);
}

Region::~Region() {
  domain_->device().local_network().remove(*this);
  library().dereg_mr(region_);
}

}  // namespace mu::ibverbs
