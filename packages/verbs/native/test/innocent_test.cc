// A relocation moves a region under other writers that keep their right: none of their acknowledged
// writes may be lost, and what is lost must not be acknowledged.
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "check.h"
#include "host.h"
#include "writer_process.h"

namespace mu::test {
namespace {

using shm::HookPoint;

constexpr size_t kRegionBytes = 4 << 20;
constexpr uint32_t kEntryBytes = 64;
constexpr uint32_t kStreamOffset = 4096;

/// Writes 1, 2, 3 … to 8 bytes each, one after the other, and remembers what was acknowledged.
class Stream {
 public:
  Stream(Host& target, const std::string& fabric)
      : target_(target), own_(fabric), of_own_(target.create_queue_pair()),
        queue_pair_(own_.create_queue_pair()) {
    Host::connect(of_own_, queue_pair_.endpoint(), kAccessAll);
    Host::connect(queue_pair_, of_own_.endpoint(), kAccessAll);
    thread_ = std::thread([this] { run(); });
  }
  ~Stream() {
    if (thread_.joinable()) stop();
    target_.destroy(of_own_);
  }

  uint64_t acknowledged() const { return acknowledged_.load(); }
  void wait_for(uint64_t more) const {
    const uint64_t until = acknowledged() + more;
    while (acknowledged() < until && !failed_.load()) sched_yield();
  }
  void stop() {
    stop_.store(true);
    thread_.join();
  }
  bool failed() const { return failed_.load(); }

 private:
  void run() {
    const uint64_t most = (kRegionBytes - kStreamOffset) / 8;
    for (uint64_t n = 1; n <= most && !stop_.load(); n++) {
      std::memcpy(own_.bytes(), &n, 8);
      const auto offset = static_cast<uint32_t>(kStreamOffset + (n - 1) * 8);
      const Status status = own_.run(queue_pair_, Opcode::kRdmaWrite, 8, target_.key(), offset);
      if (status != Status::kSuccess) {
        failed_.store(true);
        return;
      }
      acknowledged_.store(n);
      if (n % 64 == 0) sched_yield();
    }
  }

  Host& target_;
  Host own_;
  HostQueuePair of_own_;
  HostQueuePair queue_pair_;
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::thread thread_;
};

void expect_all_there(const Host& target, uint64_t acknowledged, const std::string& when) {
  for (uint64_t n = 1; n <= acknowledged; n++) {
    uint64_t found = 0;
    std::memcpy(&found, target.bytes() + kStreamOffset + (n - 1) * 8, 8);
    CHECK_EQUAL(found, n, when + ": an acknowledged write of another writer");
  }
}

TEST(stream, "relocations under a stream of another writer lose no acknowledged write of it") {
  for (const Stop& stop : {Stop{HookPoint::kEntered}, Stop{HookPoint::kByte, 0},
                           Stop{HookPoint::kByte, 31}, Stop{HookPoint::kCopied}}) {
    TemporaryFabric fabric;
    Host target(fabric.path(), kRegionBytes);
    std::vector<std::unique_ptr<WriterProcess>> stuck;
    std::vector<HostQueuePair> of_stuck;
    for (int n = 0; n < 6; n++) {
      of_stuck.push_back(target.create_queue_pair());
      stuck.push_back(std::make_unique<WriterProcess>(
          fabric.path(), WritePlan{stop, 0xaa, kEntryBytes, 0}));
      stuck.back()->connect(of_stuck.back(), target.key(), kAccessAll);
      stuck.back()->write_until_stopped();
    }
    Stream stream(target, fabric.path());
    uint32_t relocations = 0;
    for (const HostQueuePair& one : of_stuck) {
      stream.wait_for(2'000);
      Host::modify_access(one, kReadOnly);
      relocations += one.queue_pair->query().relocations;
    }
    stream.wait_for(1'000);
    // The first relocation also cuts off those that stand in the same region.
    CHECK(relocations >= 1, "nothing was relocated");
    for (const auto& one : stuck)
      CHECK(one->resume() != Status::kSuccess, "a write into an orphan was acknowledged");
    stream.stop();
    CHECK(stream.acknowledged() > 2'000, "the stream did not get on");
    expect_all_there(target, stream.acknowledged(), "stop");
    for (size_t at = kEntryBytes; at < kStreamOffset; at++)
      CHECK_EQUAL(target.bytes()[at], 0, "a byte that nobody wrote");
  }
}

TEST(stuck_too,
     "an innocent writer that is stuck in a relocated region is told, and changes nothing") {
  for (const Stop& stop : {Stop{HookPoint::kEntered}, Stop{HookPoint::kByte, 20},
                           Stop{HookPoint::kCopied}}) {
    TemporaryFabric fabric;
    Host target(fabric.path());
    const HostQueuePair of_old = target.create_queue_pair();
    const HostQueuePair of_innocent = target.create_queue_pair();
    WriterProcess old(fabric.path(), {{HookPoint::kByte, 10}, 0xaa, kEntryBytes, 0});
    WriterProcess innocent(fabric.path(), {stop, 0xcc, kEntryBytes, 1024});
    old.connect(of_old, target.key(), kAccessAll);
    innocent.connect(of_innocent, target.key(), kAccessAll);
    old.write_until_stopped();
    innocent.write_until_stopped();
    Host::modify_access(of_old, kReadOnly);

    const std::vector<uint8_t> before = target.snapshot();
    const Status status = innocent.resume();
    if (stop.point == HookPoint::kEntered) {
      // It had stored nothing, finds the region moved, and begins again in the live one.
      CHECK(status == Status::kSuccess, "it still had the right");
      CHECK_EQUAL(target.bytes()[1024 + kEntryBytes - 1], 0xcc, "its last byte");
    } else {
      CHECK(status == Status::kRemoteAccessError, "acknowledged, but not in the live region");
      CHECK(target.snapshot() == before, "the live region changed");
    }
    old.resume();
  }
}

std::atomic<uint32_t> g_state{0};

void hold_the_relocation(HookPoint point, size_t) {
  if (point != HookPoint::kRelocating) return;
  g_state.store(1);
  usleep(2'000);
  CHECK(g_state.load() == 1, "an operation was carried out in a region that is being copied");
}

TEST(waits, "an operation that begins during a relocation waits, and lands in the live copy") {
  TemporaryFabric fabric;
  Host target(fabric.path());
  Host other(fabric.path());
  const HostQueuePair of_old = target.create_queue_pair();
  const HostQueuePair of_other = target.create_queue_pair();
  const HostQueuePair others = other.create_queue_pair();
  Host::connect(of_other, others.endpoint(), kAccessAll);
  Host::connect(others, of_other.endpoint(), kAccessAll);
  std::memset(other.bytes(), 0xdd, 64);
  CHECK(other.run(others, Opcode::kRdmaWrite, 8, target.key(), 512) == Status::kSuccess, "mapped");
  WriterProcess old(fabric.path(), {{HookPoint::kByte, 10}, 0xaa, kEntryBytes, 0});
  old.connect(of_old, target.key(), kAccessAll);
  old.write_until_stopped();

  g_state.store(0);
  shm::test_hook = hold_the_relocation;
  Status status = Status::kSuccess;
  std::thread writer([&] {
    while (g_state.load() == 0) sched_yield();
    status = other.run(others, Opcode::kRdmaWrite, 64, target.key(), 1024);
    g_state.store(2);
  });
  Host::modify_access(of_old, kReadOnly);
  uint32_t never_reached = 0;
  g_state.compare_exchange_strong(never_reached, 3);
  writer.join();
  shm::test_hook = nullptr;
  CHECK_EQUAL(of_old.queue_pair->query().relocations, 1u, "relocations");
  CHECK(status == Status::kSuccess, "it only had to wait");
  CHECK_EQUAL(target.bytes()[1024 + 63], 0xdd, "its last byte");
  CHECK(old.resume() == Status::kRemoteAccessError, "the revoked writer");
}

}  // namespace
}  // namespace mu::test
