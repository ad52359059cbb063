#include "engine/cluster/shard_key.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "bson/extended_json.hpp"
#include "engine/cluster/command_cursor.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::cluster {

namespace {

std::string_view first_part(std::string_view path) {
  return path.substr(0, path.find('.'));
}

bson::element_view value_at(bson::document_view document, std::string_view path) {
  for (;;) {
    const auto dot = path.find('.');
    const auto field = document.find(path.substr(0, dot));
    if (dot == std::string_view::npos || !field) return field;
    const auto inner = field.as_document();
    if (!inner) return {};
    document = *inner;
    path = path.substr(dot + 1);
  }
}

bool is_hashed_part(bson::element_view part) {
  return part.as_string() == "hashed";
}

bool same_part(bson::element_view index, bson::element_view key) {
  if (index.key() != key.key() || is_hashed_part(index) != is_hashed_part(key)) return false;
  return is_hashed_part(key) || index.to_int64() == key.to_int64();
}

bool begins_with(bson::document_view pattern, bson::document_view key) {
  auto part = pattern.begin();
  for (const auto wanted : key) {
    if (part == pattern.end() || !same_part(*part, wanted)) return false;
    ++part;
  }
  return true;
}

/// Can shards that know nothing of each other keep it unique? Where documents of one key of the index are on one shard,
/// and by an `_id`, which is no other document's. Equal values have equal hashes.
bool unique_on_shards(bson::document_view pattern, bson::document_view key) {
  if (!pattern.empty() && (*pattern.begin()).key() == "_id") return true;
  auto part = pattern.begin();
  for (const auto wanted : key) {
    if (part == pattern.end() || (*part).key() != wanted.key()) return false;
    ++part;
  }
  return true;
}

bool flag(bson::document_view spec, std::string_view name) {
  const auto field = spec.find(name);
  return field && field.to_bool().value_or(true);
}

/// listIndexes leaves the simple collation out.
bool compares_by_bytes(bson::document_view index) {
  const auto collation = index.find("collation").as_document();
  return !collation || collation->find("locale").as_string() == "simple";
}

error refused(const collection_info& info, const std::string& why) {
  return failure(error_kind::refused, info.ns.to_string() + " cannot be sharded by " + bson::to_json(info.shard_key) +
                                          " on the destination: " + why);
}

}  // namespace

bool is_by_id(bson::document_view key) {
  std::size_t fields = 0;
  bool id = false;
  for (const auto part : key) {
    ++fields;
    id = part.key() == "_id";
  }
  return fields == 1 && id;
}

bool is_hashed_key(bson::document_view key) {
  return std::ranges::any_of(key, is_hashed_part);
}

bool is_part_of_key(bson::document_view key, std::string_view top_level_field) {
  return std::ranges::any_of(
      key, [top_level_field](bson::element_view part) { return first_part(part.key()) == top_level_field; });
}

bson::document key_conditions(bson::document_view key, bson::document_view document) {
  bson::builder conditions;
  for (const auto part : key) {
    conditions.open_document(part.key());
    if (const auto value = value_at(document, part.key())) {
      conditions.append("$eq", value);
    } else {
      conditions.append_null("$eq");
    }
    conditions.close();
  }
  return conditions.finish();
}

bool supports_key(bson::document_view index, bson::document_view key) {
  const auto pattern = index.find("key").as_document();
  if (!pattern || !begins_with(*pattern, key)) return false;
  if (index.find("partialFilterExpression") || flag(index, "sparse")) return false;
  return compares_by_bytes(index);
}

result<> check_shardable(const collection_info& info, bool may_make_index) {
  if (info.shard_key.view().empty()) return ok();
  if (info.kind != collection_kind::plain) return refused(info, "only plain collections can be");
  if (info.has_collation()) {
    return refused(info, "it has a collation, by which _ids that differ may be the same on one shard, and not on two");
  }
  const bool has_id = !info.id_index.view().empty();
  bool carried = may_make_index || (has_id && is_by_id(info.shard_key) && !is_hashed_key(info.shard_key));
  for (const auto& index : info.indexes) {
    carried = carried || supports_key(index.spec, info.shard_key);
    const auto pattern = index.spec.view().find("key").as_document();
    if (!pattern || !flag(index.spec, "unique")) continue;
    if (!unique_on_shards(*pattern, info.shard_key)) {
      return refused(info, "its index \"" + index.name +
                               "\" is unique, which several shards can keep only if it begins with the fields of the "
                               "shard key; choose another key, or drop the index");
    }
  }
  if (carried) return ok();
  return refused(info,
                 "no index of it begins with that; make one on the source, or let it be made "
                 "(createSupportingIndexes: true)");
}

result<> check_shardable(const catalog& of, bool may_make_index) {
  for (const auto& info : of.collections) {
    SLUICE_TRYV(check_shardable(info, may_make_index));
  }
  return ok();
}

task<result<std::map<namespace_name, bson::document>>> read_shard_keys(wire::connection& mongos) {
  bson::builder command;
  command.append("find", "collections").open_document("filter");
  command.open_document("dropped").append("$ne", true).close();       // up to 4.4
  command.open_document("unsplittable").append("$ne", true).close();  // 8.0 lists what is not sharded, too
  command.close();
  command.open_document("projection").append("key", 1).close();
  bson::document find = command.finish();
  auto listed = co_await run_cursor(mongos, "config", std::move(find));
  if (listed.has_error()) {
    error cause = std::move(listed).error();
    cause.message = "the shard keys of the collections cannot be read: " + cause.message;
    if (cause.server_code == wire::unauthorized) cause.message += "; grant the role clusterMonitor";
    co_return cause;
  }
  std::map<namespace_name, bson::document> keys;
  for (const auto& one : listed.value().documents) {
    auto ns = parse_namespace(one.view().find("_id").as_string().value_or(""));
    const auto key = one.view().find("key").as_document();
    if (ns && key && is_user_namespace(*ns)) keys.emplace(*std::move(ns), bson::document(*key));
  }
  co_return keys;
}

void take_shard_keys(catalog& of, const std::map<namespace_name, bson::document>& keys) {
  for (auto& info : of.collections) {
    if (const auto found = keys.find(info.ns); found != keys.end()) info.shard_key = found->second;
  }
}

}  // namespace sluice::cluster
