// Tells the processor what will be written soon.
#pragma once

#include <cstdint>

namespace mu::shm {

/// Fetches a cache line for writing, away from whoever has it. What the compiler makes of its own built-in
/// function for any x86 processor fetches it for reading, and a store would have to ask for it again.
inline void expect_store(const uint8_t* line) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*line));
#else
  __builtin_prefetch(line, 1);
#endif
}

}  // namespace mu::shm
