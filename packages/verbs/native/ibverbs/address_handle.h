// Where datagrams may be sent to.
#pragma once

#include <memory>
#include <string>

#include "../provider.h"
#include "memory.h"

namespace mu::ibverbs {

class IbvAddressHandle final : public AddressHandle {
 public:
  /// On Ethernet the peer's hardware address is looked up, for up to a second.
  IbvAddressHandle(std::shared_ptr<Domain> domain, const std::string& address)
      : domain_(std::move(domain)) {
    const Device& device = domain_->device();
    ibv_ah_attr path = path_to(device, parse_address("ibv_create_ah", device, address));
    handle_ = library().create_ah(domain_->raw(), &path);
    if (handle_ == nullptr) throw VerbsFailure("ibv_create_ah", errno, address);
  }
  ~IbvAddressHandle() override { library().destroy_ah(handle_); }

  ibv_ah* raw() const { return handle_; }
  const Domain* domain() const { return domain_.get(); }

 private:
  std::shared_ptr<Domain> domain_;
  ibv_ah* handle_;
};

}  // namespace mu::ibverbs
