// The little of the query language that a checkpoint needs. What it does not know it refuses by name: a wrong answer
// would make a test lie.
#pragma once

#include <stdexcept>
#include <string_view>

#include "bson/document.hpp"

namespace sluice::loopback {

/// Thrown for operators that this server does not speak; becomes ok: 0.
struct unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Equality, $eq $ne $gt $gte $lt $lte $in $nin $exists on dotted paths through documents, $and, $or, $expr.
[[nodiscard]] bool matches(bson::document_view document, bson::document_view filter);

/// A document whose first key is an operator.
[[nodiscard]] bool is_operators(bson::element_view value);

/// The value at a dotted path; a false element if there is none.
[[nodiscard]] bson::element_view value_at(bson::document_view document, std::string_view path);

}  // namespace sluice::loopback
