// What devices there are, from sysfs and from the devices themselves.
#include <fstream>

#include "device.h"
#include "probe.h"

namespace mu::ibverbs {
namespace {

/// GID tables have this many entries at most that we look at.
constexpr uint32_t kGidsMax = 256;
constexpr const char* kNoGid = "0000:0000:0000:0000:0000:0000:0000:0000";

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Closes what `describe` opens, whatever happens in between.
struct Opened {
  explicit Opened(ibv_device* device) : raw(library().open_device(device)) {}
  ~Opened() {
    if (raw != nullptr) library().close_device(raw);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ibv_context* raw;
};

bool describe(ibv_device* device, DeviceDescription& description) {
  description.name = library().get_device_name(device);
  description.software = is_software(description.name);
  const Opened opened(device);
  ibv_device_attr attributes;
  if (opened.raw == nullptr || library().query_device(opened.raw, &attributes) != 0) return false;
  for (uint32_t port = 1; port <= attributes.phys_port_cnt; port++) {
    ibv_port_attr found{};
    if (library().query_port(opened.raw, static_cast<uint8_t>(port), &found) != 0) continue;
    if (description.ports.empty()) description.limits = limits_of(opened.raw, attributes, found);
    description.ports.push_back({port, found.state == IBV_PORT_ACTIVE,
                                 found.link_layer == IBV_LINK_LAYER_ETHERNET, found.lid,
                                 gids_of(description.name, port)});
  }
  return !description.ports.empty();
}

}  // namespace

std::vector<DeviceDescription> describe_devices() {
  std::vector<DeviceDescription> all;
  if (find_library() == nullptr) return all;
  int count = 0;
  ibv_device** devices = library().get_device_list(&count);
  for (int n = 0; devices != nullptr && n < count; n++) {
    DeviceDescription description;
    if (describe(devices[n], description)) all.push_back(std::move(description));
  }
  if (devices != nullptr) library().free_device_list(devices);
  return all;
}

std::vector<Gid> gids_of(const std::string& device, uint32_t port) {
  const std::string directory =
      "/sys/class/infiniband/" + device + "/ports/" + std::to_string(port);
  std::vector<Gid> gids;
  for (uint32_t index = 0; index < kGidsMax; index++) {
    const std::string text = first_line(directory + "/gids/" + std::to_string(index));
    if (text.empty()) break;
    if (text == kNoGid) continue;
    gids.push_back(
        {index, text, first_line(directory + "/gid_attrs/types/" + std::to_string(index))});
  }
  return gids;
}

bool is_software(const std::string& device) {
  const std::string directory = "/sys/class/infiniband/" + device;
  // Soft-RoCE names the network interface that it stands on; hardware stands on a bus.
  return !first_line(directory + "/parent").empty() ||
         !std::ifstream(directory + "/device/uevent").good();
}

}  // namespace mu::ibverbs
