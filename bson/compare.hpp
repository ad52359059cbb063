// Documents compared: by bytes, and in the order in which servers sort values (`_id` ranges need it).
#pragma once

#include <compare>
#include <string>

#include "bson/document_view.hpp"

namespace sluice::bson {

[[nodiscard]] bool same_bytes(document_view a, document_view b) noexcept;

/// The server's value order without a collation (MinKey < null < numbers < strings < documents < arrays < binary <
/// ObjectId < bool < date < timestamp < regex < ... < MaxKey; numbers by value across types, Decimal128 included).
/// Keys of the two elements do not count, nor do the keys inside arrays (as in the server's index keys).
[[nodiscard]] std::weak_ordering compare_values(element_view a, element_view b) noexcept;

/// Where two documents first differ, as a dotted path ("a.b.3"; an empty key shows as ""); empty when their bytes are
/// the same.
[[nodiscard]] std::string first_difference(document_view a, document_view b);

}  // namespace sluice::bson
