// The namespace filters of POST /api/v1/start, and of the configuration file, which has the same lists. For engine/http
// and tools/config.cpp only: simdjson's header is heavy.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/http/json_body.hpp"

namespace sluice::http {

/// [{"database" | "databaseRegex": ..., "collections" | "collectionsRegex": ...}, ...] as rules in text
/// (cluster::parse_rule). `field` is the list's name, for the refusal, which names the element, too.
[[nodiscard]] std::variant<std::vector<std::string>, body_refusal> read_namespace_filters(
    std::string_view field, const simdjson::dom::element& value);

}  // namespace sluice::http
