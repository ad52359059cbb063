// Numbers of all four types by their exact value: how servers compare them and tell `_id`s apart. Never rounds.
#pragma once

#include <compare>
#include <cstdint>

#include "bson/decimal128.hpp"
#include "bson/document_view.hpp"

namespace sluice::bson {

/// One value has one representation, whatever type it came in: the first of these forms that holds it exactly.
struct exact_number {
  enum class form : std::uint8_t {
    integer,  // fits 64 bits; zero of either sign is here
    binary,   // any other double, infinities and the one NaN included
    decimal,  // only Decimal128 has it: finite, no trailing zeros in the coefficient
  };

  form held_as = form::integer;
  std::int64_t integer = 0;
  double binary = 0;
  decimal128 decimal;
};

[[nodiscard]] constexpr bool is_number(type t) noexcept {
  return t == type::double_ || t == type::int32 || t == type::int64 || t == type::decimal128;
}

/// `number` is an element for which is_number holds.
[[nodiscard]] exact_number exact(element_view number) noexcept;

/// NaN below everything and equal to itself, as in the server's index order.
[[nodiscard]] std::weak_ordering compare(const exact_number& a, const exact_number& b) noexcept;

}  // namespace sluice::bson
