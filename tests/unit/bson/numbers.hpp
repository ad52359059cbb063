// Numbers of every type for tests, and their exact values by arithmetic that shares nothing with the code under test.
#pragma once

#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>

#include <boost/multiprecision/cpp_int.hpp>

#include "bson/document.hpp"
#include "corpus.hpp"
#include "random_document.hpp"

namespace sluice::bson::test {

using integer = boost::multiprecision::cpp_int;
using rational = boost::multiprecision::cpp_rational;

inline document decimal_of_bytes(const std::byte (&value)[16]) {
  std::vector<std::byte> bytes = from_hex("170000001300");
  bytes.insert(bytes.end(), value, value + 16);
  bytes.push_back(std::byte{0});
  return document(std::move(bytes));
}

/// {"": Decimal128} with a coefficient below 2^113; the caller keeps it below 10^34.
inline document decimal(bool negative, const integer& coefficient, int exponent) {
  const auto low = static_cast<std::uint64_t>(coefficient & std::numeric_limits<std::uint64_t>::max());
  auto high = static_cast<std::uint64_t>(coefficient >> 64);
  high |= static_cast<std::uint64_t>(exponent + 6176) << 49 | static_cast<std::uint64_t>(negative) << 63;
  std::byte value[16];
  std::memcpy(value, &low, 8);
  std::memcpy(value + 8, &high, 8);
  return decimal_of_bytes(value);
}

/// {"": Decimal128} with this first (sign and combination) byte: 78 infinity, F8 its negative, 7C not a number.
inline document decimal_special(std::string_view first_byte_hex) {
  std::byte value[16] = {};
  value[15] = from_hex(first_byte_hex).front();
  return decimal_of_bytes(value);
}

inline integer power_of_ten(int exponent) {
  return boost::multiprecision::pow(integer(10), static_cast<unsigned>(exponent));
}

/// Of a finite number; Decimal128 only as decimal() writes it.
inline rational exact_value(element_view number) {
  if (const auto value = number.as_int32()) return rational(*value);
  if (const auto value = number.as_int64()) return rational(*value);
  if (const auto value = number.as_double()) {
    int exponent = 0;
    const auto mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(*value, &exponent), 53));
    exponent -= 53;
    return exponent >= 0 ? rational(integer(mantissa) << exponent) : rational(mantissa, integer(1) << -exponent);
  }
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::memcpy(&low, number.value().data(), 8);
  std::memcpy(&high, number.value().data() + 8, 8);
  integer coefficient = (integer(high & 0x1FFFFFFFFFFFF) << 64) | low;
  if ((high >> 63) != 0) coefficient = -coefficient;
  const int exponent = static_cast<int>((high >> 49) & 0x3FFF) - 6176;
  return exponent >= 0 ? rational(coefficient * power_of_ten(exponent))
                       : rational(coefficient, power_of_ten(-exponent));
}

/// Finite numbers that often meet: small, at powers of two and of ten, at the limits of their types; {"": number}.
class random_numbers {
 public:
  explicit random_numbers(random_documents& random) : random_(random) {}

  document next() {
    switch (random_.below(4)) {
      case 0:
        return builder().append("", static_cast<std::int32_t>(integer_near_something())).finish();
      case 1:
        return builder().append("", integer_near_something()).finish();
      case 2:
        return builder().append("", double_near_something()).finish();
      default:
        return decimal_near_something();
    }
  }

  /// The same value in a type and notation chosen anew where one exists, else the number itself.
  document same_value_otherwise(const document& number) {
    const rational value = exact_value(*number.view().begin());
    const integer top = numerator(value);
    const integer magnitude = abs(top);
    const bool whole = denominator(value) == 1;
    switch (random_.below(4)) {
      case 0:
        if (whole && magnitude < (integer(1) << 31)) {
          return builder().append("", static_cast<std::int32_t>(top)).finish();
        }
        break;
      case 1:
        if (whole && magnitude < (integer(1) << 63)) {
          return builder().append("", static_cast<std::int64_t>(top)).finish();
        }
        break;
      case 2: {
        if (magnitude > (integer(1) << 1000) || denominator(value) > (integer(1) << 1000)) break;
        document converted = builder().append("", value.convert_to<double>()).finish();
        if (exact_value(*converted.view().begin()) == value) return converted;
        break;
      }
      default:
        for (int exponent = -60; exponent <= 0; ++exponent) {
          const rational scaled = value * power_of_ten(-exponent);
          if (denominator(scaled) != 1 || abs(numerator(scaled)) >= power_of_ten(34)) continue;
          if (exponent < 0 && random_.chance(2)) continue;
          return decimal(top < 0, abs(numerator(scaled)), exponent);
        }
        break;
    }
    return number;
  }

 private:
  std::int64_t integer_near_something() {
    const std::int64_t offset = static_cast<std::int64_t>(random_.below(5)) - 2;
    const std::uint64_t power = std::uint64_t{1} << random_.below(64);
    const auto number = static_cast<std::int64_t>(power + static_cast<std::uint64_t>(offset));
    if (random_.chance(3)) return offset;
    return random_.chance(2) ? number : static_cast<std::int64_t>(-static_cast<std::uint64_t>(number));
  }

  double double_near_something() {
    switch (random_.below(4)) {
      case 0:
        return static_cast<double>(integer_near_something());
      case 1:
        return static_cast<double>(integer_near_something() % 1000) / static_cast<double>(1 << random_.below(12));
      case 2:
        return static_cast<double>(integer_near_something() % 1000) *
               std::pow(10, static_cast<int>(random_.below(600)) - 300);
      default: {
        const auto any = std::bit_cast<double>(random_.engine()());
        return std::isfinite(any) ? any : 0.25;
      }
    }
  }

  document decimal_near_something() {
    const bool negative = random_.chance(2);
    switch (random_.below(4)) {
      case 0:
        return decimal(negative, random_.below(3), static_cast<int>(random_.below(12287)) - 6176);
      case 1:
        return decimal(negative, power_of_ten(static_cast<int>(random_.below(34))) + random_.below(2),
                       static_cast<int>(random_.below(80)) - 40);
      case 2: {
        // A double's first 34 digits: equal to it, or just beside.
        const double near = std::abs(double_near_something());
        char text[64];
        std::snprintf(text, sizeof text, "%.33e", near);
        std::string digits(text, 35);
        digits.erase(1, 1);
        const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
        return decimal(negative, integer(digits.substr(first)) + random_.below(2), std::atoi(text + 36) - 33);
      }
      default:
        return decimal(negative, integer(random_.engine()()) * random_.below(1000),
                       static_cast<int>(random_.below(60)) - 50);
    }
  }

  random_documents& random_;
};

}  // namespace sluice::bson::test
