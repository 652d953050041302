// A queue pair of a device: reliable or unreliable connected, or of datagrams.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "completion_queue.h"
#include "memory.h"
#include "steps.h"
#include "work_queue.h"

namespace mu::ibverbs {

class IbvQueuePair final : public QueuePair {
 public:
  IbvQueuePair(std::shared_ptr<Device> device, std::shared_ptr<Domain> domain,
               const QueuePairAttributes& attributes, uint32_t handle);
  ~IbvQueuePair() override;

  uint32_t number() const override { return queue_pair_->qp_num; }
  std::string address() const override { return device_->address(); }
  void modify(const QueuePairChange& change) override;
  QueuePairQuery query() const override;
  /// Peers may be on other machines: nobody can be asked.
  ThreadState peer_thread_state() const override { return ThreadState::kUnknown; }

  // datapath.cc; posting thread only.

  /// Work requests of this queue pair, in posted order.
  using Entries = std::span<const SendEntry* const>;
  /// Hands them to the device, as many at a time as it takes, or has them fail. `quietly`: one that is
  /// done at once, with nothing under way before it, needs no completion. Whether that was so.
  bool execute(Entries entries, const HandleResolver& handles, bool quietly);

  /// Whether it is of the kind whose peers here are reached by copying: one that receives nothing.
  bool may_be_local() const { return type_ == QueuePairType::kRC && receives_ == nullptr; }

 private:
  QueuePairState state() const;
  void check(const QueuePairChange& change) const;
  void apply(Step step);
  void to_state(ibv_qp_state state);
  void reset();
  void initialize(uint32_t access);
  void connect(uint32_t receive_psn);
  void start(uint32_t send_psn);
  void change_access(uint32_t access);
  void pass_through_reset(uint32_t access);
  void give_up();
  void stop_accepting();
  void broken_by_peer();
  void break_down();
  template <typename Request>
  Status hand_over(WorkQueue& work, Entries& entries, const HandleResolver& handles);
  bool cancel();
  bool is_receive(const SendEntry& entry) const;
  Status copy(Entries& entries, const HandleResolver& handles, bool& quietly);
  void to_error();
  Status describe(const SendEntry& entry, const HandleResolver& handles, ibv_send_wr& request,
                  ibv_sge& bytes) const;
  Status describe(const SendEntry& entry, const HandleResolver& handles, ibv_recv_wr& request,
                  ibv_sge& bytes) const;
  Status address(const SendEntry& entry, const HandleResolver& handles, ibv_send_wr& request) const;
  const Region* local_bytes(const SendEntry& entry, const HandleResolver& handles,
                            bool stores) const;

  std::shared_ptr<Device> device_;
  std::shared_ptr<Domain> domain_;
  QueuePairType type_;
  std::shared_ptr<IbvCompletionQueue> completions_;
  std::shared_ptr<IbvCompletionQueue> receive_completions_;
  uint32_t inline_bytes_;
  ibv_qp* queue_pair_;
  std::unique_ptr<WorkQueue> work_;
  /// Null when it receives nothing.
  std::unique_ptr<WorkQueue> receives_;

  /// Guards the state machine against posting: a work request that is posted to a queue pair
  /// outside RTS may wait there, and be sent in its next life.
  mutable std::mutex mutex_;
  bool accepts_ = false;
  /// Whom it is connected to.
  std::string remote_address_;
  uint32_t remote_number_ = 0;
  /// Whether the peer is of this context, so that nothing goes through the device.
  bool local_ = false;
  uint32_t receive_psn_ = 0;
  std::atomic<uint32_t> access_{0};
  /// Of datagrams: what a sender must know.
  uint32_t queue_key_ = 0;
};

}  // namespace mu::ibverbs
