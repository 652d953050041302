// Small integers for native objects, valid in every thread of the process.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <vector>

#include "types.h"

namespace mu {

template <typename T, uint32_t kCapacity>
class HandleTable {
 public:
  /// Handle 0 is never given out. Throws ENOMEM when the table is full.
  uint32_t reserve(const char* verb) {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      const uint32_t handle = free_.back();
      free_.pop_back();
      return handle;
    }
    if (next_ == kCapacity) throw VerbsFailure(verb, ENOMEM, "too many objects in this process");
    return next_++;
  }

  void fill(uint32_t handle, std::shared_ptr<T> object) {
    std::lock_guard lock(mutex_);
    fast_[handle].store(object.get(), std::memory_order_release);
    owned_[handle] = std::move(object);
  }

  uint32_t add(const char* verb, std::shared_ptr<T> object) {
    const uint32_t handle = reserve(verb);
    fill(handle, std::move(object));
    return handle;
  }

  void release_reserved(uint32_t handle) {
    std::lock_guard lock(mutex_);
    free_.push_back(handle);
  }

  /// Control path. Throws EBADF when the object was closed.
  std::shared_ptr<T> get(const char* verb, uint32_t handle) const {
    std::lock_guard lock(mutex_);
    if (handle == 0 || handle >= kCapacity || owned_[handle] == nullptr)
      throw VerbsFailure(verb, EBADF, "no such object: closed already?");
    return owned_[handle];
  }

  /// Data path: lock-free, null when closed. The caller's thread owns the object's lifetime.
  T* peek(uint32_t handle) const {
    return handle < kCapacity ? fast_[handle].load(std::memory_order_acquire) : nullptr;
  }

  void remove(const char* verb, uint32_t handle) {
    std::shared_ptr<T> last = get(verb, handle);
    std::lock_guard lock(mutex_);
    fast_[handle].store(nullptr, std::memory_order_release);
    owned_[handle].reset();
    free_.push_back(handle);
  }

  void clear() {
    for (uint32_t handle = 1; handle < kCapacity; handle++) {
      std::shared_ptr<T> last;
      std::lock_guard lock(mutex_);
      fast_[handle].store(nullptr, std::memory_order_release);
      last = std::move(owned_[handle]);
    }
  }

 private:
  mutable std::mutex mutex_;
  std::array<std::shared_ptr<T>, kCapacity> owned_{};
  std::array<std::atomic<T*>, kCapacity> fast_{};
  std::vector<uint32_t> free_;
  uint32_t next_ = 1;
};

}  // namespace mu
