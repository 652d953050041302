// A futex in the control segment, on which the owner sleeps and which peers ring.
#pragma once

#include <cstdint>

#include "death_watch.h"
#include "layout.h"

namespace mu::shm {

void ring_doorbell(SegmentHeader& header);

/// Spins for `spin_us`, then sleeps; until the counter differs from `seen`, a watched peer dies or the
/// time is over. Returns the counter.
uint32_t wait_on_doorbell(SegmentHeader& header, const DeathWatch& deaths, uint32_t seen,
                          uint32_t timeout_us, uint32_t spin_us);

}  // namespace mu::shm
