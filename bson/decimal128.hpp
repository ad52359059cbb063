// Decimal128 (IEEE 754-2008, binary integer encoding) taken apart, and as text. Does no arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::bson {

__extension__ using uint128 = unsigned __int128;

/// The number is (-1)^negative * coefficient * 10^exponent when finite.
struct decimal128 {
  enum class kind : std::uint8_t { finite, infinity, not_a_number };

  kind what = kind::finite;
  bool negative = false;
  uint128 coefficient = 0;  // below 10^34
  std::int32_t exponent = 0;

  /// Reads the 16 bytes of a value. Coefficients past 34 digits are no canonical encoding and count as zero.
  [[nodiscard]] static decimal128 decode(const std::byte* at) noexcept;
};

/// As the Extended JSON specification writes it: every digit and the exponent are kept ("1.00", "1E+3", "-0E-2").
[[nodiscard]] std::string to_string(const decimal128& value);

}  // namespace sluice::bson
