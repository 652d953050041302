// Work requests of one queue pair that are handed to the device in one call.
#pragma once

#include <infiniband/verbs.h>

#include <array>
#include <cstdint>

namespace mu::ibverbs {

/// A linked list as ibv_post_send(3) takes it, in posted order.
class SendBatch {
 public:
  static constexpr uint32_t kMax = 32;

  uint32_t size() const { return size_; }
  bool full() const { return size_ == kMax; }

  /// Where the next work request is described, cleared. Not while the batch is full.
  struct Place {
    ibv_send_wr& request;
    ibv_sge& bytes;
  };
  Place next() {
    requests_[size_] = {};
    bytes_[size_] = {};
    requests_[size_].sg_list = &bytes_[size_];
    return {requests_[size_], bytes_[size_]};
  }
  /// Takes in what was described there.
  void add(uint64_t id) {
    requests_[size_].wr_id = id;
    if (size_ > 0) requests_[size_ - 1].next = &requests_[size_];
    size_++;
  }
  uint64_t id(uint32_t index) const { return requests_[index].wr_id; }

  /// Hands everything over, and returns how many the device took: up to the first that it refused.
  uint32_t post(ibv_qp* queue_pair) {
    if (size_ == 0) return 0;
    ibv_send_wr* refused = nullptr;
    if (ibv_post_send(queue_pair, requests_.data(), &refused) == 0) return size_;
    // A device that names none may have taken any: the caller resets the queue pair, and knows of none.
    return refused == nullptr ? 0 : static_cast<uint32_t>(refused - requests_.data());
  }

 private:
  uint32_t size_ = 0;
  // Cleared one by one as they are used: a doorbell for one work request clears one.
  std::array<ibv_send_wr, kMax> requests_;
  std::array<ibv_sge, kMax> bytes_;
};

}  // namespace mu::ibverbs
