#include "engine/apply/collection_map.hpp"

#include <utility>

#include "bson/bytes.hpp"
#include "engine/cluster/deployment_facts.hpp"
#include "engine/cluster/shard_key.hpp"

namespace sluice::apply {

namespace {

constexpr std::size_t uuid_bytes = 16;

std::string raw_key(bson::bytes_view uuid) {
  return {reinterpret_cast<const char*>(uuid.data()), uuid.size()};
}

std::optional<std::uint8_t> digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return {};
}

/// The reverse of hex_of.
std::optional<std::vector<std::byte>> bytes_of(std::string_view hex) {
  if (hex.size() != uuid_bytes * 2) return {};
  std::vector<std::byte> bytes;
  bytes.reserve(uuid_bytes);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = digit_of(hex[i]);
    const auto low = digit_of(hex[i + 1]);
    if (!high || !low) return {};
    bytes.push_back(static_cast<std::byte>(*high * 16 + *low));
  }
  return bytes;
}

std::optional<cluster::namespace_name> namespace_of(bson::element_view field) {
  return cluster::parse_namespace(field ? field.as_string().value_or("") : "");
}

std::optional<bson::timestamp> time_of(bson::element_view field) {
  return field ? field.as_timestamp() : std::nullopt;
}

std::optional<bool> flag_of(bson::element_view field) {
  return field ? field.as_bool() : std::nullopt;
}

}  // namespace

void collection_map::put(mapped_collection one) {
  erase(one.uuid);
  auto key = raw_key(one.uuid);
  by_source_[one.source_ns] = key;
  by_uuid_.emplace(std::move(key), std::move(one));
}

void collection_map::erase(bson::bytes_view uuid) {
  const auto found = by_uuid_.find(bson::text_of(uuid));
  if (found == by_uuid_.end()) return;
  const auto name = by_source_.find(found->second.source_ns);
  if (name != by_source_.end() && name->second == found->first) by_source_.erase(name);
  by_uuid_.erase(found);
}

const mapped_collection* collection_map::find(bson::bytes_view uuid) const {
  const auto found = by_uuid_.find(bson::text_of(uuid));
  return found == by_uuid_.end() ? nullptr : &found->second;
}

const mapped_collection* collection_map::find_by_source(const cluster::namespace_name& ns) const {
  const auto found = by_source_.find(ns);
  return found == by_source_.end() ? nullptr : &by_uuid_.find(found->second)->second;
}

std::vector<const mapped_collection*> collection_map::in_database(std::string_view source_database) const {
  std::vector<const mapped_collection*> found;
  for (const auto& [key, one] : by_uuid_)
    if (one.source_ns.database == source_database) found.push_back(&one);
  return found;
}

std::vector<const mapped_collection*> collection_map::all() const {
  std::vector<const mapped_collection*> found;
  found.reserve(by_uuid_.size());
  for (const auto& [key, one] : by_uuid_) found.push_back(&one);
  return found;
}

std::size_t collection_map::size() const noexcept {
  return by_uuid_.size();
}

bson::document collection_map::to_document(const mapped_collection& one) {
  bson::builder stored;
  stored.append("_id", map_key(one.uuid)).append("source", one.source_ns.to_string());
  stored.append("destination", one.to->ns.to_string());
  stored.append("inOrder", one.to->in_order).append("collated", one.to->collated);
  stored.append("clustered", one.to->clustered);
  if (!one.to->shard_key.view().empty()) stored.append("shardKey", one.to->shard_key);
  stored.append("listedAt", one.listed_at).append("indexesListedAt", one.indexes_listed_at);
  return stored.finish();
}

std::optional<mapped_collection> collection_map::from_document(bson::document_view stored) {
  const auto id = stored.find("_id");
  auto uuid = bytes_of(id ? id.as_string().value_or("") : "");
  auto source = namespace_of(stored.find("source"));
  auto destination = namespace_of(stored.find("destination"));
  const auto in_order = flag_of(stored.find("inOrder"));
  const auto collated = flag_of(stored.find("collated"));
  const auto clustered = flag_of(stored.find("clustered"));
  const auto shard_key = stored.find("shardKey").as_document().value_or(bson::document_view());
  const auto listed_at = time_of(stored.find("listedAt"));
  const auto indexes_listed_at = time_of(stored.find("indexesListedAt"));
  if (!uuid || !source || !destination || !in_order || !collated || !clustered || !listed_at || !indexes_listed_at)
    return {};
  auto to = std::make_shared<const target>(target{.ns = *std::move(destination),
                                                  .in_order = *in_order,
                                                  .collated = *collated,
                                                  .clustered = *clustered,
                                                  .shard_key = bson::document(shard_key),
                                                  .scattered = !shard_key.empty() && !cluster::is_by_id(shard_key),
                                                  .source_uuid = *uuid});
  return mapped_collection{.uuid = *std::move(uuid),
                           .source_ns = *std::move(source),
                           .to = std::move(to),
                           .listed_at = *listed_at,
                           .indexes_listed_at = *indexes_listed_at};
}

std::vector<bson::document> collection_map::to_documents() const {
  std::vector<bson::document> all;
  all.reserve(by_uuid_.size());
  for (const auto& [key, one] : by_uuid_) all.push_back(to_document(one));
  return all;
}

std::string map_key(bson::bytes_view uuid) {
  return cluster::hex_of(uuid);
}

shared_target target_of(const cluster::collection_info& info, cluster::namespace_name destination) {
  return std::make_shared<const target>(
      target{.ns = std::move(destination),
             .in_order = info.kind == cluster::collection_kind::capped,
             .collated = info.has_collation(),
             .clustered =
                 info.kind == cluster::collection_kind::clustered || info.kind == cluster::collection_kind::timeseries,
             .shard_key = info.shard_key,
             .scattered = !info.shard_key.view().empty() && !cluster::is_by_id(info.shard_key),
             .source_uuid = info.uuid});
}

collection_map map_of(const cluster::catalog& catalog) {
  collection_map map;
  for (const auto& info : catalog.collections) {
    if (info.uuid.size() != uuid_bytes) continue;  // views
    map.put({.uuid = info.uuid,
             .source_ns = info.data_ns(),
             .to = target_of(info, info.destination_data_ns()),
             .listed_at = info.listed_at,
             .indexes_listed_at = info.indexes_listed_at});
  }
  return map;
}

}  // namespace sluice::apply
