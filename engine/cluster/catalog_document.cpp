// Times are in a document of their own: a server replaces empty timestamps of the outermost level by its clock.
#include "engine/cluster/catalog_document.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "bson/validate.hpp"

namespace sluice::cluster {

namespace {

constexpr std::array kind_names{std::string_view("plain"), std::string_view("capped"), std::string_view("clustered"),
                                std::string_view("timeseries"), std::string_view("view")};
constexpr std::uint8_t subtype_generic = 0;
constexpr std::uint8_t subtype_uuid = 4;
constexpr std::size_t uuid_bytes = 16;

void append_bytes(bson::builder& into, std::string_view key, const bson::document& kept) {
  into.append(key, bson::binary_view{.subtype = subtype_generic, .data = kept.bytes()});
}

error damaged(bson::document_view stored, std::string_view field) {
  const auto id = stored.find("_id");
  const std::string of(id ? id.as_string().value_or("?") : "?");
  return failure(error_kind::refused, "the checkpoint's catalog entry of " + of + " is damaged: its field " +
                                          std::string(field) +
                                          " is missing or not what it should be; start over with --reset");
}

std::optional<bson::document> kept_document(bson::element_view field) {
  const auto kept = field ? field.as_binary() : std::nullopt;
  // What the source delivered need not be UTF-8.
  if (!kept || kept->subtype != subtype_generic || bson::validate(kept->data, {.check_utf8 = false})) return {};
  return bson::document(std::vector<std::byte>(kept->data.begin(), kept->data.end()));
}

std::optional<std::vector<index_spec>> kept_indexes(bson::element_view field) {
  const auto entries = field ? field.as_array() : std::nullopt;
  if (!entries) return {};
  std::vector<index_spec> indexes;
  for (const auto each : *entries) {
    const auto entry = each.as_document();
    const auto named = entry ? entry->find("name") : bson::element_view{};
    const auto name = named ? named.as_string() : std::nullopt;
    auto spec = entry ? kept_document(entry->find("spec")) : std::nullopt;
    if (!name || !spec) return {};
    indexes.push_back({.name = std::string(*name), .spec = *std::move(spec)});
  }
  return indexes;
}

std::optional<std::vector<std::byte>> kept_uuid(bson::element_view field) {
  const auto kept = field ? field.as_binary() : std::nullopt;
  if (!kept || kept->subtype != subtype_uuid) return {};
  if (kept->data.size() != uuid_bytes && !kept->data.empty()) return {};
  return std::vector<std::byte>(kept->data.begin(), kept->data.end());
}

std::optional<std::int64_t> kept_number(bson::element_view field) {
  return field ? field.as_int64() : std::nullopt;
}

std::optional<bson::timestamp> kept_time(bson::element_view field) {
  return field ? field.as_timestamp() : std::nullopt;
}

}  // namespace

bson::document to_document(const collection_info& info) {
  bson::builder stored;
  stored.append("_id", info.ns.to_string()).append("kind", kind_names[static_cast<std::size_t>(info.kind)]);
  stored.append("uuid", bson::binary_view{.subtype = subtype_uuid, .data = info.uuid});
  append_bytes(stored, "options", info.options);
  stored.open_array("indexes");
  for (const auto& index : info.indexes) {
    stored.open_document(stored.next_index()).append("name", index.name);
    append_bytes(stored, "spec", index.spec);
    stored.close();
  }
  stored.close();
  append_bytes(stored, "idIndex", info.id_index);
  if (!info.shard_key.view().empty()) append_bytes(stored, "shardKey", info.shard_key);
  stored.append("documents", info.documents).append("dataBytes", info.data_bytes);
  stored.append("averageDocumentBytes", info.average_document_bytes);
  stored.open_document("times").append("listedAt", info.listed_at);
  stored.append("indexesListedAt", info.indexes_listed_at).close();
  return stored.finish();
}

result<collection_info> collection_from(bson::document_view stored) {
  collection_info info;
  // The field's name once for the look and for the message.
  const auto read = [&stored](auto& into, auto&& kept, std::string_view field) -> result<> {
    if (!kept) return damaged(stored, field);
    into = *std::forward<decltype(kept)>(kept);
    return ok();
  };
  const auto id = stored.find("_id");
  SLUICE_TRYV(read(info.ns, parse_namespace(id ? id.as_string().value_or("") : ""), "_id"));
  const auto kind_field = stored.find("kind");
  const auto kind = std::ranges::find(kind_names, kind_field ? kind_field.as_string().value_or("") : "");
  if (kind == kind_names.end()) return damaged(stored, "kind");
  info.kind = static_cast<collection_kind>(kind - kind_names.begin());
  SLUICE_TRYV(read(info.uuid, kept_uuid(stored.find("uuid")), "uuid"));
  SLUICE_TRYV(read(info.options, kept_document(stored.find("options")), "options"));
  SLUICE_TRYV(read(info.indexes, kept_indexes(stored.find("indexes")), "indexes"));
  SLUICE_TRYV(read(info.id_index, kept_document(stored.find("idIndex")), "idIndex"));
  if (const auto key = stored.find("shardKey")) {
    SLUICE_TRYV(read(info.shard_key, kept_document(key), "shardKey"));
  }
  SLUICE_TRYV(read(info.documents, kept_number(stored.find("documents")), "documents"));
  SLUICE_TRYV(read(info.data_bytes, kept_number(stored.find("dataBytes")), "dataBytes"));
  SLUICE_TRYV(
      read(info.average_document_bytes, kept_number(stored.find("averageDocumentBytes")), "averageDocumentBytes"));
  SLUICE_TRYV(read(info.listed_at, kept_time(stored.at("times", "listedAt")), "times.listedAt"));
  SLUICE_TRYV(read(info.indexes_listed_at, kept_time(stored.at("times", "indexesListedAt")), "times.indexesListedAt"));
  return info;
}

std::vector<bson::document> to_documents(const catalog& whole) {
  std::vector<bson::document> stored;
  stored.reserve(whole.collections.size());
  for (const auto& info : whole.collections) stored.push_back(to_document(info));
  return stored;
}

result<catalog> catalog_from(const std::vector<bson::document>& stored) {
  catalog whole;
  whole.collections.reserve(stored.size());
  for (const auto& one : stored) {
    SLUICE_TRY(auto info, collection_from(one));
    whole.collections.push_back(std::move(info));
  }
  std::ranges::sort(whole.collections, {}, &collection_info::ns);
  return whole;
}

}  // namespace sluice::cluster
