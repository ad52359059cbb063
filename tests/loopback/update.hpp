// The little of the update language that a checkpoint needs; refuses the rest by name.
#pragma once

#include "bson/document.hpp"

namespace sluice::loopback {

/// `update` is a replacement (keeps `_id`); or $set, $setOnInsert, $unset, $inc, $min, $max on dotted paths through
/// documents; or a pipeline of $set, $addFields, $unset, $replaceWith.
[[nodiscard]] bson::document updated(bson::document_view document, bson::element_view update, bool is_insert);

/// What an upsert starts from: the filter's equalities without dots.
[[nodiscard]] bson::document upsert_base(bson::document_view filter);

}  // namespace sluice::loopback
