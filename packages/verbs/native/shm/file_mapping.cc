#include "file_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "process_state.h"

namespace mu::shm {

namespace fs = std::filesystem;

std::shared_ptr<FileMapping> FileMapping::map(const char* verb, int file, size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  const int error = errno;
  ::close(file);
  if (at == MAP_FAILED) throw VerbsFailure(verb, error, "mmap of a fabric file");
  auto mapping = std::make_shared<FileMapping>();
  mapping->data_ = static_cast<uint8_t*>(at);
  mapping->size_ = bytes;
  return mapping;
}

std::shared_ptr<FileMapping> FileMapping::create(const char* verb, const std::string& path,
                                                 size_t bytes) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) throw VerbsFailure(verb, errno, "creating " + path);
  // Reserve now: a tmpfs that is full answers here with ENOSPC, and later only with SIGBUS.
  const int error = posix_fallocate(file, 0, static_cast<off_t>(bytes));
  if (error != 0) {
    ::close(file);
    unlink(path.c_str());
    throw VerbsFailure(verb, error,
                       "reserving " + std::to_string(bytes) + " bytes for " + path +
                           (error == ENOSPC ? ": the fabric's file system is full" : ""));
  }
  return map(verb, file, bytes);
}

std::shared_ptr<FileMapping> FileMapping::open(const char* verb, const std::string& path,
                                               size_t bytes) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) throw VerbsFailure(verb, errno, "opening " + path);
  struct stat status;
  if (fstat(file, &status) != 0 || static_cast<size_t>(status.st_size) < bytes) {
    ::close(file);
    throw VerbsFailure(verb, EINVAL, path + " is shorter than expected");
  }
  return map(verb, file, bytes);
}

FileMapping::~FileMapping() {
  if (data_ != nullptr) munmap(data_, size_);
}

void FileMapping::take_over(FileMapping& other) {
  if (mremap(other.data_, size_, size_, MREMAP_MAYMOVE | MREMAP_FIXED, data_) == MAP_FAILED)
    throw VerbsFailure("relocate", errno, "moving a mapping");
  other.data_ = nullptr;
}

void FileMapping::detach() {
  void* copy = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) return;  // out of memory: the region is closed all the same
  std::memcpy(copy, data_, size_);
  if (mremap(copy, size_, size_, MREMAP_MAYMOVE | MREMAP_FIXED, data_) == MAP_FAILED)
    munmap(copy, size_);
}

AnonymousMapping::AnonymousMapping(const char* verb, size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (at == MAP_FAILED) throw VerbsFailure(verb, errno, "mmap");
  data_ = static_cast<uint8_t*>(at);
  size_ = bytes;
}

AnonymousMapping::~AnonymousMapping() { munmap(data_, size_); }

namespace {

/// Makes a directory that may be missing, and those above it: private too, for others may begin to
/// use them as fabrics.
void make_private(const fs::path& directory) {
  std::error_code ignored;
  if (directory.empty() || fs::exists(directory, ignored)) return;
  make_private(directory.parent_path());
  mkdir(directory.c_str(), 0700);
}

}  // namespace

void prepare_fabric(const std::string& directory) {
  make_private(fs::path(directory).parent_path());
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    throw VerbsFailure("ibv_open_device", errno, "creating the fabric " + directory);
  struct stat status;
  if (lstat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    throw VerbsFailure("ibv_open_device", ENOTDIR, directory + " is not a directory");
  if (status.st_uid != geteuid())
    throw VerbsFailure("ibv_open_device", EPERM, directory + " belongs to another user");
  if ((status.st_mode & 0077) != 0)
    throw VerbsFailure("ibv_open_device", EPERM,
                       directory + " is open to other users: chmod 700 it, or name another fabric");
}

void remove_files(const std::string& directory, const std::string& prefix) {
  std::error_code ignored;
  std::vector<fs::path> doomed;
  for (const auto& entry : fs::directory_iterator(directory, ignored))
    if (entry.path().filename().string().compare(0, prefix.size(), prefix) == 0)
      doomed.push_back(entry.path());
  for (const auto& path : doomed) unlink(path.c_str());
}

void remove_stale_segments(const std::string& directory) {
  std::error_code ignored;
  std::vector<fs::path> doomed;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    // Names begin with the owner: seg-<pid>-<start time>-…
    unsigned pid = 0;
    unsigned long long start = 0;
    const std::string name = entry.path().filename().string();
    if (std::sscanf(name.c_str(), "seg-%u-%llu-", &pid, &start) != 2) continue;
    if (!process_alive(pid, start)) doomed.push_back(entry.path());
  }
  for (const auto& path : doomed) unlink(path.c_str());
}

}  // namespace mu::shm
