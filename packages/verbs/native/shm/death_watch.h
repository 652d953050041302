// Wakes a waiting thread when a peer's process dies.
#pragma once

#include <linux/futex.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "layout.h"

namespace mu::shm {

class FileMapping;

/// The death words of all peers that this process has connected to.
///
/// The kernel wakes one waiter of a robust futex when its owner dies (get_robust_list(2)), and that
/// one wakes the others: so nobody has to look at short intervals to learn of a death at once.
class DeathWatch {
 public:
  /// Watches the peer of that address, whose control segment is mapped; once per peer.
  void add(const std::string& address, std::shared_ptr<FileMapping> segment);

  /// Fills `waiters` with the words of the peers that live; returns how many those are.
  size_t waiters(std::span<futex_waitv> waiters) const;

  /// Passes a death on: to be called with the address of the word that woke us.
  static void pass_on(uint64_t word_address);

  /// Above any group's size; further peers are noticed by those who look at them.
  static constexpr size_t kPeersMax = 32;

 private:
  struct Watched {
    std::string address;
    std::shared_ptr<FileMapping> segment;
  };

  std::mutex mutex_;  // guards peers_; words_ are read without it
  std::array<Watched, kPeersMax> peers_;
  std::array<std::atomic<std::atomic<uint32_t>*>, kPeersMax> words_{};
};

}  // namespace mu::shm
