// How a process's end is seen by its peers, and what becomes of its files.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "../clock.h"
#include "../shm/death_watch.h"
#include "../shm/doorbell.h"
#include "../shm/file_mapping.h"
#include "../shm/peer.h"
#include "../shm/process_state.h"
#include "check.h"
#include "host.h"
#include "writer_process.h"

namespace mu::test {
namespace {

constexpr WritePlan kIdle{{shm::HookPoint::kLeft, 0}, 1, 8, 0};
constexpr uint64_t kMarkedWithinNs = 500'000'000;

TEST(killed, "the kernel marks the death word of a process that is killed") {
  for (int round = 0; round < 20; round++) {
    TemporaryFabric fabric;
    WriterProcess process(fabric.path(), kIdle);
    const shm::Peer peer(fabric.path(), process.endpoint().address);
    CHECK(!peer.gone(), "alive");
    const uint64_t began = now_ns();
    process.kill();
    while (!peer.gone()) CHECK(now_ns() - began < kMarkedWithinNs, "not marked in time");
    CHECK(peer.shared().header.closed.load() == 0, "that was no orderly end");
  }
}

TEST(woken, "everybody who waits on a doorbell is woken by the death of a watched peer") {
  TemporaryFabric fabric;
  WriterProcess process(fabric.path(), kIdle);
  const std::string address = process.endpoint().address;
  const shm::Peer peer(fabric.path(), address);
  shm::DeathWatch deaths;
  deaths.add(address, peer.segment());
  deaths.add(address, peer.segment());
  std::array<futex_waitv, 2> waiters;
  CHECK_EQUAL(deaths.waiters(waiters), 1ul, "watched once");

  constexpr uint32_t kTooLongUs = 20'000'000;
  const uint64_t began = now_ns();
  auto header = std::make_unique<shm::SegmentHeader>();
  std::vector<std::thread> threads;
  for (int n = 0; n < 3; n++)
    threads.emplace_back([&] { shm::wait_on_doorbell(*header, deaths, 0, kTooLongUs, 0); });
  while (header->sleepers.load() != 3) std::this_thread::yield();
  process.kill();
  for (std::thread& thread : threads) thread.join();
  CHECK(now_ns() - began < kTooLongUs * 1000ull, "woken before the time was over");
  CHECK(peer.gone(), "by the death");
  CHECK_EQUAL(deaths.waiters(waiters), 0ul, "nobody waits for the dead");
}

TEST(closed, "an orderly close marks `closed`, and is no death") {
  TemporaryFabric fabric;
  WriterProcess process(fabric.path(), kIdle);
  const shm::Peer peer(fabric.path(), process.endpoint().address);
  process.close();
  CHECK_EQUAL(peer.shared().header.closed.load(), 1u, "closed");
  CHECK(peer.gone(), "gone");
  CHECK_EQUAL(peer.shared().header.death_word.load(), 0u, "the death word");
}

TEST(ended, "a process has ended when its last thread has, not before") {
  CHECK(!shm::process_ended(static_cast<uint32_t>(getpid()),
                            shm::read_process(static_cast<uint32_t>(getpid())).start_time),
        "we run");
  CHECK(shm::process_ended(static_cast<uint32_t>(getpid()), 1), "a later process with the same id");
  TemporaryFabric fabric;
  WriterProcess process(fabric.path(), kIdle);
  process.endpoint();
  const auto pid = static_cast<uint32_t>(process.pid());
  const uint64_t start = shm::read_process(pid).start_time;
  CHECK(!shm::process_ended(pid, start), "it waits");
  CHECK_EQUAL(shm::read_process(pid).threads, 2L, "the writer and its liveness thread");
  // Nobody has waited for it yet: a zombie without threads has ended too.
  kill(process.pid(), SIGKILL);
  const uint64_t began = now_ns();
  while (!shm::process_ended(pid, start))
    CHECK(now_ns() - began < kMarkedWithinNs, "a zombie is taken for alive");
  CHECK(shm::read_process(pid).exists, "it is still there as a zombie");
  process.kill();
  CHECK(shm::process_ended(pid, start), "it was reaped");
}

TEST(stopped, "a thread's file that stays open tells what the thread does now, and of no other thread") {
  TemporaryFabric fabric;
  WriterProcess first(fabric.path(), kIdle);
  WriterProcess second(fabric.path(), kIdle);
  first.endpoint();
  second.endpoint();
  const auto one = static_cast<uint32_t>(first.pid());
  const auto other = static_cast<uint32_t>(second.pid());
  shm::ThreadStatFile file;
  const shm::TaskStat running = file.read(one, one);
  CHECK(running.exists && running.state != 'T', "it waits");
  CHECK_EQUAL(running.start_time, shm::read_thread(one, one).start_time, "its start");
  CHECK_EQUAL(running.threads, 2L, "the writer and its liveness thread");

  kill(first.pid(), SIGSTOP);
  int status = 0;
  waitpid(first.pid(), &status, WUNTRACED);
  CHECK_EQUAL(file.read(one, one).state, 'T', "stopped");
  CHECK(file.read(other, other).state != 'T', "the other is not");
  CHECK_EQUAL(file.read(one, one).state, 'T', "asked for the first again");
  kill(first.pid(), SIGCONT);
  first.kill();
  CHECK(!file.read(one, one).exists, "it was reaped");
  CHECK(!file.read(one, one).exists, "and is not there to be opened");
  CHECK(file.read(other, other).exists, "the other is");
}

TEST(stale, "what a dead process left is removed at the next start, what a live one has is not") {
  TemporaryFabric fabric;
  WriterProcess living(fabric.path(), kIdle);
  WriterProcess dying(fabric.path(), kIdle);
  const std::string of_living = living.endpoint().address + ".";
  const std::string of_dying = dying.endpoint().address + ".";
  dying.kill();
  std::ofstream(fabric.path() + "/unrelated") << "kept";
  CHECK_EQUAL(fabric.files(of_dying).size(), 2u, "a control segment and a region are left");
  const auto before = fabric.files(of_living);

  Host next(fabric.path());
  CHECK_EQUAL(fabric.files(of_dying).size(), 0u, "files of the dead process");
  CHECK(fabric.files(of_living) == before, "files of the living process");
  CHECK_EQUAL(fabric.files("unrelated").size(), 1u, "a file that is not ours");
}

TEST(last, "an orderly end leaves nothing, and the last one takes the fabric with it") {
  std::string path;
  {
    TemporaryFabric fabric;
    path = fabric.path();
    {
      Host first(path);
      Host second(path);
      CHECK_EQUAL(fabric.files("").size(), 4u, "two segments, two regions");
    }
    CHECK(access(path.c_str(), F_OK) != 0, "the directory is gone");
  }
}

TEST(parents, "directories above a fabric are made as private as the fabric") {
  TemporaryFabric fabric;
  const std::string above = fabric.path() + "/above";
  {
    Host host(above + "/fabric");
    struct stat status;
    CHECK(stat(above.c_str(), &status) == 0, "it was made");
    CHECK_EQUAL(status.st_mode & 0777, 0700u, "its mode");
  }
  rmdir(above.c_str());
}

TEST(foreign, "a fabric that others could open, or an address that is a path, is refused") {
  TemporaryFabric fabric;
  const auto refused = [](auto body) {
    try {
      body();
    } catch (const VerbsFailure& failure) {
      return failure.error();
    }
    return 0;
  };
  chmod(fabric.path().c_str(), 0755);
  CHECK_EQUAL(refused([&] { Host host(fabric.path()); }), EPERM, "mode 0755");
  chmod(fabric.path().c_str(), 0700);
  for (const char* address : {"", "../seg-1", "seg-1/../../etc", "passwd"})
    CHECK_EQUAL(refused([&] { shm::Peer peer(fabric.path(), address); }), EINVAL, address);
  CHECK_EQUAL(refused([&] { shm::Peer peer(fabric.path(), "seg-1-2-3"); }), ENOENT, "nobody");
}

}  // namespace
}  // namespace mu::test
