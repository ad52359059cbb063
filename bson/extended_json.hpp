// Extended JSON v2 out of documents: canonical (keeps every type) and relaxed (reads well). For messages and logs.
#pragma once

#include <string>

#include "bson/document_view.hpp"

namespace sluice::bson {

enum class json_mode { canonical, relaxed };

[[nodiscard]] std::string to_json(document_view document, json_mode mode = json_mode::relaxed);
/// An array's bytes as a JSON array.
[[nodiscard]] std::string array_to_json(document_view array, json_mode mode = json_mode::relaxed);
/// One value, e.g. an `_id` for an error message: {"$oid": "..."}, 42, "abc".
[[nodiscard]] std::string value_to_json(element_view element, json_mode mode = json_mode::relaxed);

}  // namespace sluice::bson
