#include "device.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "../types.h"
#include "probe.h"

namespace mu::ibverbs {
namespace {

/// Hops that a packet may take over routers.
constexpr uint8_t kHopLimit = 64;

/// An IPv4 address as a GID begins with ten zero bytes and two of 0xff.
bool holds_ipv4(const std::string& gid) {
  return gid.rfind("0000:0000:0000:0000:0000:ffff:", 0) == 0;
}

/// RoCE v2 over IPv4 first: it is routed, and what most fabrics are set up for.
uint32_t choose_gid(const std::vector<Gid>& gids) {
  for (const Gid& gid : gids)
    if (gid.type == "RoCE v2" && holds_ipv4(gid.text)) return gid.index;
  for (const Gid& gid : gids)
    if (gid.type == "RoCE v2") return gid.index;
  return 0;
}

ibv_context* open(const std::string& name) {
  int count = 0;
  ibv_device** devices = library().get_device_list(&count);
  ibv_context* context = nullptr;
  bool found = false;
  for (int n = 0; devices != nullptr && n < count; n++) {
    if (name != library().get_device_name(devices[n])) continue;
    found = true;
    context = library().open_device(devices[n]);
  }
  const int error = errno;
  if (devices != nullptr) library().free_device_list(devices);
  if (!found) throw VerbsFailure("ibv_open_device", ENODEV, name);
  if (context == nullptr) throw VerbsFailure("ibv_open_device", error == 0 ? EIO : error, name);
  return context;
}

}  // namespace

Device::Device(const std::string& name, const ConnectionOptions& options)
    : context_(open(name)),
      options_(options),
      yields_(options.poll_policy == PollPolicy::kYield ||
              (options.poll_policy == PollPolicy::kByDevice && is_software(name))),
      revokes_by_reset_(options.revocation == Revocation::kByReset ||
                        (options.revocation == Revocation::kByDevice && is_software(name))) {
  try {
    ibv_device_attr device;
    ibv_port_attr port{};
    if (library().query_device(context_, &device) != 0)
      throw VerbsFailure("ibv_query_device", EIO, name);
    const uint8_t number = static_cast<uint8_t>(options.port);
    if (options.port > 255 || library().query_port(context_, number, &port) != 0)
      throw VerbsFailure("ibv_query_port", ENODEV,
                         name + " has no port " + std::to_string(options.port));
    limits_ = limits_of(context_, device, port);
    ethernet_ = port.link_layer == IBV_LINK_LAYER_ETHERNET;
    lid_ = port.lid;
    mtu_ = port.active_mtu;
    gid_index_ = options.gid_index >= 0 ? static_cast<uint32_t>(options.gid_index)
                                        : choose_gid(gids_of(name, options.port));
    if (library().query_gid(context_, number, static_cast<int>(gid_index_), &gid_) != 0)
      throw VerbsFailure("ibv_query_gid", EINVAL,
                         name + " has no GID " + std::to_string(gid_index_));
  } catch (...) {
    library().close_device(context_);
    throw;
  }
}

Device::~Device() { library().close_device(context_); }

std::string Device::address() const {
  char text[80];
  int at = std::snprintf(text, sizeof text, "%s/%x/%d/", ethernet_ ? "roce" : "ib", lid_, mtu_);
  for (const uint8_t byte : gid_.raw)
    at += std::snprintf(text + at, sizeof text - static_cast<size_t>(at), "%02x", byte);
  return text;
}

RemoteAddress parse_address(const char* verb, const Device& device, const std::string& text) {
  char layer[8] = {};
  char gid[40] = {};
  unsigned lid = 0;
  unsigned mtu = 0;
  const int fields = std::sscanf(text.c_str(), "%7[a-z]/%x/%u/%39[0-9a-f]", layer, &lid, &mtu, gid);
  const bool known = std::strcmp(layer, "roce") == 0 || std::strcmp(layer, "ib") == 0;
  RemoteAddress address{};
  if (fields != 4 || !known || std::strlen(gid) != 32 || lid > 0xffff || mtu < IBV_MTU_256 ||
      mtu > IBV_MTU_4096)
    throw VerbsFailure(verb, EINVAL, "not an address of ibverbs: " + text);
  address.ethernet = layer[0] == 'r';
  if (address.ethernet != device.ethernet())
    throw VerbsFailure(verb, EINVAL, "the peer is on another kind of network");
  address.lid = static_cast<uint16_t>(lid);
  address.mtu = static_cast<ibv_mtu>(mtu);
  for (size_t n = 0; n < 16; n++) {
    unsigned byte = 0;
    std::sscanf(gid + 2 * n, "%2x", &byte);
    address.gid.raw[n] = static_cast<uint8_t>(byte);
  }
  return address;
}

ibv_ah_attr path_to(const Device& device, const RemoteAddress& remote) {
  ibv_ah_attr path{};
  path.port_num = static_cast<uint8_t>(device.options().port);
  path.dlid = remote.lid;
  if (!device.ethernet()) return path;
  path.is_global = 1;
  path.grh.dgid = remote.gid;
  path.grh.sgid_index = static_cast<uint8_t>(device.gid_index());
  path.grh.hop_limit = kHopLimit;
  return path;
}

}  // namespace mu::ibverbs
