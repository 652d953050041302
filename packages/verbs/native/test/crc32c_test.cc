#include "../crc32c.h"

#include <cstring>
#include <vector>

#include "check.h"

namespace mu::test {
namespace {

uint32_t of(const std::vector<uint8_t>& bytes) { return crc32c(bytes.data(), bytes.size()); }

// RFC 3720, appendix B.4.
TEST(vectors, "crc32c gives the checksums of RFC 3720") {
  std::vector<uint8_t> rising(32);
  std::vector<uint8_t> falling(32);
  for (uint8_t i = 0; i < 32; i++) rising[i] = falling[31 - i] = i;
  CHECK_EQUAL(of(std::vector<uint8_t>(32, 0)), 0x8a9136aau, "32 zeros");
  CHECK_EQUAL(of(std::vector<uint8_t>(32, 0xff)), 0x62a8ab43u, "32 ones");
  CHECK_EQUAL(of(rising), 0x46dd794eu, "rising");
  CHECK_EQUAL(of(falling), 0x113fdb5cu, "falling");
  const auto* digits = reinterpret_cast<const uint8_t*>("123456789");
  CHECK_EQUAL(crc32c(digits, 9), 0xe3069283u, "123456789");
}

TEST(table, "crc32c by the processor is crc32c by the table, at every length and alignment") {
  std::vector<uint8_t> bytes(1700);
  uint32_t seed = 1;
  for (auto& byte : bytes) {
    seed = seed * 1664525u + 1013904223u;
    byte = static_cast<uint8_t>(seed >> 24);
  }
  for (size_t from = 0; from < 16; from++)
    for (size_t length = 0; length <= 1680; length++)
      CHECK_EQUAL(crc32c(bytes.data() + from, length),
                  crc32c_by_table(bytes.data() + from, length), "length " + std::to_string(length));
}

TEST(trailer, "a sealed entry matches, and no entry with one bit changed does") {
  for (const size_t length : {8u, 9u, 64u, 100u}) {
    std::vector<uint8_t> bytes(length, 0x5a);
    seal_trailer(bytes.data(), length);
    CHECK(trailer_matches(bytes.data(), length), "sealed");
    CHECK(!trailer_matches(bytes.data(), 7), "too short for a trailer");
    for (size_t bit = 0; bit < length * 8; bit++) {
      // The canary is the sum with its lowest bit set, so that bit of the sum is in it only once.
      bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
      CHECK(!trailer_matches(bytes.data(), length), "bit " + std::to_string(bit));
      bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    }
  }
}

}  // namespace
}  // namespace mu::test
