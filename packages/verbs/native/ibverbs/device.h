// An opened device with the port and the address that it is used by.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "library.h"
#include "local_network.h"

namespace mu::ibverbs {

/// What a poll that finds nothing does. Devices made of software move packets with threads that
/// compete with the one that polls, so it gives the processor away first.
enum class PollPolicy { kByDevice, kSpin, kYield };

/// How a revocation becomes final. A NIC checks and writes in one step, so new flags are enough.
/// Soft-RoCE's thread checks a packet's flags and then copies it; only a reset waits for that thread.
enum class Revocation { kByDevice, kByFlags, kByReset };

/// What a user may choose of a connection; times and counts as in ibv_modify_qp(3).
struct ConnectionOptions {
  uint32_t port = 1;
  /// -1: the first RoCE v2 GID of an IPv4 address, else the first RoCE v2 GID, else 0.
  int32_t gid_index = -1;
  uint32_t timeout_exponent = 14;
  uint32_t retry_count = 3;
  PollPolicy poll_policy = PollPolicy::kByDevice;
  Revocation revocation = Revocation::kByDevice;
  /// Whether a completion ends a wait of the context.
  bool completion_events = false;
};

struct Limits {
  uint32_t send_queue_depth;
  uint32_t completion_queue_depth;
  uint32_t inline_bytes;
  uint32_t message_bytes;
  uint32_t region_bytes;
  uint32_t mtu_bytes;
  uint32_t outstanding_reads;
  uint32_t receive_queue_depth;
  /// Which types of queue pairs there are besides RC.
  bool unreliable_connected;
  bool unreliable_datagram;
};

struct Gid {
  uint32_t index;
  std::string text;
  std::string type;
};

struct PortInfo {
  uint32_t port;
  bool active;
  bool ethernet;
  uint32_t lid;
  std::vector<Gid> gids;
};

/// What can be told of a device without using it.
struct DeviceDescription {
  std::string name;
  bool software;
  Limits limits;
  std::vector<PortInfo> ports;
};

/// Every device of the machine; none where the library is absent.
std::vector<DeviceDescription> describe_devices();

/// A device in use. Everything made from it holds it.
class Device {
 public:
  /// Throws ENODEV when there is no such device or port, ENETDOWN when the port is not active.
  Device(const std::string& name, const ConnectionOptions& options);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  ibv_context* raw() const { return context_; }
  const ConnectionOptions& options() const { return options_; }
  bool yields_when_idle() const { return yields_; }
  /// Whether flags that were changed, or ERR, can be late for a write that is under way.
  bool revokes_by_reset() const { return revokes_by_reset_; }
  const Limits& limits() const { return limits_; }
  /// Whether packets need a global header: always on Ethernet.
  bool ethernet() const { return ethernet_; }
  uint32_t gid_index() const { return gid_index_; }
  ibv_mtu mtu() const { return mtu_; }
  /// Of everything that is made from this device here.
  LocalNetwork& local_network() { return local_network_; }
  /// Where peers find this port: link layer, LID, GID and MTU in one text.
  std::string address() const;

 private:
  ibv_context* context_;
  ConnectionOptions options_;
  bool yields_;
  bool revokes_by_reset_;
  Limits limits_{};
  bool ethernet_ = false;
  uint32_t lid_ = 0;
  uint32_t gid_index_ = 0;
  union ibv_gid gid_{};
  ibv_mtu mtu_ = IBV_MTU_1024;
  LocalNetwork local_network_;
};

/// A peer's address, taken apart.
struct RemoteAddress {
  bool ethernet;
  uint16_t lid;
  union ibv_gid gid;
  ibv_mtu mtu;
};

/// Throws EINVAL, in the name of `verb`, for what `Device::address` does not write, and for a peer on
/// another kind of network.
RemoteAddress parse_address(const char* verb, const Device& device, const std::string& text);

/// How packets of ours get there.
ibv_ah_attr path_to(const Device& device, const RemoteAddress& remote);

}  // namespace mu::ibverbs
