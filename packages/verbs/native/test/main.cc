// Runs every test, or those whose title contains the first argument: one line for each.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>

#include "check.h"

namespace mu::test {

std::vector<Test>& all_tests() {
  static std::vector<Test> tests;
  return tests;
}

namespace {

constexpr unsigned kSecondsMax = 120;

enum class Verdict { kPassed, kFailed, kSkipped };

Verdict run(const Test& test) {
  const auto began = std::chrono::steady_clock::now();
  try {
    test.body();
  } catch (const Skip& skip) {
    std::printf("skipped  %s: %s\n", test.title, skip.what());
    return Verdict::kSkipped;
  } catch (const std::exception& failure) {
    std::printf("FAILED   %s: %s\n", test.title, failure.what());
    return Verdict::kFailed;
  }
  const auto took = std::chrono::steady_clock::now() - began;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  std::printf("ok       %s (%lld ms)\n", test.title, static_cast<long long>(ms));
  return Verdict::kPassed;
}

}  // namespace
}  // namespace mu::test

int main(int count, char** arguments) {
  const char* wanted = count > 1 ? arguments[1] : "";
  // A line at a time: forked writers must not inherit a half-filled buffer.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  // A test that hangs fails, and takes its writers with it.
  alarm(mu::test::kSecondsMax);
  int failed = 0;
  int ran = 0;
  for (const auto& test : mu::test::all_tests()) {
    if (std::strstr(test.title, wanted) == nullptr) continue;
    ran++;
    if (mu::test::run(test) == mu::test::Verdict::kFailed) failed++;
  }
  std::printf("%d tests, %d failed\n", ran, failed);
  return failed != 0 || ran == 0 ? 1 : 0;
}
