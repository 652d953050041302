#include "objects.h"

namespace mu {

Objects& objects() {
  // Destroyed at exit, so that segments of a process that ends orderly are unlinked.
  static Objects all;
  return all;
}

}  // namespace mu
