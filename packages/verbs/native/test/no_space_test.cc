// A fabric that is full: nothing is lost, and nobody is granted what could not be taken away.
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstring>

#include "check.h"
#include "host.h"
#include "writer_process.h"

namespace mu::test {
namespace {

using shm::HookPoint;

constexpr size_t kRegionBytes = 1 << 20;

/// A file system with room for little more than one region.
class TinyFabric {
 public:
  TinyFabric() {
    if (mount("mu-native-test", directory_.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV,
              "size=1792k,mode=0700") != 0)
      throw Skip(std::string("mounting a tmpfs: ") + strerror(errno));
  }
  ~TinyFabric() { umount2(path().c_str(), MNT_DETACH); }
  const std::string& path() const { return directory_.path(); }
  std::vector<std::string> files(const std::string& prefix) const {
    return directory_.files(prefix);
  }

 private:
  TemporaryFabric directory_;
};

template <typename Body>
int error_of(Body body) {
  try {
    body();
  } catch (const VerbsFailure& failure) {
    return failure.error();
  }
  return 0;
}

TEST(registration, "registering more than there is room for gives ENOSPC and leaves no file") {
  TinyFabric fabric;
  Host host(fabric.path(), kRegionBytes);
  const auto before = fabric.files("").size();
  const int error =
      error_of([&] { host.context->register_memory(host.domain, kRegionBytes, 1); });
  CHECK_EQUAL(error, ENOSPC, "errno");
  CHECK_EQUAL(fabric.files("").size(), before, "files");
  host.close_region();
  host.open_region(kRegionBytes);
}

/// A revocation that needed a relocation, and could not have one.
struct Unfenced {
  TinyFabric fabric;
  Host target{fabric.path(), kRegionBytes};
  Host next{fabric.path(), 4096};
  HostQueuePair of_old = target.create_queue_pair();
  HostQueuePair of_next = target.create_queue_pair();
  HostQueuePair nexts = next.create_queue_pair();
  WriterProcess old{fabric.path(), {{HookPoint::kByte, 40}, 0xaa, 96, 0}};

  Unfenced() {
    std::memset(target.bytes(), 0x11, kRegionBytes);
    Host::connect(of_next, nexts.endpoint(), kReadOnly);
    Host::connect(nexts, of_next.endpoint(), kAccessAll);
    old.connect(of_old, target.key(), kAccessAll);
    old.write_until_stopped();
    CHECK_EQUAL(error_of([&] { Host::modify_access(of_old, kReadOnly); }), ENOSPC, "errno");
  }

  void expect_no_grant(const char* when) {
    CHECK_EQUAL(of_old.queue_pair ? of_old.queue_pair->query().access & kAccessRemoteWrite : 0, 0u,
                when);
    CHECK_EQUAL(error_of([&] { Host::modify_access(of_next, kAccessAll); }), ENOSPC, when);
    CHECK_EQUAL(of_next.queue_pair->query().access, kReadOnly, when);
    CHECK_EQUAL(error_of([&] { Host::connect(of_next, nexts.endpoint(), kAccessAll); }), ENOSPC,
                when);
    Host::connect(of_next, nexts.endpoint(), kReadOnly);
    Host::connect(nexts, of_next.endpoint(), kAccessAll);
    CHECK(next.run(nexts, Opcode::kRdmaRead, 8, target.key(), 0) == Status::kSuccess, when);
  }

  void expect_grant(const char* when) {
    Host::modify_access(of_next, kAccessAll);
    std::memset(next.bytes(), 0xbb, 96);
    CHECK(next.run(nexts, Opcode::kRdmaWrite, 96, target.key(), 0) == Status::kSuccess, when);
    for (size_t at = 0; at < kRegionBytes; at++)
      CHECK_EQUAL(target.bytes()[at], at < 96 ? 0xbb : 0x11, when);
  }
};

TEST(unfenced, "a revocation that cannot relocate fails, and keeps everybody out until it can") {
  Unfenced scene;
  scene.expect_no_grant("after the first attempt");
  // The same revocation again is not a success because the flags are gone already.
  CHECK_EQUAL(error_of([&] { Host::modify_access(scene.of_old, kReadOnly); }), ENOSPC, "errno");
  for (size_t at = 0; at < kRegionBytes; at++)
    CHECK_EQUAL(scene.target.bytes()[at], at < 40 ? 0xaa : 0x11, "a byte of the region");
  // Nobody was let in, so the old writer's bytes are where it thinks they are.
  CHECK(scene.old.resume() == Status::kSuccess, "the old writer");
  CHECK_EQUAL(scene.target.bytes()[95], 0xaa, "its last byte");
  scene.expect_grant("once the old writer has left");
}

TEST(unfenced_killed, "a revocation that cannot relocate succeeds once the writer is dead") {
  Unfenced scene;
  scene.expect_no_grant("while it lives");
  scene.old.kill();
  scene.expect_grant("once it is dead");
}

TEST(unfenced_reset, "a reset that cannot relocate fails too, and begins no new connection") {
  Unfenced scene;
  const auto step = [&](QueuePairState state) {
    return error_of([&] { scene.of_old.queue_pair->modify({state, false, 0, {}, 0, 0, 0}); });
  };
  CHECK_EQUAL(step(QueuePairState::kReset), ENOSPC, "RESET");
  CHECK_EQUAL(step(QueuePairState::kInit), ENOSPC, "INIT");
  CHECK_EQUAL(step(QueuePairState::kError), ENOSPC, "ERR");
  scene.expect_no_grant("after the reset");
  scene.old.resume();
  CHECK_EQUAL(step(QueuePairState::kReset), 0, "RESET after the writer left");
  scene.expect_grant("then");
}

TEST(unfenced_destroyed, "the place of a queue pair that cannot be fenced is not given to others") {
  Unfenced scene;
  const uint32_t place = shm::number_slot(scene.of_old.queue_pair->number());
  scene.target.destroy(scene.of_old);
  scene.expect_no_grant("after it was destroyed");
  const HostQueuePair later = scene.target.create_queue_pair();
  CHECK(shm::number_slot(later.queue_pair->number()) != place, "its place was given away");
  scene.old.resume();
  scene.expect_grant("once the writer has left");
  const HostQueuePair again = scene.target.create_queue_pair();
  CHECK_EQUAL(shm::number_slot(again.queue_pair->number()), place, "the place of the next one");
}

}  // namespace
}  // namespace mu::test
