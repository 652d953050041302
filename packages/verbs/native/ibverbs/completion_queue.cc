#include "completion_queue.h"

#include <endian.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>

#include "work_queue.h"

namespace mu::ibverbs {
namespace {

constexpr uint32_t kBatch = 32;
/// How often a poll on a device made of software looks while something is under way: less than a
/// millisecond in all.
constexpr uint32_t kLooksWhileOutstanding = 64;

/// What a completed receive tells. Of one that failed a device tells nothing but the status.
WorkQueue::Success message_of(const ibv_wc& one) {
  const bool immediate = (one.wc_flags & IBV_WC_WITH_IMM) != 0;
  const bool global_header = (one.wc_flags & IBV_WC_GRH) != 0;
  const Opcode opcode = one.status == IBV_WC_SUCCESS && one.opcode == IBV_WC_RECV_RDMA_WITH_IMM
                            ? Opcode::kReceiveRdmaWithImmediate
                            : Opcode::kReceive;
  return {static_cast<uint32_t>(opcode),
          one.byte_len,
          {immediate ? be32toh(one.imm_data) : 0,
           one.src_qp,
           (immediate ? kReceivedImmediate : 0) | (global_header ? kReceivedGlobalHeader : 0),
           {}}};
}

}  // namespace

IbvCompletionQueue::IbvCompletionQueue(std::shared_ptr<Device> device,
                                       std::shared_ptr<CompletionChannel> channel, uint32_t depth)
    : CompletionQueue(
          std::make_shared<PinnedMapping>("ibv_create_cq", CompletionRing::bytes(depth)), depth),
      device_(std::move(device)),
      channel_(std::move(channel)),
      received_(std::make_shared<PinnedMapping>("ibv_create_cq", depth * kReceivedWords * 4)),
      queue_(library().create_cq(device_->raw(), static_cast<int>(depth), nullptr,
                                 channel_ == nullptr ? nullptr : channel_->raw(), 0)) {
  if (queue_ == nullptr) throw VerbsFailure("ibv_create_cq", errno, std::to_string(depth));
  if (channel_ == nullptr) return;
  try {
    CompletionChannel::arm(queue_);
  } catch (...) {
    library().destroy_cq(queue_);
    throw;
  }
}

IbvCompletionQueue::~IbvCompletionQueue() { library().destroy_cq(queue_); }

void IbvCompletionQueue::attach(uint32_t serial, WorkQueue* user) {
  std::lock_guard lock(users_mutex_);
  users_.emplace(serial, user);
}

void IbvCompletionQueue::detach(uint32_t serial) {
  std::lock_guard lock(users_mutex_);
  users_.erase(serial);
}

void IbvCompletionQueue::poll() {
  std::lock_guard lock(users_mutex_);
  // Asked before the device: what it completed before a reset is in its queue by now, and first.
  const bool noticed = noticed_.exchange(false, std::memory_order_acquire);
  const uint32_t found = take_in();
  if (noticed)
    for (const auto& [serial, user] : users_) user->retire_noticed();
  if (found > 0 || noticed || !device_->yields_when_idle()) return;
  // A look from here costs less than one from JavaScript, and shows a completion sooner.
  uint32_t looks = something_outstanding() ? kLooksWhileOutstanding : 1;
  do sched_yield();
  while (take_in() == 0 && --looks > 0);
}

bool IbvCompletionQueue::something_outstanding() const {
  // A receive may wait for ever.
  return std::any_of(users_.begin(), users_.end(), [](const auto& user) {
    return !user.second->receives() && user.second->outstanding();
  });
}

uint32_t IbvCompletionQueue::take_in() {
  ibv_wc completions[kBatch];
  uint32_t total = 0;
  for (;;) {
    const uint32_t room = std::min(kBatch, ring().room());
    const int found = room == 0 ? 0 : ibv_poll_cq(queue_, static_cast<int>(room), completions);
    for (int n = 0; n < found; n++) {
      const ibv_wc& one = completions[n];
      // Those of a queue pair that was closed meanwhile are nobody's.
      const auto user = users_.find(static_cast<uint32_t>(one.wr_id >> 32));
      if (user == users_.end()) continue;
      const uint32_t number = static_cast<uint32_t>(one.wr_id);
      const uint32_t status = static_cast<uint32_t>(one.status);
      if (!user->second->receives()) {
        user->second->finish(number, status, nullptr);
        continue;
      }
      const WorkQueue::Success message = message_of(one);
      user->second->finish(number, status, &message);
    }
    if (found <= 0) return total;
    total += static_cast<uint32_t>(found);
  }
}

void IbvCompletionQueue::push(const CompletionEntry& entry, const Received* received) {
  const uint32_t place = ring().put(entry);
  if (received != nullptr) reinterpret_cast<Received*>(received_->data())[place] = *received;
}

}  // namespace mu::ibverbs
