#include "host.h"

#include <stdlib.h>

#include <filesystem>

#include "check.h"

namespace mu::test {

namespace fs = std::filesystem;

TemporaryFabric::TemporaryFabric() {
  char path[] = "/dev/shm/mu-native-XXXXXX";
  CHECK(mkdtemp(path) != nullptr, "no directory under /dev/shm");
  path_ = path;
}

TemporaryFabric::~TemporaryFabric() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryFabric::files(const std::string& prefix) const {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.compare(0, prefix.size(), prefix) == 0) found.push_back(name);
  }
  return found;
}

Host::Host(const std::string& fabric, size_t region_bytes, uint32_t region_access) {
  shm::FabricOptions options;
  options.directory = fabric;
  context = std::make_shared<shm::ShmContext>(options, *objects);
  domain = context->allocate_domain();
  queue = context->create_completion_queue(kRingDepth);
  ring = context->create_send_ring(kRingDepth);
  open_region(region_bytes, region_access);
}

Host::~Host() { objects->clear(); }

void Host::open_region(size_t bytes, uint32_t access) {
  region = context->register_memory(domain, bytes, access);
  region_handle = objects->regions.add("test", region);
}

void Host::close_region() {
  objects->regions.remove("test", region_handle);
  region.reset();
}

HostQueuePair Host::create_queue_pair(uint32_t inline_bytes) {
  HostQueuePair made;
  made.handle = objects->queue_pairs.reserve("test");
  const QueuePairAttributes attributes{queue, kRingDepth, inline_bytes};
  made.queue_pair = context->create_queue_pair(domain, attributes, made.handle);
  objects->queue_pairs.fill(made.handle, made.queue_pair);
  return made;
}

void Host::destroy(HostQueuePair& queue_pair) {
  objects->queue_pairs.remove("test", queue_pair.handle);
  queue_pair.queue_pair.reset();
}

void Host::connect(const HostQueuePair& own, const Endpoint& remote, uint32_t access,
                   uint32_t psn) {
  own.queue_pair->modify({QueuePairState::kReset, false, 0, {}, 0, 0, 0});
  own.queue_pair->modify({QueuePairState::kInit, true, access, {}, 0, 0, 0});
  own.queue_pair->modify(
      {QueuePairState::kReadyToReceive, false, 0, remote.address, remote.number, psn, 0});
  own.queue_pair->modify({QueuePairState::kReadyToSend, false, 0, {}, 0, 0, psn});
}

void Host::modify_access(const HostQueuePair& own, uint32_t access) {
  own.queue_pair->modify({QueuePairState::kReadyToSend, true, access, {}, 0, 0, 0});
}

void Host::post(const HostQueuePair& own, Opcode opcode, uint32_t length, uint32_t remote_key,
                uint32_t remote_offset, uint32_t flags, uint32_t local_offset) {
  uint32_t* words = ring_words();
  const uint32_t at = words[kRingProducer];
  SendEntry entry{};
  entry.opcode_and_flags = static_cast<uint32_t>(opcode) | flags;
  entry.queue_pair = own.handle;
  entry.local_region = region_handle;
  entry.local_offset = local_offset;
  entry.length = length;
  entry.remote_key = remote_key;
  entry.remote_offset = remote_offset;
  entry.work_request_id_low = at;
  reinterpret_cast<SendEntry*>(words + kRingEntries)[at & (kRingDepth - 1)] = entry;
  words[kRingProducer] = at + 1;
  ring->doorbell();
}

Status Host::run(const HostQueuePair& own, Opcode opcode, uint32_t length, uint32_t remote_key,
                 uint32_t remote_offset, uint32_t local_offset) {
  post(own, opcode, length, remote_key, remote_offset, kSendSignaled, local_offset);
  return static_cast<Status>(take().status);
}

uint32_t Host::waiting() const {
  const uint32_t* words = queue_words();
  return words[kRingProducer] - words[kRingConsumer];
}

CompletionEntry Host::take() {
  CHECK(waiting() != 0, "no completion");
  uint32_t* words = queue_words();
  const uint32_t at = words[kRingConsumer]++;
  return reinterpret_cast<CompletionEntry*>(words + kRingEntries)[at & (kRingDepth - 1)];
}

std::vector<uint8_t> Host::snapshot() const {
  return std::vector<uint8_t>(bytes(), bytes() + region->mapping()->size());
}

}  // namespace mu::test
