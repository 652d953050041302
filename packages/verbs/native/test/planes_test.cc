// Replicas as they are in production, three in one process: one thread posts on lanes and takes
// completions, the other switches permissions on the lanes at which its own log is written. Every
// object that both threads reach is reached here; under ThreadSanitizer this is the whole proof.
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "check.h"
#include "host.h"

namespace mu::test {
namespace {

constexpr size_t kReplicas = 3;
constexpr uint32_t kSwitches = 150;
constexpr uint32_t kEntryBytes = 192;
constexpr uint32_t kWritesPerGrant = 4;
constexpr auto kGrantLimit = std::chrono::milliseconds(20);

/// One replica's way to write another's log, or its own.
struct Lane {
  /// Posting end, used by the writer's posting thread; and the end that admits, by the owner's other one.
  HostQueuePair out;
  HostQueuePair in;
  /// Handed back by the posting thread after a refusal; the other one cycles it, and hands it out again.
  std::atomic<bool> broken{false};
  /// As in permission requests: the generation of the posting end.
  std::atomic<uint32_t> requested{0};
  /// The generation that was granted, plus one. Of a revocation the writer learns by a refusal only.
  std::atomic<uint32_t> acknowledged{0};
  std::atomic<uint32_t> written{0};
  uint32_t granted = 0;
};

class Replica {
 public:
  explicit Replica(const std::string& fabric) : host(fabric) {}
  Host host;
  std::array<Lane, kReplicas> lanes;
};

class Group {
 public:
  Group() {
    for (auto& replica : replicas_) replica = std::make_unique<Replica>(fabric_.path());
    for (size_t writer = 0; writer < kReplicas; writer++)
      for (size_t owner = 0; owner < kReplicas; owner++) {
        Lane& lane = replicas_[writer]->lanes[owner];
        lane.out = replicas_[writer]->host.create_queue_pair();
        lane.in = replicas_[owner]->host.create_queue_pair();
        Host::connect(lane.in, lane.out.endpoint(), kReadOnly);
        Host::connect(lane.out, lane.in.endpoint(), 0);
      }
  }

  void run() {
    std::vector<std::thread> threads;
    std::vector<std::exception_ptr> failures(2 * kReplicas);
    switching_ = kReplicas;
    for (size_t id = 0; id < kReplicas; id++) {
      threads.emplace_back([&, id] { guarded(failures[2 * id], [&] { post(id); }); });
      threads.emplace_back([&, id] {
        guarded(failures[2 * id + 1], [&] { switch_permissions(id); });
        switching_--;
      });
    }
    for (auto& thread : threads) thread.join();
    for (const auto& failure : failures)
      if (failure != nullptr) std::rethrow_exception(failure);
    for (const auto& replica : replicas_)
      for (const Lane& lane : replica->lanes)
        CHECK(lane.written > 0, "a lane was never written on");
  }

 private:
  static void guarded(std::exception_ptr& failure, const std::function<void()>& work) {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  }

  /// The replication plane: writes to everybody, and hands back what a refusal broke.
  void post(size_t id) {
    Replica& own = *replicas_[id];
    while (switching_ > 0) {
      for (size_t owner = 0; owner < kReplicas; owner++) {
        Lane& lane = own.lanes[owner];
        if (lane.broken || lane.acknowledged != lane.requested + 1) continue;
        const Status status =
            own.host.run(lane.out, Opcode::kRdmaWrite, kEntryBytes, replicas_[owner]->host.key(),
                         static_cast<uint32_t>(1024 + id * kEntryBytes));
        if (status == Status::kSuccess) lane.written++;
        else lane.broken = true;
      }
      std::this_thread::yield();
    }
  }

  /// Revives the lanes on which this replica was refused.
  static void repair(Replica& own) {
    for (Lane& lane : own.lanes) {
      if (!lane.broken) continue;
      Host::connect(lane.out, lane.in.endpoint(), 0, lane.requested + 1);
      lane.requested++;
      lane.broken = false;
    }
  }

  /// The background plane: revoke, look, grant to the next.
  void switch_permissions(size_t id) {
    Host& host = replicas_[id]->host;
    size_t holder = 0;
    for (uint32_t n = 0; n < kSwitches; n++) {
      Lane& former = replicas_[holder]->lanes[id];
      revoke(former);
      const std::vector<uint8_t> before = host.snapshot();
      std::this_thread::yield();
      CHECK(host.snapshot() == before, "a byte changed after its writer was revoked");
      // The table of handles is also written while the other thread looks queue pairs up in it.
      HostQueuePair passing = host.create_queue_pair();
      host.destroy(passing);
      repair(*replicas_[id]);
      holder = (holder + 1) % kReplicas;
      grant(replicas_[holder]->lanes[id]);
    }
  }

  /// A write that is refused meanwhile puts the lane into ERR under our hands: then flags do not change.
  static bool change_flags(Lane& lane, uint32_t access) {
    try {
      Host::modify_access(lane.in, access);
      return true;
    } catch (const VerbsFailure&) {
      return false;
    }
  }

  static void revoke(Lane& lane) {
    if (!change_flags(lane, kReadOnly))
      lane.in.queue_pair->modify({QueuePairState::kError, false, 0, {}, 0, 0, 0});
  }

  /// By flags where both ends are of one generation, else by cycling this end to the other's.
  static void grant(Lane& lane) {
    const uint32_t requested = lane.requested;
    if (requested != lane.granted || !change_flags(lane, kAccessAll))
      Host::connect(lane.in, lane.out.endpoint(), kAccessAll, requested);
    lane.granted = requested;
    lane.acknowledged = requested + 1;
    const uint32_t until = lane.written + kWritesPerGrant;
    const auto limit = std::chrono::steady_clock::now() + kGrantLimit;
    while (lane.written < until && std::chrono::steady_clock::now() < limit)
      std::this_thread::yield();
  }

  TemporaryFabric fabric_;
  std::array<std::unique_ptr<Replica>, kReplicas> replicas_;
  std::atomic<size_t> switching_{0};
};

TEST(planes_of_three_replicas, "planes of three replicas in one process, two threads each") {
  Group().run();
}

}  // namespace
}  // namespace mu::test
