// Lets the fencing test stop a thread between any two steps; nothing in released builds.
#pragma once

#include <cstddef>

namespace mu::shm {

enum class HookPoint {
  /// The writer knows that it is admitted, and has not declared itself inside.
  kAdmitted,
  /// It stands inside, and has not looked whether the region is still the one it has mapped.
  kEntered,
  /// Before each byte of its copy, with the byte's index.
  kByte,
  /// All is copied; it still stands inside.
  kCopied,
  /// It has left, or found that it was cut off; nobody has been told.
  kLeft,
  /// The owner has cut off whoever was stuck, and is about to copy the region.
  kRelocating,
};

#ifdef MU_TEST_HOOKS
extern void (*test_hook)(HookPoint point, size_t index);
inline void reach(HookPoint point, size_t index = 0) {
  if (test_hook != nullptr) test_hook(point, index);
}
#else
inline void reach(HookPoint, size_t = 0) {}
#endif

}  // namespace mu::shm
