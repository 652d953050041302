// As much of a test framework as the native tests need.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace mu::test {

/// A test has failed: what was expected, and where.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A test cannot run here, and why.
class Skip : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Test {
  const char* title;
  void (*body)();
};

std::vector<Test>& all_tests();

struct Registration {
  Registration(const char* title, void (*body)()) { all_tests().push_back({title, body}); }
};

template <typename A, typename B>
void check_equal(const A& is, const B& should, const std::string& what, const char* file,
                 int line) {
  if (is == should) return;
  std::ostringstream text;
  text << file << ":" << line << ": " << what << " is " << +is << ", should be " << +should;
  throw Failure(text.str());
}

inline void check(bool holds, const std::string& what, const char* file, int line) {
  if (!holds) throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

}  // namespace mu::test

#define TEST(id, title)                                        \
  static void id();                                            \
  static const mu::test::Registration registered_##id{title, id}; \
  static void id()
#define CHECK(holds, what) mu::test::check(holds, what, __FILE__, __LINE__)
#define CHECK_EQUAL(is, should, what) mu::test::check_equal(is, should, what, __FILE__, __LINE__)
