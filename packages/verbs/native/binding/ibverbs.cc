#include "ibverbs.h"

#include <cerrno>
#include <memory>
#include <string>

#include "../objects.h"
#include "errors.h"

#ifdef MU_IBVERBS
#include "../ibverbs/context.h"
#endif

namespace mu::binding {
namespace {

using Info = Napi::CallbackInfo;

#ifdef MU_IBVERBS

std::string problem() {
  return ibverbs::find_library() == nullptr ? ibverbs::library_problem() : "";
}

Napi::Object limits_object(Napi::Env env, const ibverbs::Limits& limits) {
  auto object = Napi::Object::New(env);
  object["sendQueueDepthMax"] = limits.send_queue_depth;
  object["completionQueueDepthMax"] = limits.completion_queue_depth;
  object["inlineBytesMax"] = limits.inline_bytes;
  object["messageBytesMax"] = limits.message_bytes;
  object["regionBytesMax"] = limits.region_bytes;
  object["mtuBytes"] = limits.mtu_bytes;
  object["receiveQueueDepthMax"] = limits.receive_queue_depth;
  return object;
}

Napi::Array types_array(Napi::Env env, const ibverbs::Limits& limits) {
  auto types = Napi::Array::New(env);
  types[0u] = "RC";
  if (limits.unreliable_connected) types[types.Length()] = "UC";
  if (limits.unreliable_datagram) types[types.Length()] = "UD";
  return types;
}

Napi::Object port_object(Napi::Env env, const ibverbs::PortInfo& port) {
  auto gids = Napi::Array::New(env);
  for (const ibverbs::Gid& gid : port.gids) {
    auto one = Napi::Object::New(env);
    one["index"] = gid.index;
    one["gid"] = gid.text;
    one["type"] = gid.type;
    gids[gids.Length()] = one;
  }
  auto object = Napi::Object::New(env);
  object["port"] = port.port;
  object["active"] = port.active;
  object["linkLayer"] = port.ethernet ? "ethernet" : "infiniband";
  object["lid"] = port.lid;
  object["gids"] = gids;
  return object;
}

// listIbverbsDevices(): IbverbsDevice[] — struct ibv_device **ibv_get_device_list(int *);
Napi::Value list_devices(const Info& info) {
  return guarded(info.Env(), [&] {
    const Napi::Env env = info.Env();
    auto devices = Napi::Array::New(env);
    for (const ibverbs::DeviceDescription& device : ibverbs::describe_devices()) {
      auto ports = Napi::Array::New(env);
      for (const ibverbs::PortInfo& port : device.ports)
        ports[ports.Length()] = port_object(env, port);
      auto object = Napi::Object::New(env);
      object["name"] = device.name;
      object["software"] = device.software;
      object["limits"] = limits_object(env, device.limits);
      object["queuePairTypes"] = types_array(env, device.limits);
      object["ports"] = ports;
      devices[devices.Length()] = object;
    }
    return devices;
  });
}

std::shared_ptr<Context> open(const std::string& device, const Napi::Object& given) {
  const auto number = [&](const char* name) {
    return given.Get(name).As<Napi::Number>().Int32Value();
  };
  ibverbs::ConnectionOptions options;
  options.port = static_cast<uint32_t>(number("port"));
  options.gid_index = number("gidIndex");
  options.timeout_exponent = static_cast<uint32_t>(number("timeoutExponent"));
  options.retry_count = static_cast<uint32_t>(number("retryCount"));
  const std::string policy = given.Get("pollPolicy").ToString().Utf8Value();
  if (policy == "spin") options.poll_policy = ibverbs::PollPolicy::kSpin;
  if (policy == "yield") options.poll_policy = ibverbs::PollPolicy::kYield;
  const std::string revocation = given.Get("revocation").ToString().Utf8Value();
  if (revocation == "flags") options.revocation = ibverbs::Revocation::kByFlags;
  if (revocation == "reset") options.revocation = ibverbs::Revocation::kByReset;
  options.completion_events = given.Get("completionEvents").ToBoolean().Value();
  return std::make_shared<ibverbs::IbvContext>(device, options, objects());
}

#else

std::string problem() {
  return "this addon was built without libibverbs' headers: install libibverbs-dev and run "
         "\"npm run build:native\" in @mu-smr/verbs";
}

Napi::Value list_devices(const Info& info) { return Napi::Array::New(info.Env()); }

std::shared_ptr<Context> open(const std::string&, const Napi::Object&) {
  throw VerbsFailure("ibv_open_device", ENOSYS, problem());
}

#endif

// struct ibv_context *ibv_open_device(struct ibv_device *device);
// openIbverbsContext(device: string, options: IbverbsConnection): number
Napi::Value open_context(const Info& info) {
  return guarded(info.Env(), [&] {
    auto context = open(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::Object>());
    return Napi::Number::New(info.Env(), objects().contexts.add("ibv_open_device", context));
  });
}

// ibverbsProblem(): string — why there can be no device; empty when there can.
Napi::Value ibverbs_problem(const Info& info) {
  return Napi::String::New(info.Env(), problem());
}

}  // namespace

void export_ibverbs(Napi::Env env, Napi::Object exports) {
  exports["listIbverbsDevices"] = Napi::Function::New(env, list_devices);
  exports["openIbverbsContext"] = Napi::Function::New(env, open_context);
  exports["ibverbsProblem"] = Napi::Function::New(env, ibverbs_problem);
}

}  // namespace mu::binding
