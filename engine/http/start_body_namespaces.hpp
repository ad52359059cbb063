// What POST /api/v1/start says of namespaces, and the configuration file and flags in the same form: filters, remaps,
// the document filter, shard keys. For engine/http, tools/config.cpp and tools/serve_values.cpp only: simdjson's header
// is heavy.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/cluster/document_filter.hpp"
#include "engine/cluster/namespace_map.hpp"
#include "engine/cluster/sharding_choice.hpp"
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

/// {"shardingEntries": [{"database", "collection", "shardCollection": {"key": [{"a": 1}, {"_id": "hashed"}]}}]} and
/// what may stand beside that; "sharding" is its name wherever it is given.
[[nodiscard]] std::variant<cluster::sharding_choice, body_refusal> read_sharding(const simdjson::dom::element& value);

}  // namespace sluice::http
