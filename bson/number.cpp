// Exact values of numbers. Doubles and decimals meet as decimal digits: each double has a finite decimal expansion.
#include "bson/number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

namespace sluice::bson {

namespace {

using form = exact_number::form;

constexpr std::uint64_t int64_min_magnitude = std::uint64_t{1} << 63;
constexpr std::uint64_t double_mantissa_end = std::uint64_t{1} << 53;

[[nodiscard]] exact_number of(std::int64_t value) noexcept {
  return {.integer = value, .decimal = {}};
}

[[nodiscard]] exact_number of(double value) noexcept {
  if (std::trunc(value) == value && value >= -0x1p63 && value < 0x1p63) return of(static_cast<std::int64_t>(value));
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  return {.held_as = form::binary, .binary = value, .decimal = {}};
}

/// The value as an integer if it is one of 64 bits. Without trailing zeros a negative exponent means a fraction.
[[nodiscard]] std::optional<std::int64_t> as_integer(const decimal128& stripped) noexcept {
  if (stripped.exponent < 0) return {};
  const uint128 limit = stripped.negative ? int64_min_magnitude : int64_min_magnitude - 1;
  uint128 magnitude = stripped.coefficient;
  for (std::int32_t i = 0; i < stripped.exponent && magnitude <= limit; ++i) magnitude *= 10;
  if (magnitude > limit) return {};
  const auto bits = static_cast<std::uint64_t>(magnitude);
  return static_cast<std::int64_t>(stripped.negative ? ~bits + 1 : bits);
}

/// The value as a double if one is exactly equal. 10^e is 5^e * 2^e, and the twos only move the double's exponent;
/// the fives must divide the coefficient (e < 0) or fit into the mantissa with it (e >= 0).
[[nodiscard]] std::optional<double> as_binary(const decimal128& stripped) noexcept {
  uint128 mantissa = stripped.coefficient;
  for (std::int32_t i = stripped.exponent; i < 0; ++i) {
    if (mantissa % 5 != 0) return {};
    mantissa /= 5;
  }
  int twos = 0;
  for (; mantissa % 2 == 0; mantissa /= 2) ++twos;
  for (std::int32_t i = 0; i < stripped.exponent && mantissa < double_mantissa_end; ++i) mantissa *= 5;
  if (mantissa >= double_mantissa_end) return {};
  const double magnitude = std::ldexp(static_cast<double>(mantissa), twos + stripped.exponent);
  return stripped.negative ? -magnitude : magnitude;
}

[[nodiscard]] exact_number of(decimal128 value) noexcept {
  if (value.what == decimal128::kind::not_a_number) return of(std::numeric_limits<double>::quiet_NaN());
  if (value.what == decimal128::kind::infinity) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return of(value.negative ? -infinity : infinity);
  }
  if (value.coefficient == 0) return of(std::int64_t{0});
  while (value.coefficient % 10 == 0) {
    value.coefficient /= 10;
    ++value.exponent;
  }
  if (const auto integer = as_integer(value)) return of(*integer);
  if (const auto binary = as_binary(value)) return of(*binary);
  return {.held_as = form::decimal, .decimal = value};
}

/// A positive number as its decimal digits: 0.d1d2d3... * 10^exponent, the last digit is not zero.
class decimal_digits {
 public:
  explicit decimal_digits(const exact_number& number) noexcept {
    switch (number.held_as) {
      case form::integer: {
        const auto bits = static_cast<std::uint64_t>(number.integer);
        take_integer(number.integer < 0 ? ~bits + 1 : bits, 0);
        break;
      }
      case form::binary:
        take_double(std::abs(number.binary));
        break;
      case form::decimal:
        take_integer(number.decimal.coefficient, number.decimal.exponent);
        break;
    }
    while (end_ > begin_ && text_[end_ - 1] == '0') --end_;
  }

  [[nodiscard]] friend std::strong_ordering operator<=>(const decimal_digits& a, const decimal_digits& b) noexcept {
    if (const auto order = a.exponent_ <=> b.exponent_; order != 0) return order;
    return a.digits() <=> b.digits();
  }

 private:
  // No double has more than 767 significant digits.
  static constexpr int double_digits_max = 767;

  [[nodiscard]] std::string_view digits() const noexcept { return {text_ + begin_, end_ - begin_}; }

  void take_integer(uint128 number, std::int32_t exponent) noexcept {
    begin_ = end_ = sizeof text_;
    for (; number != 0; number /= 10) text_[--begin_] = static_cast<char>('0' + static_cast<int>(number % 10));
    exponent_ = exponent + static_cast<std::int32_t>(end_ - begin_);
  }

  void take_double(double magnitude) noexcept {
    char* const text_end = text_ + sizeof text_;
    const auto [after, error] =
        std::to_chars(text_, text_end, magnitude, std::chars_format::scientific, double_digits_max - 1);
    // "d.ddd...e+xx": the first digit takes the point's place.
    text_[1] = text_[0];
    begin_ = 1;
    end_ = 1 + double_digits_max;
    const char* exponent_text = text_ + end_ + 1;
    if (*exponent_text == '+') ++exponent_text;
    std::from_chars(exponent_text, after, exponent_);
    ++exponent_;
  }

  char text_[double_digits_max + 16];
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::int32_t exponent_ = 0;
};

[[nodiscard]] int sign(const exact_number& number) noexcept {
  switch (number.held_as) {
    case form::integer:
      return (number.integer > 0) - (number.integer < 0);
    case form::binary:
      return number.binary < 0 ? -1 : 1;
    case form::decimal:
      return number.decimal.negative ? -1 : 1;
  }
  return 0;
}

/// `binary` is no integer of 64 bits: it lies beyond them or between two.
[[nodiscard]] std::weak_ordering compare(std::int64_t integer, double binary) noexcept {
  if (binary >= 0x1p63) return std::weak_ordering::less;
  if (binary < -0x1p63) return std::weak_ordering::greater;
  const auto below = static_cast<std::int64_t>(std::floor(binary));
  return integer <= below ? std::weak_ordering::less : std::weak_ordering::greater;
}

[[nodiscard]] bool is_nan(const exact_number& n) noexcept {
  return n.held_as == form::binary && std::isnan(n.binary);
}
[[nodiscard]] bool is_infinite(const exact_number& n) noexcept {
  return n.held_as == form::binary && std::isinf(n.binary);
}

}  // namespace

exact_number exact(element_view number) noexcept {
  if (const auto value = number.as_int32()) return of(std::int64_t{*value});
  if (const auto value = number.as_int64()) return of(*value);
  if (const auto value = number.as_double()) return of(*value);
  return of(decimal128::decode(number.value().data()));
}

std::weak_ordering compare(const exact_number& a, const exact_number& b) noexcept {
  if (is_nan(a) || is_nan(b)) return is_nan(b) <=> is_nan(a);
  if (a.held_as == form::integer && b.held_as == form::integer) return a.integer <=> b.integer;
  if (a.held_as == form::integer && b.held_as == form::binary) return compare(a.integer, b.binary);
  if (a.held_as == form::binary && b.held_as == form::integer) return 0 <=> compare(b.integer, a.binary);
  if (a.held_as == form::binary && b.held_as == form::binary) {
    if (a.binary == b.binary) return std::weak_ordering::equivalent;
    return a.binary < b.binary ? std::weak_ordering::less : std::weak_ordering::greater;
  }
  // At least one is a decimal, which is neither zero nor infinite.
  if (sign(a) != sign(b)) return sign(a) <=> sign(b);
  const bool negative = sign(a) < 0;
  std::weak_ordering magnitudes = std::weak_ordering::equivalent;
  if (is_infinite(a) || is_infinite(b)) {
    magnitudes = is_infinite(a) <=> is_infinite(b);
  } else {
    magnitudes = decimal_digits(a) <=> decimal_digits(b);
  }
  return negative ? 0 <=> magnitudes : magnitudes;
}

}  // namespace sluice::bson
