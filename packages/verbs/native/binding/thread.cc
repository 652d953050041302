#include "thread.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "../handle_table.h"
#include "../types.h"
#include "errors.h"

namespace mu::binding {
namespace {

/// Wakes one event loop; calls are merged until its callback has begun.
class Waker {
 public:
  Waker(Napi::Env env, Napi::Function callback)
      : function_(Napi::ThreadSafeFunction::New(env, callback, "mu-smr wake", 1, 1)),
        pending_(std::make_shared<std::atomic<bool>>(false)) {
    function_.Unref(env);
  }
  ~Waker() { function_.Release(); }

  void signal() {
    if (pending_->exchange(true)) return;
    // The call may come after this object is gone: it holds what it needs.
    const auto run = [pending = pending_](Napi::Env env, Napi::Function callback) {
      pending->store(false);
      // Node hands out what is still queued, without an environment, while that is torn down.
      if (static_cast<napi_env>(env) == nullptr || callback.IsEmpty()) return;
      try {
        callback.Call({});
      } catch (const Napi::Error& error) {
        // As if the event loop had called it: an uncaught exception, not the end of the process.
        if (!error.IsEmpty()) napi_fatal_exception(env, error.Value());
      }
    };
    if (function_.NonBlockingCall(run) != napi_ok) pending_->store(false);
  }

 private:
  Napi::ThreadSafeFunction function_;
  std::shared_ptr<std::atomic<bool>> pending_;
};

HandleTable<Waker, 1024>& wakers() {
  // Never destroyed: at exit a loop may be gone before the waker's owner is.
  static auto* table = new HandleTable<Waker, 1024>();
  return *table;
}

// setThreadScheduling(fifoPriority: number, timerSlackNs: number): number
// prctl(2) PR_SET_TIMERSLACK; sched_setscheduler(2). Returns 0 or the errno of the latter.
Napi::Value set_thread_scheduling(const Napi::CallbackInfo& info) {
  const int priority = info[0].As<Napi::Number>().Int32Value();
  const uint32_t slack = info[1].As<Napi::Number>().Uint32Value();
  prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack == 0 ? 1 : slack), 0, 0, 0);
  if (priority == 0) return Napi::Number::New(info.Env(), 0);
  sched_param parameters{};
  parameters.sched_priority = priority;
  const int result = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters);
  return Napi::Number::New(info.Env(), result == 0 ? 0 : errno);
}

// currentThreadId(): number — gettid(2)
Napi::Value current_thread_id(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(gettid()));
}

// scheduleThread(threadId: number, fifoPriority: number): number
// sched_setscheduler(2) of another thread of this process; 0 gives it back its normal policy.
// Returns 0 or the errno.
Napi::Value schedule_thread(const Napi::CallbackInfo& info) {
  const pid_t thread = info[0].As<Napi::Number>().Int32Value();
  sched_param parameters{};
  parameters.sched_priority = info[1].As<Napi::Number>().Int32Value();
  const int policy = parameters.sched_priority == 0 ? SCHED_OTHER : SCHED_FIFO;
  const int result = sched_setscheduler(thread, policy | SCHED_RESET_ON_FORK, &parameters);
  return Napi::Number::New(info.Env(), result == 0 ? 0 : errno);
}

// createWaker(callback: () => void): number
Napi::Value create_waker(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto waker = std::make_shared<Waker>(info.Env(), info[0].As<Napi::Function>());
    return Napi::Number::New(info.Env(), wakers().add("createWaker", std::move(waker)));
  });
}

// destroyWaker(waker: number): void
void destroy_waker(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    wakers().remove("destroyWaker", info[0].As<Napi::Number>().Uint32Value());
  });
}

// signalWaker(waker: number): void — any thread; nothing happens when it was destroyed.
void signal_waker(const Napi::CallbackInfo& info) {
  try {
    wakers().get("signalWaker", info[0].As<Napi::Number>().Uint32Value())->signal();
  } catch (const VerbsFailure&) {
    // Its loop ended meanwhile: there is nobody to wake.
  }
}

}  // namespace

void export_thread(Napi::Env env, Napi::Object exports) {
  exports["setThreadScheduling"] = Napi::Function::New(env, set_thread_scheduling);
  exports["currentThreadId"] = Napi::Function::New(env, current_thread_id);
  exports["scheduleThread"] = Napi::Function::New(env, schedule_thread);
  exports["createWaker"] = Napi::Function::New(env, create_waker);
  exports["destroyWaker"] = Napi::Function::New(env, destroy_waker);
  exports["signalWaker"] = Napi::Function::New(env, signal_waker);
}

}  // namespace mu::binding
