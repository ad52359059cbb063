// The few aggregation expressions that a checkpoint's lease needs: its time limit is taken by the server's clock.
#pragma once

#include "bson/document.hpp"

namespace sluice::loopback {

/// A document with the value as its one field, or an empty one for a missing value. Knows "$path", "$$NOW", $literal,
/// $add of dates and integers, $eq $ne $gt $gte $lt $lte, $and $or; everything else is a literal, or refused by name.
[[nodiscard]] bson::document evaluate(bson::element_view expression, bson::document_view document);

[[nodiscard]] bool is_true(bson::element_view expression, bson::document_view document);

}  // namespace sluice::loopback
