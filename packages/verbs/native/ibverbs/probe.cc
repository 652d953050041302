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

/// No verb tells how many bytes a device takes inline, nor which types of queue pairs it has: it shows
/// when one is made.
struct Found {
  uint32_t inline_bytes = 0;
  bool unreliable_connected = false;
  bool unreliable_datagram = false;
};

bool can_make(ibv_pd* domain, ibv_cq* queue, ibv_qp_type type, uint32_t inline_bytes) {
  ibv_qp_init_attr attributes{};
  attributes.send_cq = queue;
  attributes.recv_cq = queue;
  attributes.qp_type = type;
  attributes.cap = {1, 1, 1, 1, inline_bytes};
  ibv_qp* queue_pair = library().create_qp(domain, &attributes);
  if (queue_pair != nullptr) library().destroy_qp(queue_pair);
  return queue_pair != nullptr;
}

Found try_out(ibv_context* context) {
  const Library& verbs = library();
  Found found;
  ibv_pd* domain = verbs.alloc_pd(context);
  ibv_cq* queue = verbs.create_cq(context, 1, nullptr, nullptr, 0);
  if (domain != nullptr && queue != nullptr) {
    uint32_t tried = kInlineBytesMax;
    while (tried >= 32 && !can_make(domain, queue, IBV_QPT_RC, tried)) tried /= 2;
    found.inline_bytes = tried >= 32 ? tried : 0;
    found.unreliable_connected = can_make(domain, queue, IBV_QPT_UC, 0);
    found.unreliable_datagram = can_make(domain, queue, IBV_QPT_UD, 0);
  }
  if (queue != nullptr) verbs.destroy_cq(queue);
  if (domain != nullptr) verbs.dealloc_pd(domain);
  return found;
}

/// Tried once for each device.
Found found_at(ibv_context* context) {
  static std::mutex mutex;
  static auto* known = new std::unordered_map<std::string, Found>();
  std::lock_guard lock(mutex);
  const auto [found, is_new] = known->try_emplace(library().get_device_name(context->device));
  if (is_new) found->second = try_out(context);
  return found->second;
}

uint32_t at_most(uint64_t value, uint64_t limit) {
  return static_cast<uint32_t>(std::min(value, limit));
}

}  // namespace

Limits limits_of(ibv_context* context, const ibv_device_attr& device, const ibv_port_attr& port) {
  const Found found = found_at(context);
  const uint32_t depth =
      std::bit_floor(at_most(static_cast<uint64_t>(device.max_qp_wr), kQueueDepthMax));
  return {depth,
          std::bit_floor(at_most(static_cast<uint64_t>(device.max_cqe), kQueueDepthMax)),
          found.inline_bytes,
          at_most(port.max_msg_sz, 0x8000'0000),
          at_most(device.max_mr_size, kRegionBytesMax),
          128u << port.active_mtu,
          at_most(static_cast<uint64_t>(device.max_qp_rd_atom), kReadsMax),
          depth,
          found.unreliable_connected,
          found.unreliable_datagram};
}

}  // namespace mu::ibverbs
