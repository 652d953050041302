// Rings whose counters run over 2^32, and completion queues that run over.
#include <cstring>

#include "check.h"
#include "host.h"

namespace mu::test {
namespace {

constexpr uint32_t kNearTheEnd = 0xffff'ffe0;

struct Joined {
  HostQueuePair ours;
  HostQueuePair theirs;
};

Joined join(Host& own, Host& target, uint32_t inline_bytes = 0) {
  const Joined pair{own.create_queue_pair(inline_bytes), target.create_queue_pair()};
  Host::connect(pair.theirs, pair.ours.endpoint(), kAccessAll);
  Host::connect(pair.ours, pair.theirs.endpoint(), kAccessAll);
  return pair;
}

uint32_t number_of(Status status) { return static_cast<uint32_t>(status); }

TEST(wrap, "send and completion rings go over the end of their counters") {
  TemporaryFabric fabric;
  Host own(fabric.path());
  Host target(fabric.path());
  const Joined pair = join(own, target);
  for (uint32_t* words : {own.ring_words(), own.queue_words()})
    words[kRingProducer] = words[kRingConsumer] = kNearTheEnd;
  for (uint32_t n = 0; n < 200; n++) {
    std::memset(own.bytes(), static_cast<int>(n), 16);
    own.post(pair.ours, Opcode::kRdmaWrite, 16, target.key(), 0);
    const CompletionEntry done = own.take();
    CHECK_EQUAL(done.status, 0u, "status");
    CHECK_EQUAL(done.work_request_id_low, kNearTheEnd + n, "work request id");
    CHECK_EQUAL(done.retired, 1u, "retired");
    CHECK_EQUAL(target.bytes()[15], n & 0xff, "byte");
  }
  CHECK_EQUAL(own.queue_words()[kRingConsumer], kNearTheEnd + 200, "consumer");
}

TEST(overrun, "an overrun of a completion queue fails every queue pair that completes there") {
  TemporaryFabric fabric;
  Host own(fabric.path());
  Host target(fabric.path());
  const Joined first = join(own, target);
  const Joined second = join(own, target);
  for (uint32_t n = 0; n < kRingDepth; n++)
    own.post(first.ours, Opcode::kRdmaWrite, 8, target.key(), 0);
  CHECK_EQUAL(own.waiting(), kRingDepth, "completions");
  CHECK(second.ours.queue_pair->query().state == QueuePairState::kReadyToSend, "not yet");

  own.post(first.ours, Opcode::kRdmaWrite, 8, target.key(), 0);
  CHECK_EQUAL(own.waiting(), kRingDepth, "no completion was overwritten");
  CHECK(first.ours.queue_pair->query().state == QueuePairState::kError, "who overran");
  CHECK(second.ours.queue_pair->query().state == QueuePairState::kError, "who shares the queue");
  CHECK(first.theirs.queue_pair->query().state == QueuePairState::kReadyToSend, "the peer");
  // For good: after a lost completion no later one tells how many it retires.
  own.take();
  own.post(first.ours, Opcode::kRdmaWrite, 8, target.key(), 0);
  CHECK_EQUAL(own.waiting(), kRingDepth - 1, "completions after the overrun");
}

TEST(refused_locally,
     "what a NIC refuses before it sends is refused by number, and breaks the queue pair") {
  struct Case {
    Opcode opcode;
    uint32_t length;
    uint32_t flags;
    uint32_t region_access;
    Status status;
  };
  const uint32_t writable = kAccessLocalWrite;
  for (const Case& one : {
           Case{Opcode::kRdmaWrite, 33, kSendInline, writable, Status::kLocalLengthError},
           Case{Opcode::kRdmaWrite, 32, kSendInline, writable, Status::kSuccess},
           Case{Opcode::kRdmaWrite, 7, kSendSeal, writable, Status::kLocalLengthError},
           Case{Opcode::kRdmaWrite, 4097, 0, writable, Status::kLocalProtectionError},
           Case{Opcode::kRdmaWrite, 64, 0, 0, Status::kSuccess},
           Case{Opcode::kRdmaRead, 64, 0, 0, Status::kLocalProtectionError},
           Case{Opcode::kFetchAndAdd, 8, 0, 0, Status::kLocalProtectionError},
           Case{Opcode::kSend, 8, 0, writable, Status::kLocalQueuePairOperationError},
       }) {
    TemporaryFabric fabric;
    Host own(fabric.path(), 4096, one.region_access);
    Host target(fabric.path());
    const Joined pair = join(own, target, 32);
    own.post(pair.ours, one.opcode, one.length, target.key(), 0, one.flags | kSendSignaled);
    CHECK_EQUAL(own.take().status, number_of(one.status), "status");
    const bool broken = pair.ours.queue_pair->query().state == QueuePairState::kError;
    CHECK_EQUAL(broken, one.status != Status::kSuccess, "in ERR");
    CHECK(pair.theirs.queue_pair->query().state == QueuePairState::kReadyToSend, "the peer");
  }
}

}  // namespace
}  // namespace mu::test
