// Plain data of the verbs contract: ibverbs' numbers, so that every provider speaks the same.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace mu {

enum class Status : uint32_t {
  kSuccess = 0,
  kLocalLengthError = 1,
  kLocalQueuePairOperationError = 2,
  kLocalProtectionError = 4,
  kWorkRequestFlushed = 5,
  kRemoteInvalidRequest = 9,
  kRemoteAccessError = 10,
  kRetryExceeded = 12,
  kReceiverNotReadyRetryExceeded = 13,
};

enum class Opcode : uint32_t {
  kRdmaWrite = 0,
  kRdmaRead = 1,
  kCompareAndSwap = 2,
  kFetchAndAdd = 3,
  kSend = 4,
  kReceive = 5,
  kReceiveRdmaWithImmediate = 6,
};

/// `enum ibv_qp_type`.
enum class QueuePairType : uint32_t {
  kRC = 2,
  kUC = 3,
  kUD = 4,
};

enum class QueuePairState : uint32_t {
  kReset = 0,
  kInit = 1,
  kReadyToReceive = 2,
  kReadyToSend = 3,
  kError = 6,
};

constexpr uint32_t kAccessLocalWrite = 1;
constexpr uint32_t kAccessRemoteWrite = 2;
constexpr uint32_t kAccessRemoteRead = 4;
constexpr uint32_t kAccessRemoteAtomic = 8;
constexpr uint32_t kAccessAll = 15;

/// A control-path refusal: which verb, which errno. Never thrown from a data path.
class VerbsFailure : public std::runtime_error {
 public:
  VerbsFailure(const char* verb, int error, const std::string& detail)
      : std::runtime_error(detail), verb_(verb), error_(error) {}
  const char* verb() const { return verb_; }
  int error() const { return error_; }

 private:
  const char* verb_;
  int error_;
};

}  // namespace mu
