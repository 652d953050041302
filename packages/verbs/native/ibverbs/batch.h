// Work requests of one queue that are handed to the device in one call.
#pragma once

#include <infiniband/verbs.h>

#include <array>
#include <cstdint>

namespace mu::ibverbs {

/// A linked list in posted order, as ibv_post_send(3) takes it of `ibv_send_wr`, and ibv_post_recv(3) of
/// `ibv_recv_wr`.
template <typename Request>
class Batch {
 public:
  static constexpr uint32_t kMax = 32;

  uint32_t size() const { return size_; }
  bool full() const { return size_ == kMax; }

  /// Where the next work request is described, cleared. Not while the batch is full.
  struct Place {
    Request& request;
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
    Request* refused = nullptr;
    if (hand(queue_pair, requests_.data(), &refused) == 0) return size_;
    // A device that names none may have taken any: the caller resets the queue pair, and knows of none.
    return refused == nullptr ? 0 : static_cast<uint32_t>(refused - requests_.data());
  }

 private:
  static int hand(ibv_qp* queue_pair, ibv_send_wr* list, ibv_send_wr** refused) {
    return ibv_post_send(queue_pair, list, refused);
  }
  static int hand(ibv_qp* queue_pair, ibv_recv_wr* list, ibv_recv_wr** refused) {
    return ibv_post_recv(queue_pair, list, refused);
  }

  uint32_t size_ = 0;
  // Cleared one by one as they are used: a doorbell for one work request clears one.
  std::array<Request, kMax> requests_;
  std::array<ibv_sge, kMax> bytes_;
};

}  // namespace mu::ibverbs
