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
#define MU_CRC32C __attribute__((target("sse4.2")))
MU_CRC32C inline uint32_t of_word(uint32_t c, uint64_t word) {
  return static_cast<uint32_t>(_mm_crc32_u64(c, word));
}
MU_CRC32C inline uint32_t of_byte(uint32_t c, uint8_t byte) { return _mm_crc32_u8(c, byte); }
bool has_instruction() { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__)
#define MU_CRC32C __attribute__((target("+crc")))
MU_CRC32C inline uint32_t of_word(uint32_t c, uint64_t word) { return __crc32cd(c, word); }
MU_CRC32C inline uint32_t of_byte(uint32_t c, uint8_t byte) { return __crc32cb(c, byte); }
bool has_instruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#endif

#ifdef MU_CRC32C
/// An instruction takes three cycles, and one can be begun in each: so three stretches at once.
constexpr size_t kStretch = 256;

/// What a stretch of zeros makes of a register with only that byte of it set, for each byte and value. All
/// of it is linear, so what it makes of each bit is enough.
constexpr std::array<std::array<uint32_t, 256>, 4> make_shifts() {
  std::array<uint32_t, 32> of_bit{};
  for (uint32_t bit = 0; bit < 32; bit++) {
    uint32_t c = 1u << bit;
    for (size_t n = 0; n < kStretch; n++) c = kTable[c & 0xff] ^ (c >> 8);
    of_bit[bit] = c;
  }
  std::array<std::array<uint32_t, 256>, 4> shifts{};
  for (uint32_t byte = 0; byte < 4; byte++)
    for (uint32_t value = 0; value < 256; value++)
      for (uint32_t bit = 0; bit < 8; bit++)
        if ((value >> bit & 1) != 0) shifts[byte][value] ^= of_bit[byte * 8 + bit];
  return shifts;
}
constexpr std::array<std::array<uint32_t, 256>, 4> kShifts = make_shifts();

uint32_t behind_a_stretch(uint32_t c) {
  return kShifts[0][c & 0xff] ^ kShifts[1][c >> 8 & 0xff] ^ kShifts[2][c >> 16 & 0xff] ^
         kShifts[3][c >> 24];
}

uint64_t word_at(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, 8);
  return word;
}

MU_CRC32C uint32_t by_instruction(const uint8_t* bytes, size_t length) {
  uint32_t c = ~0u;
  for (; length >= 3 * kStretch; bytes += 3 * kStretch, length -= 3 * kStretch) {
    uint32_t second = 0;
    uint32_t third = 0;
    for (const uint8_t* at = bytes; at < bytes + kStretch; at += 8) {
      c = of_word(c, word_at(at));
      second = of_word(second, word_at(at + kStretch));
      third = of_word(third, word_at(at + 2 * kStretch));
    }
    c = behind_a_stretch(behind_a_stretch(c) ^ second) ^ third;
  }
  for (; length >= 8; bytes += 8, length -= 8) c = of_word(c, word_at(bytes));
  for (; length > 0; length--) c = of_byte(c, *bytes++);
  return ~c;
}
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
