#include "probe.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <unordered_map>

namespace mu::ibverbs {
namespace {

/// Beyond this nobody gains by copying bytes into the work request.
constexpr uint32_t kInlineBytesMax = 1024;
constexpr uint32_t kQueueDepthMax = 32'768;
/// Offsets in work requests have 32 bits.
constexpr uint32_t kRegionBytesMax = 0xffff'f000;
constexpr uint32_t kReadsMax = 16;

/// No verb tells how many bytes a device takes inline: it shows when a queue pair is made.
uint32_t try_inline_bytes(ibv_context* context) {
  const Library& verbs = library();
  uint32_t inline_bytes = 0;
  ibv_pd* domain = verbs.alloc_pd(context);
  ibv_cq* queue = verbs.create_cq(context, 1, nullptr, nullptr, 0);
  for (uint32_t tried = kInlineBytesMax; domain != nullptr && queue != nullptr && tried >= 32;
       tried /= 2) {
    ibv_qp_init_attr attributes{};
    attributes.send_cq = queue;
    attributes.recv_cq = queue;
    attributes.qp_type = IBV_QPT_RC;
    attributes.cap = {1, 1, 1, 1, tried};
    ibv_qp* queue_pair = verbs.create_qp(domain, &attributes);
    if (queue_pair == nullptr) continue;
    inline_bytes = tried;
    verbs.destroy_qp(queue_pair);
    break;
  }
  if (queue != nullptr) verbs.destroy_cq(queue);
  if (domain != nullptr) verbs.dealloc_pd(domain);
  return inline_bytes;
}

/// Tried once for each device.
uint32_t inline_bytes_of(ibv_context* context) {
  static std::mutex mutex;
  static auto* known = new std::unordered_map<std::string, uint32_t>();
  std::lock_guard lock(mutex);
  const auto [found, is_new] = known->try_emplace(library().get_device_name(context->device), 0);
  if (is_new) found->second = try_inline_bytes(context);
  return found->second;
}

uint32_t at_most(uint64_t value, uint64_t limit) {
  return static_cast<uint32_t>(std::min(value, limit));
}

}  // namespace

Limits limits_of(ibv_context* context, const ibv_device_attr& device, const ibv_port_attr& port) {
  return {std::bit_floor(at_most(static_cast<uint64_t>(device.max_qp_wr), kQueueDepthMax)),
          std::bit_floor(at_most(static_cast<uint64_t>(device.max_cqe), kQueueDepthMax)),
          inline_bytes_of(context),
          at_most(port.max_msg_sz, 0x8000'0000),
          at_most(device.max_mr_size, kRegionBytesMax),
          128u << port.active_mtu,
          at_most(static_cast<uint64_t>(device.max_qp_rd_atom), kReadsMax)};
}

}  // namespace mu::ibverbs
