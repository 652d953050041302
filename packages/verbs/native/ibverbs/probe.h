// What an opened device can do.
#pragma once

#include "device.h"

namespace mu::ibverbs {

/// Whether a device is made of software, such as Soft-RoCE.
bool is_software(const std::string& device);

/// The addresses of a port that are in use.
std::vector<Gid> gids_of(const std::string& device, uint32_t port);

/// Limits of the device and of one of its ports, in this library's terms.
Limits limits_of(ibv_context* context, const ibv_device_attr& device, const ibv_port_attr& port);

}  // namespace mu::ibverbs
