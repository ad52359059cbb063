#include "engine/apply/ddl_coll_mod.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace sluice::apply {

namespace {

constexpr std::array<std::string_view, 5> copied_fields{"validator", "validationLevel", "validationAction",
                                                        "timeseries", "changeStreamPreAndPostImages"};
/// Held back until the commit.
constexpr std::array<std::string_view, 3> deferred_fields{"expireAfterSeconds", "cappedSize", "cappedMax"};
/// About the command, about this server's files, or without effect for long.
constexpr std::array<std::string_view, 12> ignored_fields{
    "$db",       "lsid",         "txnNumber",        "comment",
    "maxTimeMS", "writeConcern", "readConcern",      "$clusterTime",
    "dryRun",    "noPadding",    "usePowerOf2Sizes", "timeseriesBucketsMayHaveMixedSchemaData"};

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// Nothing when no change is left; an error text for a field that is not known.
result<std::optional<bson::document>> index_change(const capture::change& from, bson::document_view asked,
                                                   std::string_view on, const cluster::index_policy& policy) {
  if (policy.never) return std::optional<bson::document>();
  bson::builder command;
  command.append("collMod", on).open_document("index");
  bool changes = false;
  for (const auto field : asked) {
    const auto key = field.key();
    if (key == "name" || key == "keyPattern") {
      command.append(field);
    } else if (key == "hidden") {
      command.append(field);
      changes = true;
    } else if (key == "expireAfterSeconds") {
      if (policy.defer_unique_and_ttl) {
        command.append(key, cluster::index_asleep_seconds);
      } else {
        command.append(field);
      }
      changes = true;
    } else if (key == "unique" || key == "prepareUnique" || key == "forceNonUnique") {
      if (policy.defer_unique_and_ttl) continue;
      command.append(field);
      changes = true;
    } else {
      return unknown_entry(from, "a collMod of an index with the unknown field \"" + std::string(key) + "\"");
    }
  }
  command.close();
  if (!changes) return std::optional<bson::document>();
  return std::optional<bson::document>(command.finish());
}

}  // namespace

result<coll_mod_plan> plan_coll_mod(const capture::change& from, const ddl_entry& entry, std::string_view on,
                                    const cluster::index_policy& policy) {
  coll_mod_plan plan;
  const bool is_buckets = cluster::owner_of_buckets(entry.ns).has_value();
  bson::builder options;
  options.append("collMod", on);
  bool changes = false;
  for (const auto field : entry.o) {
    const auto key = field.key();
    if (key == "collMod" || contains(ignored_fields, key) || contains(deferred_fields, key)) continue;
    if (key == "index") {
      const auto asked = field.as_document();
      if (!asked) return unknown_entry(from, "a collMod whose index is no document");
      SLUICE_TRY(plan.index, index_change(from, *asked, on, policy));
    } else if (key == "recordPreImages") {
      options.open_document("changeStreamPreAndPostImages").append("enabled", field.to_bool().value_or(false)).close();
      changes = true;
    } else if (contains(copied_fields, key)) {
      // Each version writes the validator of buckets itself.
      if (is_buckets && key.starts_with("valid")) continue;
      options.append(field);
      changes = true;
    } else {
      return unknown_entry(from, "a collMod with the unknown field \"" + std::string(key) + "\"");
    }
  }
  if (changes) plan.options = options.finish();
  return plan;
}

}  // namespace sluice::apply
