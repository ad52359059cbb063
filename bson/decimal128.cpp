// Decimal128 decoded and printed.
#include "bson/decimal128.hpp"

#include <algorithm>

#include "bson/bytes.hpp"

namespace sluice::bson {

namespace {

constexpr std::int32_t exponent_bias = 6176;

constexpr uint128 coefficient_end = [] {
  uint128 power = 1;
  for (int i = 0; i < 34; ++i) power *= 10;
  return power;
}();

[[nodiscard]] std::string digits_of(uint128 number) {
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(number % 10)));
    number /= 10;
  } while (number != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace

decimal128 decimal128::decode(const std::byte* at) noexcept {
  const auto low = load<std::uint64_t>(at);
  const auto high = load<std::uint64_t>(at + 8);
  decimal128 value;
  value.negative = (high >> 63) != 0;
  const std::uint64_t combination = (high >> 58) & 0x1F;
  if (combination == 0x1F) {
    value.what = kind::not_a_number;
  } else if (combination == 0x1E) {
    value.what = kind::infinity;
  } else if ((combination >> 3) == 0x3) {
    // The second form of the encoding can only express coefficients that are too large.
    value.exponent = static_cast<std::int32_t>((high >> 47) & 0x3FFF) - exponent_bias;
  } else {
    value.exponent = static_cast<std::int32_t>((high >> 49) & 0x3FFF) - exponent_bias;
    value.coefficient = (uint128{high & 0x1FFFFFFFFFFFF} << 64) | low;
    if (value.coefficient >= coefficient_end) value.coefficient = 0;
  }
  return value;
}

std::string to_string(const decimal128& value) {
  if (value.what == decimal128::kind::not_a_number) return "NaN";
  std::string text = value.negative ? "-" : "";
  if (value.what == decimal128::kind::infinity) return text + "Infinity";

  std::string digits = digits_of(value.coefficient);
  const std::int32_t scientific_exponent = value.exponent + static_cast<std::int32_t>(digits.size()) - 1;
  if (value.exponent > 0 || scientific_exponent < -6) {
    if (digits.size() > 1) digits.insert(1, 1, '.');
    text += digits;
    text += scientific_exponent < 0 ? "E-" : "E+";
    return text + std::to_string(std::abs(scientific_exponent));
  }
  if (value.exponent < 0) {
    const auto after_point = static_cast<std::size_t>(-value.exponent);
    if (digits.size() <= after_point) digits.insert(0, after_point + 1 - digits.size(), '0');
    digits.insert(digits.size() - after_point, 1, '.');
  }
  return text + digits;
}

}  // namespace sluice::bson
