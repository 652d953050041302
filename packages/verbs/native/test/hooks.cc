#include "../shm/test_hook.h"

namespace mu::shm {

void (*test_hook)(HookPoint point, size_t index) = nullptr;

}  // namespace mu::shm
