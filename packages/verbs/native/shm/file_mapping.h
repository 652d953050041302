// Shared files of a fabric: created whole, mapped, unlinked.
#pragma once

#include <memory>
#include <string>

#include "../provider.h"

namespace mu::shm {

/// A file of the fabric, mapped read-write and populated, so that the data path takes no page
/// fault.
class FileMapping final : public Mapping {
 public:
  /// Creates `path` (mode 0600) with `bytes` reserved zero bytes. ENOSPC when the fabric is full.
  static std::shared_ptr<FileMapping> create(const char* verb, const std::string& path,
                                             size_t bytes);
  /// Maps a file that exists; throws its errno when it does not.
  static std::shared_ptr<FileMapping> open(const char* verb, const std::string& path,
                                           size_t bytes);
  ~FileMapping() override;

  /// Moves the pages of `other` into this mapping's place, in one step: views of it stay valid, and
  /// a thread that reads meanwhile sees the old pages or the new ones. `other` is empty afterwards.
  void take_over(FileMapping& other);

  /// Puts a private copy of the bytes into this mapping's place: nobody else changes them any more.
  void detach();

 private:
  static std::shared_ptr<FileMapping> map(const char* verb, int file, size_t bytes);
};

/// Anonymous memory for rings.
class AnonymousMapping final : public Mapping {
 public:
  AnonymousMapping(const char* verb, size_t bytes);
  ~AnonymousMapping() override;
};

/// Makes the fabric's directory (mode 0700), or checks that it is ours and private.
void prepare_fabric(const std::string& directory);

/// Removes what dead processes left in the fabric. Never touches what a live one owns.
void remove_stale_segments(const std::string& directory);

/// Removes every file whose name begins with `prefix`.
void remove_files(const std::string& directory, const std::string& prefix);

}  // namespace mu::shm
