// UTF-8 checked eight bytes at a time while they are ASCII, which nearly all of them are.
#include "bson/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace sluice::bson {

namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080;

[[nodiscard]] constexpr bool is_continuation(unsigned char c) noexcept {
  return (c & 0xC0) == 0x80;
}

/// The length of the multi-byte sequence at the front, 0 when there is no valid one.
[[nodiscard]] std::size_t sequence_bytes(const unsigned char* at, std::size_t room) noexcept {
  const unsigned char lead = at[0];
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return room >= 2 && is_continuation(at[1]) ? 2 : 0;
  // The second byte's range rules out overlong forms (E0, F0), surrogates (ED) and what is past U+10FFFF (F4).
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  const std::size_t length = lead < 0xF0 ? 3 : 4;
  if (room < length || at[1] < low || at[1] > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!is_continuation(at[i])) return 0;
  }
  return length;
}

}  // namespace

std::size_t utf8_prefix_bytes(std::string_view text) noexcept {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t size = text.size();
  std::size_t at = 0;
  while (at < size) {
    if (size - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + at, sizeof word);
      if ((word & high_bits) == 0) {
        at += 8;
        continue;
      }
    }
    if (bytes[at] < 0x80) {
      ++at;
      continue;
    }
    const std::size_t length = sequence_bytes(bytes + at, size - at);
    if (length == 0) return at;
    at += length;
  }
  return size;
}

}  // namespace sluice::bson
