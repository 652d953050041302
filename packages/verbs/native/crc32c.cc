#include "crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

namespace mu {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, reflected

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t n = 0; n < 256; n++) {
    uint32_t c = n;
    for (int k = 0; k < 8; k++) c = (c & 1) ? (c >> 1) ^ kPolynomial : c >> 1;
    table[n] = c;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t by_instruction(const uint8_t* bytes, size_t length) {
  uint64_t c = ~0u;
  while (length >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    c = _mm_crc32_u64(c, word);
    bytes += 8;
    length -= 8;
  }
  uint32_t low = static_cast<uint32_t>(c);
  for (; length > 0; length--) low = _mm_crc32_u8(low, *bytes++);
  return ~low;
}
bool has_instruction() { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__)
__attribute__((target("+crc"))) uint32_t by_instruction(const uint8_t* bytes, size_t length) {
  uint32_t c = ~0u;
  while (length >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    c = __crc32cd(c, word);
    bytes += 8;
    length -= 8;
  }
  for (; length > 0; length--) c = __crc32cb(c, *bytes++);
  return ~c;
}
bool has_instruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#else
uint32_t by_instruction(const uint8_t* bytes, size_t length) {
  return crc32c_by_table(bytes, length);
}
bool has_instruction() { return false; }
#endif

}  // namespace

uint32_t crc32c_by_table(const uint8_t* bytes, size_t length) {
  uint32_t c = ~0u;
  for (size_t i = 0; i < length; i++) c = kTable[(c ^ bytes[i]) & 0xff] ^ (c >> 8);
  return ~c;
}

uint32_t crc32c(const uint8_t* bytes, size_t length) {
  static const bool fast = has_instruction();
  return fast ? by_instruction(bytes, length) : crc32c_by_table(bytes, length);
}

void seal_trailer(uint8_t* bytes, size_t length) {
  const uint32_t sum = crc32c(bytes, length - kTrailerBytes);
  const uint32_t canary = sum | 1;
  std::memcpy(bytes + length - 8, &sum, 4);
  std::memcpy(bytes + length - 4, &canary, 4);
}

bool trailer_matches(const uint8_t* bytes, size_t length) {
  if (length < kTrailerBytes) return false;
  uint32_t sum;
  uint32_t canary;
  std::memcpy(&sum, bytes + length - 8, 4);
  std::memcpy(&canary, bytes + length - 4, 4);
  return canary == (sum | 1) && crc32c(bytes, length - kTrailerBytes) == sum;
}

}  // namespace mu
