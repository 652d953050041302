// This process's control segment: what it publishes to its peers.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "death_watch.h"
#include "file_mapping.h"
#include "layout.h"
#include "liveness.h"

namespace mu::shm {

class OwnSegment {
 public:
  /// Creates the segment in `directory`, after removing what dead processes left there.
  explicit OwnSegment(const std::string& directory);
  ~OwnSegment();

  ControlSegment& shared() const { return *reinterpret_cast<ControlSegment*>(mapping_->data()); }
  const std::string& directory() const { return directory_; }
  /// The prefix of all our file names; also the address that peers connect to.
  const std::string& name() const { return name_; }
  std::string control_path() const;
  std::string region_path(uint32_t key, uint32_t generation) const;

  /// Finds a free region slot and returns a key for it that was never used before. ENOMEM when
  /// full.
  uint32_t claim_region_key();
  /// The same for queue pair numbers.
  uint32_t claim_queue_pair_number();

  /// Peers whose death wakes whoever waits on our doorbell.
  DeathWatch& deaths() { return deaths_; }

  /// Serialises control-path changes of this segment across threads.
  std::recursive_mutex& control_mutex() { return control_mutex_; }

 private:
  std::string directory_;
  std::string name_;
  std::shared_ptr<FileMapping> mapping_;
  std::unique_ptr<LivenessThread> liveness_;
  std::recursive_mutex control_mutex_;
  DeathWatch deaths_;
  uint32_t region_serial_ = 0;
  uint32_t queue_pair_serial_ = 0;
};

std::string control_path_of(const std::string& directory, const std::string& address);
std::string region_path_of(const std::string& directory, const std::string& address, uint32_t key,
                           uint32_t generation);

}  // namespace mu::shm
