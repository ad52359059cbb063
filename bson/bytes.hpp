// Reading and writing the little-endian integers that BSON is made of. Never checks a bound: callers know theirs.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace sluice::bson {

static_assert(std::endian::native == std::endian::little, "BSON integers are read as the machine has them");

template <class Value>
requires std::is_trivially_copyable_v<Value>
[[nodiscard]] inline Value load(const std::byte* at) noexcept {
  Value value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class Value>
requires std::is_trivially_copyable_v<Value>
inline void store(std::byte* at, Value value) noexcept {
  std::memcpy(at, &value, sizeof value);
}

/// A length prefix of bytes that were validated: never negative there.
[[nodiscard]] inline std::uint32_t load_length(const std::byte* at) noexcept {
  return load<std::uint32_t>(at);
}

[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Text up to the zero that ends it.
[[nodiscard]] inline std::string_view c_string_at(const std::byte* at) noexcept {
  return std::string_view(reinterpret_cast<const char*>(at));
}

/// A string value: length (its zero included), bytes, zero. The bytes may hold zeros.
[[nodiscard]] inline std::string_view string_at(const std::byte* at) noexcept {
  return {reinterpret_cast<const char*>(at + 4), load_length(at) - 1};
}

}  // namespace sluice::bson
