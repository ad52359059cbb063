// A collection's options turned into commands: `create` for the destination, `collMod` at the commit; and read out of
// the source's own `create`.
#include <algorithm>
#include <array>
#include <utility>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/index_options.hpp"

namespace sluice::cluster {

namespace {

/// What `create` takes as the size of a capped collection at most (one pebibyte): a bound that nothing reaches.
constexpr std::int64_t capped_bytes_unbounded = std::int64_t{1} << 50;

// Found among the options of collections that were made by old versions (their `create` kept what it was sent) or are
// temporary; every `create` of today refuses them.
constexpr std::array<std::string_view, 6> forgotten_options{"create", "temp", "uuid", "ns", "flags", "$nExtents"};

/// Fields that say how TTL works on the collection as a whole.
bool expires_by_option(const collection_info& info) {
  return (info.kind == collection_kind::clustered || info.kind == collection_kind::timeseries) &&
         info.options.view().find("expireAfterSeconds");
}

bool is_false(bson::element_view field) {
  return !field.to_bool().value_or(false);
}

/// 4.4 and 5.0 have pre-images only; 6.0 keeps the old name but serves change streams by the new one alone.
void append_pre_images(bson::builder& command, bson::document_view options) {
  if (options.find("changeStreamPreAndPostImages")) return;
  command.open_document("changeStreamPreAndPostImages").append("enabled", true).close();
}

void append_option(bson::builder& command, const collection_info& info, bson::element_view option,
                   bool for_data_phase) {
  const auto key = option.key();
  const bool capped = info.kind == collection_kind::capped;
  if (std::ranges::find(forgotten_options, key) != forgotten_options.end()) return;
  if (key == "size" || key == "max") {
    // 4.4 keeps a size without `capped`, which newer versions refuse. `max: 0` means no bound, as none does.
    if (!capped || for_data_phase || (key == "max" && option.to_int64().value_or(0) <= 0)) return;
  } else if (key == "capped") {
    if (!capped) return;
  } else if (key == "autoIndexId") {
    // `false` is for unreplicated databases only; `true` is accepted and kept.
    if (is_false(option)) return;
  } else if (key == "recordPreImages") {
    if (!is_false(option)) append_pre_images(command, info.options);
    return;
  } else if (key == "expireAfterSeconds") {
    if (for_data_phase && expires_by_option(info)) return;
  } else if (key == "storageEngine") {
    append_storage_engine(command, option);
    return;
  }
  command.append(option);
}

/// The `_id` index of a collection is made by `create`; one that is not the default has to be spelled out. (`create`
/// would derive the collation by itself, but not version 1.)
void append_id_index(bson::builder& command, const collection_info& info) {
  const auto spec = info.id_index.view();
  if (spec.empty()) return;
  const auto version = spec.find("v");
  const bool old = version && version.to_int64().value_or(2) < 2;
  const auto collation = spec.find("collation");
  if (!old && !collation) return;
  command.open_document("idIndex").append("v", old ? 1 : 2);
  command.open_document("key").append("_id", 1).close().append("name", "_id_");
  if (collation) command.append(collation);
  command.close();
}

}  // namespace

bson::document create_command(const collection_info& info, bool for_data_phase) {
  bson::builder command;
  command.append("create", info.destination_ns().collection);
  for (const auto option : info.options.view()) append_option(command, info, option, for_data_phase);
  if (info.kind == collection_kind::capped && for_data_phase) command.append("size", capped_bytes_unbounded);
  if (info.kind == collection_kind::plain || info.kind == collection_kind::capped) append_id_index(command, info);
  return command.finish();
}

collection_info collection_of_create(std::string database, bson::document_view o) {
  collection_info info;
  info.ns.database = std::move(database);
  info.ns.collection = o.find("create").as_string().value_or("");
  const auto owner = owner_of_buckets(info.ns);
  bson::builder options;
  bool clustered = false;
  for (const auto field : o) {
    const auto key = field.key();
    if (key == "create") continue;
    if (key == "idIndex") {
      if (const auto spec = field.as_document()) info.id_index = bson::document(*spec);
      continue;
    }
    // Of buckets these two are the server's own affair: each version writes its own validator.
    if (owner && (key == "validator" || key == "clusteredIndex")) continue;
    clustered = clustered || key == "clusteredIndex";
    options.append(field);
  }
  info.options = options.finish();
  const auto all = info.options.view();
  if (owner) {
    info.ns = *owner;
    info.kind = collection_kind::timeseries;
  } else if (all.find("viewOn")) {
    info.kind = collection_kind::view;
  } else if (clustered) {
    info.kind = collection_kind::clustered;
  } else {
    info.kind = all.find("capped") && all.find("capped").to_bool().value_or(false) ? collection_kind::capped
                                                                                   : collection_kind::plain;
    if (info.id_index.view().empty()) {
      bson::builder spec;
      spec.append("v", 1).open_document("key").append("_id", 1).close().append("name", "_id_");
      info.id_index = spec.finish();
    }
  }
  return info;
}

std::optional<bson::document> restore_command(const collection_info& info) {
  bson::builder command;
  command.append("collMod", info.destination_ns().collection);
  const auto options = info.options.view();
  if (info.kind == collection_kind::capped) {
    // collMod wants integers; servers before 5.0 kept the type that `create` was sent.
    command.append("cappedSize", options.find("size") ? options.find("size").to_int64().value_or(0) : 0);
    const auto max = options.find("max") ? options.find("max").to_int64().value_or(0) : 0;
    if (max > 0) command.append("cappedMax", max);
  } else if (expires_by_option(info)) {
    command.append(options.find("expireAfterSeconds"));
  } else {
    return {};
  }
  return command.finish();
}

}  // namespace sluice::cluster
