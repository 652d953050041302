#include "local_network.h"

#include <atomic>
#include <cstring>

#include "memory.h"
#include "queue_pair.h"

namespace mu::ibverbs {
namespace {

constexpr uint32_t kAtomicBytes = 8;

bool is_atomic(Opcode opcode) {
  return opcode == Opcode::kCompareAndSwap || opcode == Opcode::kFetchAndAdd;
}

uint32_t right_for(Opcode opcode) {
  if (is_atomic(opcode)) return kAccessRemoteAtomic;
  return opcode == Opcode::kRdmaWrite ? kAccessRemoteWrite : kAccessRemoteRead;
}

uint64_t join(uint32_t low, uint32_t high) { return static_cast<uint64_t>(high) << 32 | low; }

/// The end of an entry says that the rest is there.
void copy_last_word_last(uint8_t* to, const uint8_t* from, uint32_t length) {
  const uint32_t before = length > kAtomicBytes ? length - kAtomicBytes : 0;
  std::memcpy(to, from, before);
  std::atomic_thread_fence(std::memory_order_release);
  std::memcpy(to + before, from + before, length - before);
}

uint64_t change(Opcode opcode, uint64_t* word, const SendEntry& entry) {
  const uint64_t operand = join(entry.compare_add_low, entry.compare_add_high);
  if (opcode == Opcode::kFetchAndAdd) return __atomic_fetch_add(word, operand, __ATOMIC_SEQ_CST);
  uint64_t seen = operand;
  __atomic_compare_exchange_n(word, &seen, join(entry.swap_low, entry.swap_high), false,
                              __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return seen;
}

}  // namespace

void LocalNetwork::add(const std::shared_ptr<IbvQueuePair>& queue_pair) {
  std::lock_guard lock(mutex_);
  queue_pairs_.emplace(queue_pair->number(), queue_pair);
}

void LocalNetwork::remove(uint32_t queue_pair_number) {
  std::lock_guard lock(mutex_);
  queue_pairs_.erase(queue_pair_number);
  ends_.erase(queue_pair_number);
}

void LocalNetwork::add(const Region& region) {
  std::lock_guard lock(mutex_);
  regions_.emplace(region.remote_key(), &region);
}

void LocalNetwork::remove(const Region& region) {
  std::lock_guard lock(mutex_);
  regions_.erase(region.remote_key());
}

std::shared_ptr<IbvQueuePair> LocalNetwork::find(uint32_t queue_pair_number) const {
  std::lock_guard lock(mutex_);
  const auto found = queue_pairs_.find(queue_pair_number);
  return found == queue_pairs_.end() ? nullptr : found->second.lock();
}

void LocalNetwork::open(uint32_t queue_pair_number, const End& end) {
  std::lock_guard lock(mutex_);
  ends_.insert_or_assign(queue_pair_number, end);
}

void LocalNetwork::close(uint32_t queue_pair_number) {
  std::lock_guard lock(mutex_);
  ends_.erase(queue_pair_number);
}

bool LocalNetwork::is_open(uint32_t queue_pair_number) const {
  std::lock_guard lock(mutex_);
  return ends_.contains(queue_pair_number);
}

void LocalNetwork::set_access(uint32_t queue_pair_number, uint32_t access) {
  std::lock_guard lock(mutex_);
  const auto end = ends_.find(queue_pair_number);
  if (end != ends_.end()) end->second.access = access;
}

Status LocalNetwork::carry_out(uint32_t from, const SendEntry& entry, uint8_t* local) {
  std::lock_guard lock(mutex_);
  const auto own = ends_.find(from);
  if (own == ends_.end()) return Status::kRetryExceeded;
  const uint32_t peer = own->second.peer;
  const auto far = ends_.find(peer);
  if (far == ends_.end() || far->second.peer != from ||
      far->second.receive_psn != own->second.send_psn)
    return Status::kRetryExceeded;
  own->second.send_psn++;
  far->second.receive_psn++;

  const Region* region = nullptr;
  const Status admitted = admit(far->second, entry, region);
  if (admitted != Status::kSuccess) {
    ends_.erase(from);
    ends_.erase(peer);
    return admitted;
  }
  if (region == nullptr) return Status::kSuccess;
  const Opcode opcode = static_cast<Opcode>(entry.opcode_and_flags & 0xff);
  uint8_t* remote = region->data() + entry.remote_offset;
  if (opcode == Opcode::kRdmaWrite) {
    copy_last_word_last(remote, local, entry.length);
  } else if (opcode == Opcode::kRdmaRead) {
    std::memcpy(local, remote, entry.length);
  } else {
    const uint64_t before = change(opcode, reinterpret_cast<uint64_t*>(remote), entry);
    std::memcpy(local, &before, sizeof before);
  }
  return Status::kSuccess;
}

/// Whether `end` admits this; `region` stays null when no bytes are touched.
Status LocalNetwork::admit(const End& end, const SendEntry& entry, const Region*& region) const {
  const Opcode opcode = static_cast<Opcode>(entry.opcode_and_flags & 0xff);
  const uint32_t right = right_for(opcode);
  if ((end.access & right) == 0) return Status::kRemoteInvalidRequest;
  if (is_atomic(opcode)) {
    if (entry.length != kAtomicBytes || entry.remote_offset % kAtomicBytes != 0)
      return Status::kRemoteInvalidRequest;
  } else if (entry.length == 0) {
    return Status::kSuccess;
  }
  const auto found = regions_.find(entry.remote_key);
  const uint64_t behind = static_cast<uint64_t>(entry.remote_offset) + entry.length;
  if (found == regions_.end() || found->second->domain() != end.domain ||
      (found->second->access() & right) == 0 || behind > found->second->size())
    return Status::kRemoteAccessError;
  region = found->second;
  return Status::kSuccess;
}

}  // namespace mu::ibverbs
