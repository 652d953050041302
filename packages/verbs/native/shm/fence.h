// The owner's side of the fence: nobody keeps standing in our memory without the right to.
#pragma once

#include "admission.h"
#include "own_segment.h"

namespace mu::shm {

/// Returns when nobody changes bytes through this queue pair without the right to (`needs_fence`):
/// waits for a bounded time, then relocates the region that the writer is stuck in. Returns how
/// many regions it relocated.
///
/// Call it after the right was taken out of the admission word. Throws ENOSPC when the fabric has
/// no room to relocate: the right stays away, and `fence_domain` refuses to let anybody else in.
uint32_t fence(OwnSegment& segment, QueuePairSlot& queue_pair);

/// Fences every queue pair of one protection domain: before a right to change bytes is given,
/// nobody may be left from an earlier revocation that failed.
void fence_domain(OwnSegment& segment, uint32_t domain);

/// Waits, for a bounded time, for everybody inside a region that nobody can enter any more, and
/// cuts off who is still there. Returns whether one of them may still store into the memory it
/// mapped.
bool expel(OwnSegment& segment, uint32_t region);

/// Sets ERR when the queue pair still works in that connection; a later one is not touched.
void fail_connection(QueuePairSlot& queue_pair, uint32_t connection);

}  // namespace mu::shm
