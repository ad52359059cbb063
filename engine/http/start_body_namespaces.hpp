// The namespace filters of POST /api/v1/start, and of the configuration file, which has the same lists. For engine/http
// and tools/config.cpp only: simdjson's header is heavy.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/cluster/document_filter.hpp"
#include "engine/cluster/namespace_map.hpp"
#include "engine/http/json_body.hpp"

namespace sluice::http {

/// [{"database" | "databaseRegex": ..., "collections" | "collectionsRegex": ...}, ...] as rules in text
/// (cluster::parse_rule). `field` is the list's name, for the refusal, which names the element, too.
[[nodiscard]] std::variant<std::vector<std::string>, body_refusal> read_namespace_filters(
    std::string_view field, const simdjson::dom::element& value);

/// [{"from": {"database": ..., "collection": ...}, "to": {...}}, ...]; the collections on both sides or on none.
[[nodiscard]] std::variant<std::vector<cluster::remap>, body_refusal> read_namespace_remaps(
    std::string_view field, const simdjson::dom::element& value);

/// {"field": "tenant", "matchValues": [...]}: JSON values, and {"$oid"}, {"$date"}, {"$binary"}, {"$numberLong"},
/// {"$numberInt"}, {"$numberDouble"} as extended JSON has them.
[[nodiscard]] std::variant<cluster::document_filter, body_refusal> read_document_filter(
    std::string_view field, const simdjson::dom::element& value);

}  // namespace sluice::http
