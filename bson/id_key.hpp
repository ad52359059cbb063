// The canonical key of an `_id`: equal bytes exactly when the server takes two `_id`s for the same key (no collation).
#pragma once

#include <string>

#include "bson/document_view.hpp"

namespace sluice::bson {

/// Numbers of every type are normalized by value, at every depth (1, 1.0, NumberLong(1), Decimal128("1.00") are one
/// key; -0.0 is 0; NaNs are one). Field order inside an `_id` document does distinguish, and so do keys inside it.
/// Measured on 6.0.5. A collation makes more strings equal: see `holds_string`.
[[nodiscard]] std::string id_key(element_view id);

/// Whether a string occurs in the value at any depth: where the collection has a collation, such keys cannot be told
/// apart by bytes.
[[nodiscard]] bool holds_string(element_view id) noexcept;

}  // namespace sluice::bson
