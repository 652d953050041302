// CRC-32C (RFC 3720): in hardware where the processor has it, by table elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mu {

uint32_t crc32c(const uint8_t* bytes, size_t length);

/// The same without the processor's help.
uint32_t crc32c_by_table(const uint8_t* bytes, size_t length);

/// Stores the trailer of `bytes[0, length)` in its last 8 bytes: see src/integrity.ts.
void seal_trailer(uint8_t* bytes, size_t length);

/// Whether `bytes[0, length)` carries the trailer that `seal_trailer` would store.
bool trailer_matches(const uint8_t* bytes, size_t length);

constexpr size_t kTrailerBytes = 8;

}  // namespace mu
