// What a queue pair hands to its device in one call. The device here is a table of functions, as libibverbs
// itself has it: no real one refuses the n-th of a list on request.
#ifdef MU_IBVERBS

#include "../ibverbs/batch.h"

#include <cerrno>

#include <vector>

#include "check.h"

namespace mu::test {
namespace {

using SendBatch = ibverbs::Batch<ibv_send_wr>;

constexpr uint64_t kFirstId = 100;

/// Notes what each call got, and refuses the work request with one id, or no one's.
struct CountingDevice {
  CountingDevice() {
    context.ops.post_send = post;
    queue_pair.context = &context;
    queue_pair.qp_context = this;
  }

  static int post(ibv_qp* queue_pair, ibv_send_wr* list, ibv_send_wr** refused) {
    auto* self = static_cast<CountingDevice*>(queue_pair->qp_context);
    self->calls.emplace_back();
    if (self->refuses_all) return EIO;
    for (ibv_send_wr* one = list; one != nullptr; one = one->next) {
      if (one->wr_id == self->refused_id) {
        *refused = one;
        return EINVAL;
      }
      self->calls.back().push_back(one->wr_id);
    }
    return 0;
  }

  ibv_context context{};
  ibv_qp queue_pair{};
  uint64_t refused_id = 0;
  bool refuses_all = false;
  std::vector<std::vector<uint64_t>> calls;
};

void fill(SendBatch& batch, uint32_t count) {
  for (uint32_t n = 0; n < count; n++) {
    const auto [request, bytes] = batch.next();
    CHECK(request.next == nullptr && request.sg_list == &bytes, "a place is cleared");
    batch.add(kFirstId + n);
  }
}

TEST(batch_one_call, "a batch is one call, in posted order") {
  for (const uint32_t count : {1u, 2u, SendBatch::kMax}) {
    CountingDevice device;
    SendBatch batch;
    fill(batch, count);
    CHECK_EQUAL(batch.full(), count == SendBatch::kMax, "full");
    CHECK_EQUAL(batch.post(&device.queue_pair), count, "taken");
    CHECK_EQUAL(device.calls.size(), 1u, "calls");
    CHECK_EQUAL(device.calls[0].size(), count, "work requests");
    for (uint32_t n = 0; n < count; n++) CHECK_EQUAL(device.calls[0][n], kFirstId + n, "id");
  }
}

TEST(batch_empty, "an empty batch is no call") {
  CountingDevice device;
  SendBatch batch;
  CHECK_EQUAL(batch.post(&device.queue_pair), 0u, "taken");
  CHECK_EQUAL(device.calls.size(), 0u, "calls");
}

TEST(batch_refused, "what a device refuses, and what comes after it, was not taken") {
  constexpr uint32_t kCount = 5;
  for (uint32_t refused = 0; refused < kCount; refused++) {
    CountingDevice device;
    device.refused_id = kFirstId + refused;
    SendBatch batch;
    fill(batch, kCount);
    const uint32_t taken = batch.post(&device.queue_pair);
    CHECK_EQUAL(taken, refused, "taken");
    CHECK_EQUAL(batch.id(taken), kFirstId + refused, "the refused one");
  }
  CountingDevice device;
  device.refuses_all = true;
  SendBatch batch;
  fill(batch, kCount);
  CHECK_EQUAL(batch.post(&device.queue_pair), 0u, "taken when nobody is named");
}

}  // namespace
}  // namespace mu::test

#endif
