#include "measure.h"

#include <cstring>
#include <memory>

#include "../clock.h"
#include "../objects.h"
#include "../rings.h"
#include "errors.h"

namespace mu::binding {
namespace {

/// Posts the same entries again and again, and waits each time for `needed` of them.
class RawLoop {
 public:
  RawLoop(SendRing& ring, CompletionQueue& queue, const SendEntry* entries, uint32_t count,
          uint32_t needed)
      : ring_(ring),
        queue_(queue),
        ring_words_(reinterpret_cast<uint32_t*>(ring.memory()->data())),
        ring_mask_((ring.memory()->size() / 4 - kRingEntries - kNowWords) / kSendEntryWords - 1),
        entries_(entries),
        count_(count),
        needed_(needed) {}

  /// One round; false when a write failed.
  bool round() {
    uint32_t producer = ring_words_[kRingProducer];
    auto* slots = reinterpret_cast<SendEntry*>(ring_words_ + kRingEntries);
    for (uint32_t i = 0; i < count_; i++) slots[producer++ & ring_mask_] = entries_[i];
    ring_words_[kRingProducer] = producer;
    ring_.doorbell();

    // Late ones of the round before are consumed with this one's: they do not count for it.
    const uint32_t target = completed_total_ + needed_;
    completed_total_ += count_;
    while (static_cast<int32_t>(consumed_total_ - target) < 0)
      if (!take()) return false;
    return true;
  }

  bool drain() {
    while (consumed_total_ != completed_total_)
      if (!take()) return false;
    return true;
  }

 private:
  bool take() {
    queue_.poll();
    CompletionRing& completions = queue_.ring();
    for (; const CompletionEntry* one = completions.oldest(); consumed_total_++) {
      if (one->status != 0) return false;
      completions.drop_oldest();
    }
    return true;
  }

  SendRing& ring_;
  CompletionQueue& queue_;
  uint32_t* ring_words_;
  uint32_t ring_mask_;
  const SendEntry* entries_;
  uint32_t count_;
  uint32_t needed_;
  uint32_t completed_total_ = 0;
  uint32_t consumed_total_ = 0;
};

// measureWrites(ring, queue, entries: Uint32Array, needed, rounds, latenciesNs?: Uint32Array):
// number Returns the nanoseconds of all rounds; with latencies, each round's too, clock reads
// included. The ring and the queue are used by nobody else, and by no JavaScript before or after.
Napi::Value measure_writes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto ring = objects().send_rings.get("measureWrites", info[0].As<Napi::Number>().Uint32Value());
    auto queue =
        objects().completion_queues.get("measureWrites", info[1].As<Napi::Number>().Uint32Value());
    const auto entries = info[2].As<Napi::Uint32Array>();
    const uint32_t needed = info[3].As<Napi::Number>().Uint32Value();
    const uint32_t rounds = info[4].As<Napi::Number>().Uint32Value();
    RawLoop loop(*ring, *queue, reinterpret_cast<const SendEntry*>(entries.Data()),
                 static_cast<uint32_t>(entries.ElementLength() / kSendEntryWords), needed);

    bool ok = true;
    const uint64_t begin = now_ns();
    if (info[5].IsTypedArray()) {
      auto latencies = info[5].As<Napi::Uint32Array>();
      uint64_t before = begin;
      for (uint32_t n = 0; ok && n < rounds; n++) {
        ok = loop.round();
        const uint64_t after = now_ns();
        latencies[n] = static_cast<uint32_t>(after - before);
        before = after;
      }
    } else {
      for (uint32_t n = 0; ok && n < rounds; n++) ok = loop.round();
    }
    const uint64_t end = now_ns();
    ok = ok && loop.drain();
    if (!ok) throw VerbsFailure("measureWrites", EIO, "a write of the raw loop failed");
    return Napi::Number::New(info.Env(), static_cast<double>(end - begin));
  });
}

}  // namespace

void export_measure(Napi::Env env, Napi::Object exports) {
  exports["measureWrites"] = Napi::Function::New(env, measure_writes);
}

}  // namespace mu::binding
