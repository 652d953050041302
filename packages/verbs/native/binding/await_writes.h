// Waiting for the write of a ring's memory to several targets, without JavaScript.
#pragma once

#include "../provider.h"

namespace mu::binding {

/// Two microseconds or so, where a look finds nothing: then JavaScript may have something else to do.
constexpr uint32_t kLooks = 64;

/// Waits until as many targets as are needed have the write, another completion is first, or the time is
/// over. A bit for each target that was found to have it, of which no completion comes any more; and 16
/// bits higher one for each of which earlier writes were found done, with what `WriteNow` tells of them.
uint32_t await_writes(WriteNow& write);

}  // namespace mu::binding
