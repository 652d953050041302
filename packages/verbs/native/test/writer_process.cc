#include "writer_process.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <new>

#include "check.h"

namespace mu::test {

/// Memory that parent and child share.
struct WriterProcess::Mailbox {
  enum Order : uint32_t { kWait, kWrite, kClose };
  char own_address[128];
  std::atomic<uint32_t> own_number{0};
  char peer_address[128];
  uint32_t peer_number;
  uint32_t remote_key;
  std::atomic<uint32_t> order{kWait};
  std::atomic<uint32_t> connected{0};
  std::atomic<uint32_t> status{0};
};

namespace {

Stop g_stop;

void stop_there(shm::HookPoint point, size_t index) {
  if (point != g_stop.point || index != g_stop.index) return;
  // Once: an operation that has to begin again passes here a second time.
  shm::test_hook = nullptr;
  raise(SIGSTOP);
}

void pause_briefly() { usleep(50); }

}  // namespace

WriterProcess::WriterProcess(const std::string& fabric, const WritePlan& plan) {
  void* page = mmap(nullptr, sizeof(Mailbox), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(page != MAP_FAILED, "no shared page");
  mailbox_ = new (page) Mailbox();
  pid_ = fork();
  CHECK(pid_ >= 0, "no process");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int code = 0;
    try {
      live(fabric, plan, *mailbox_);
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "writer: %s\n", failure.what());
      code = 1;
    }
    // What the parent had is not ours to destroy.
    _exit(code);
  }
}

void WriterProcess::live(const std::string& fabric, const WritePlan& plan, Mailbox& mailbox) {
  Host host(fabric, plan.length);
  std::memset(host.bytes(), plan.value, plan.length);
  const HostQueuePair own = host.create_queue_pair();
  std::strncpy(mailbox.own_address, own.endpoint().address.c_str(), sizeof mailbox.own_address - 1);
  mailbox.own_number.store(own.endpoint().number);

  while (mailbox.connected.load() == 0 && mailbox.order.load() == Mailbox::kWait) pause_briefly();
  if (mailbox.connected.load() != 0)
    Host::connect(own, {mailbox.peer_address, mailbox.peer_number}, kAccessAll);
  while (mailbox.order.load() == Mailbox::kWait) pause_briefly();
  if (mailbox.order.load() == Mailbox::kClose) return;

  g_stop = plan.stop;
  shm::test_hook = stop_there;
  const Status status =
      host.run(own, Opcode::kRdmaWrite, plan.length, mailbox.remote_key, plan.offset);
  mailbox.status.store(static_cast<uint32_t>(status));
}

WriterProcess::~WriterProcess() {
  if (!ended_) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  munmap(mailbox_, sizeof(Mailbox));
}

Endpoint WriterProcess::endpoint() const {
  while (mailbox_->own_number.load() == 0) {
    CHECK(waitpid(pid_, nullptr, WNOHANG) == 0, "the writer ended before it had a queue pair");
    pause_briefly();
  }
  return {mailbox_->own_address, mailbox_->own_number.load()};
}

void WriterProcess::connect(const HostQueuePair& target, uint32_t remote_key, uint32_t access) {
  Host::connect(target, endpoint(), access);
  std::strncpy(mailbox_->peer_address, target.endpoint().address.c_str(),
               sizeof mailbox_->peer_address - 1);
  mailbox_->peer_number = target.endpoint().number;
  mailbox_->remote_key = remote_key;
  mailbox_->connected.store(1);
}

void WriterProcess::write_until_stopped() {
  mailbox_->order.store(Mailbox::kWrite);
  int status = 0;
  CHECK_EQUAL(waitpid(pid_, &status, WUNTRACED), pid_, "waitpid");
  ended_ = !WIFSTOPPED(status);
  CHECK(WIFSTOPPED(status), "the writer ended instead of stopping");
}

Status WriterProcess::resume() {
  ::kill(pid_, SIGCONT);
  int status = 0;
  waitpid(pid_, &status, 0);
  ended_ = true;
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the writer did not end in order");
  return static_cast<Status>(mailbox_->status.load());
}

void WriterProcess::kill() {
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  ended_ = true;
}

void WriterProcess::close() {
  mailbox_->order.store(Mailbox::kClose);
  resume();
}

}  // namespace mu::test
