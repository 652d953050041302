// providers.md, "shm: permissions without a NIC", 5: a writer is stopped between any two bytes;
// revoke; grant to another; continue the writer; not one byte of the live region changes.
#include <cstring>

#include "check.h"
#include "host.h"
#include "writer_process.h"

namespace mu::test {
namespace {

using shm::HookPoint;

constexpr uint32_t kEntryBytes = 96;
constexpr uint32_t kEntryOffset = 256;
constexpr uint8_t kOldValue = 0xaa;
constexpr uint8_t kNextValue = 0xbb;

enum class End { kContinued, kKilled, kKilledBeforeRevocation };

std::string name_of(const Stop& stop) {
  return "stop " + std::to_string(static_cast<int>(stop.point)) + "." + std::to_string(stop.index);
}

bool stands_inside(const Stop& stop) {
  return stop.point == HookPoint::kEntered || stop.point == HookPoint::kByte ||
         stop.point == HookPoint::kCopied;
}

/// Every place of a write where another thread can see a difference, in order.
std::vector<Stop> all_stops() {
  std::vector<Stop> stops{{HookPoint::kAdmitted, 0}, {HookPoint::kEntered, 0}};
  for (size_t byte = 0; byte < kEntryBytes; byte++) stops.push_back({HookPoint::kByte, byte});
  stops.push_back({HookPoint::kCopied, 0});
  stops.push_back({HookPoint::kLeft, 0});
  return stops;
}

/// The target, another writer in this process that is granted next, and the one that stops.
struct Scene {
  TemporaryFabric fabric;
  Host target{fabric.path()};
  Host next{fabric.path()};

  Scene() { std::memset(next.bytes(), kNextValue, 4096); }

  void play(const Stop& stop, End end) {
    std::memset(target.bytes(), 0x11, 4096);
    HostQueuePair of_old = target.create_queue_pair();
    HostQueuePair of_next = target.create_queue_pair();
    HostQueuePair nexts = next.create_queue_pair();
    Host::connect(of_next, nexts.endpoint(), kReadOnly);
    Host::connect(nexts, of_next.endpoint(), kAccessAll);
    WriterProcess old(fabric.path(), {stop, kOldValue, kEntryBytes, kEntryOffset});
    old.connect(of_old, target.key(), kAccessAll);
    old.write_until_stopped();

    if (end == End::kKilledBeforeRevocation) old.kill();
    Host::modify_access(of_old, kReadOnly);
    // What the old writer stored before the revocation is there, and nothing beyond it.
    const size_t stored = stop.point == HookPoint::kByte       ? stop.index
                          : stop.point >= HookPoint::kCopied ? kEntryBytes
                                                             : 0;
    for (size_t at = 0; at < kEntryBytes; at++)
      CHECK_EQUAL(target.bytes()[kEntryOffset + at], at < stored ? kOldValue : 0x11,
                  name_of(stop) + ", byte " + std::to_string(at));
    Host::modify_access(of_next, kAccessAll);
    const Status written =
        next.run(nexts, Opcode::kRdmaWrite, kEntryBytes, target.key(), kEntryOffset);
    CHECK(written == Status::kSuccess, name_of(stop) + ": the granted writer was refused");
    for (size_t at = 0; at < kEntryBytes; at++)
      CHECK_EQUAL(target.bytes()[kEntryOffset + at], kNextValue, name_of(stop));

    const std::vector<uint8_t> before = target.snapshot();
    expect_end(stop, end, old);
    CHECK(target.snapshot() == before, name_of(stop) + ": the live region changed");
    // Who is dead needs no relocation; who is outside neither.
    const bool relocated = stands_inside(stop) && end != End::kKilledBeforeRevocation;
    CHECK_EQUAL(of_old.queue_pair->query().relocations, relocated ? 1u : 0u, name_of(stop));
    CHECK(next.run(nexts, Opcode::kRdmaWrite, 8, target.key(), 0) == Status::kSuccess,
          name_of(stop) + ": the granted writer lost its connection");
    target.destroy(of_old);
    target.destroy(of_next);
    next.destroy(nexts);
  }

  static void expect_end(const Stop& stop, End end, WriterProcess& old) {
    if (end == End::kKilled) old.kill();
    if (end != End::kContinued) return;
    const Status status = old.resume();
    if (stop.point == HookPoint::kLeft) {
      CHECK(status == Status::kSuccess, "what was whole before the revocation is a success");
      return;
    }
    // Before its copy it finds that the region moved, looks again, and is refused by the flags.
    const bool looks_again =
        stop.point == HookPoint::kAdmitted || stop.point == HookPoint::kEntered;
    const Status refusal =
        looks_again ? Status::kRemoteInvalidRequest : Status::kRemoteAccessError;
    CHECK_EQUAL(static_cast<uint32_t>(status), static_cast<uint32_t>(refusal), name_of(stop));
  }
};

void play_everywhere(End end) {
  Scene scene;
  for (const Stop& stop : all_stops()) scene.play(stop, end);
}

TEST(stopped_and_continued, "a writer stopped anywhere in its write, then continued") {
  play_everywhere(End::kContinued);
}

TEST(stopped_and_killed, "a writer stopped anywhere in its write, then killed") {
  play_everywhere(End::kKilled);
}

TEST(killed_before, "a writer killed anywhere in its write is not relocated away from") {
  play_everywhere(End::kKilledBeforeRevocation);
}

TEST(both_errors, "a writer that was cut off leaves both queue pairs in ERR, as a refusal does") {
  TemporaryFabric fabric;
  Host target(fabric.path());
  HostQueuePair of_old = target.create_queue_pair();
  WriterProcess old(fabric.path(), {{HookPoint::kByte, 40}, kOldValue, kEntryBytes, 0});
  old.connect(of_old, target.key(), kAccessAll);
  old.write_until_stopped();
  Host::modify_access(of_old, kReadOnly);
  CHECK(of_old.queue_pair->query().state == QueuePairState::kReadyToSend, "it can still be read");
  old.resume();
  CHECK(of_old.queue_pair->query().state == QueuePairState::kError, "the refusal is not silent");
}

/// Resets instead of changing flags; the queue pair is connected anew, to the granted writer.
TEST(stopped_and_reset,
     "a writer stopped in its write whose queue pair is reset and connected anew") {
  Scene scene;
  for (const Stop& stop : all_stops()) {
    std::memset(scene.target.bytes(), 0x11, 4096);
    HostQueuePair of_both = scene.target.create_queue_pair();
    HostQueuePair nexts = scene.next.create_queue_pair();
    WriterProcess old(scene.fabric.path(), {stop, kOldValue, kEntryBytes, kEntryOffset});
    old.connect(of_both, scene.target.key(), kAccessAll);
    old.write_until_stopped();

    Host::connect(of_both, nexts.endpoint(), kAccessAll);
    Host::connect(nexts, of_both.endpoint(), kAccessAll);
    const Status written = scene.next.run(nexts, Opcode::kRdmaWrite, kEntryBytes,
                                          scene.target.key(), kEntryOffset);
    CHECK(written == Status::kSuccess, name_of(stop) + ": the new peer was refused");
    const std::vector<uint8_t> before = scene.target.snapshot();
    const Status status = old.resume();
    CHECK((status == Status::kSuccess) == (stop.point == HookPoint::kLeft), name_of(stop));
    CHECK(scene.target.snapshot() == before, name_of(stop) + ": the live region changed");
    // A refusal of the former connection does not fail the present one.
    CHECK(scene.next.run(nexts, Opcode::kRdmaWrite, 8, scene.target.key(), 0) == Status::kSuccess,
          name_of(stop) + ": the new peer lost its connection");
    scene.target.destroy(of_both);
    scene.next.destroy(nexts);
  }
}

TEST(former_peer, "a former peer of the queue pair's place cannot hide the present writer") {
  TemporaryFabric fabric;
  Host target(fabric.path());
  for (const HookPoint point : {HookPoint::kAdmitted, HookPoint::kEntered, HookPoint::kCopied}) {
    HostQueuePair place = target.create_queue_pair();
    WriterProcess former(fabric.path(), {{point, 0}, 0xcc, kEntryBytes, 0});
    former.connect(place, target.key(), kAccessAll);
    former.write_until_stopped();
    WriterProcess present(fabric.path(), {{HookPoint::kByte, 50}, kOldValue, kEntryBytes, 0});
    present.connect(place, target.key(), kAccessAll);
    present.write_until_stopped();

    CHECK(former.resume() != Status::kSuccess, "the former peer's write was acknowledged");
    const uint32_t relocations = place.queue_pair->query().relocations;
    Host::modify_access(place, kReadOnly);
    CHECK_EQUAL(place.queue_pair->query().relocations, relocations + 1, "relocations");
    const std::vector<uint8_t> before = target.snapshot();
    CHECK(present.resume() != Status::kSuccess, "a revoked write was acknowledged");
    CHECK(target.snapshot() == before, "the live region changed");
    target.destroy(place);
  }
}

TEST(region_closed, "a writer stopped in a region that is closed, and its place used again") {
  TemporaryFabric fabric;
  Host target(fabric.path());
  for (const Stop& stop : all_stops()) {
    HostQueuePair of_old = target.create_queue_pair();
    WriterProcess old(fabric.path(), {stop, kOldValue, kEntryBytes, kEntryOffset});
    old.connect(of_old, target.key(), kAccessAll);
    old.write_until_stopped();

    const std::shared_ptr<Mapping> view = target.region->mapping();
    target.close_region();
    target.open_region(4096);
    const std::vector<uint8_t> closed(view->data(), view->data() + view->size());
    const std::vector<uint8_t> before = target.snapshot();
    const Status status = old.resume();
    CHECK((status == Status::kSuccess) == (stop.point == HookPoint::kLeft), name_of(stop));
    CHECK(target.snapshot() == before, name_of(stop) + ": the new region changed");
    CHECK(std::memcmp(view->data(), closed.data(), closed.size()) == 0,
          name_of(stop) + ": a view of the closed region changed");
    target.destroy(of_old);
  }
}

}  // namespace
}  // namespace mu::test
