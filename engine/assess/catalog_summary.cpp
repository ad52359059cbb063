#include "engine/assess/catalog_summary.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "engine/cluster/index_spec.hpp"

namespace sluice::assess {

namespace {

using cluster::collection_info;
using cluster::collection_kind;

constexpr std::size_t largest_shown = 5;
/// The servers' bound is 64, that of _id included.
constexpr std::size_t indexes_many = 62;

// What `create` of 4.4 to 8.0 takes, and what older ones have left among the options.
constexpr std::array<std::string_view, 24> known_options{"capped",
                                                         "size",
                                                         "max",
                                                         "autoIndexId",
                                                         "validator",
                                                         "collation",
                                                         "viewOn",
                                                         "pipeline",
                                                         "validationLevel",
                                                         "validationAction",
                                                         "timeseries",
                                                         "clusteredIndex",
                                                         "expireAfterSeconds",
                                                         "changeStreamPreAndPostImages",
                                                         "recordPreImages",
                                                         "storageEngine",
                                                         "indexOptionDefaults",
                                                         "encryptedFields",
                                                         "create",
                                                         "temp",
                                                         "uuid",
                                                         "ns",
                                                         "flags",
                                                         "$nExtents"};

bool is_true(bson::document_view spec, std::string_view key) {
  const auto field = spec.find(key);
  return field && field.to_bool().value_or(false);
}

void add_indexes(const collection_info& info, catalog_facts& into) {
  const std::string ns = info.ns.to_string();
  into.indexes += static_cast<std::int64_t>(info.indexes.size());
  into.index_entries += static_cast<double>(info.indexes.size()) * static_cast<double>(info.documents);
  for (const auto& index : info.indexes) {
    if (is_true(index.spec, "unique")) ++into.unique_indexes;
    if (index.spec.view().find("expireAfterSeconds")) into.ttl.add(ns + " " + index.name);
  }
  for (const std::string& pair : twin_indexes(info)) into.twins.add(ns + " " + pair);
  if (info.indexes.size() >= indexes_many) {
    into.many_indexes.add(ns + " " + std::to_string(info.indexes.size() + 1));
  }
}

void add_options(const collection_info& info, catalog_facts& into) {
  for (const auto option : info.options.view()) {
    if (std::ranges::find(known_options, option.key()) != known_options.end()) continue;
    into.unknown_options.add(std::string(option.key()) + " of " + info.ns.to_string());
  }
}

void add_kind(const collection_info& info, catalog_facts& into) {
  const std::string ns = info.ns.to_string();
  switch (info.kind) {
    case collection_kind::plain:
      break;
    case collection_kind::capped: {
      const auto size = info.options.view().find("size");
      into.capped.add(ns + " of " + std::to_string(size ? size.to_int64().value_or(0) : 0) + " bytes");
      break;
    }
    case collection_kind::clustered:
      into.clustered.add(ns);
      break;
    case collection_kind::timeseries:
      into.timeseries.add(ns);
      break;
    case collection_kind::view:
      into.views.add(ns);
      break;
  }
}

/// Views of what is neither a collection nor a view of the catalog.
void add_views_on_missing(const cluster::catalog& of, catalog_facts& into) {
  std::set<cluster::namespace_name> there;
  for (const auto& info : of.collections) there.insert(info.ns);
  for (const auto& info : of.collections) {
    if (info.kind != collection_kind::view) continue;
    const auto field = info.options.view().find("viewOn");
    const std::string on(field ? field.as_string().value_or("") : "");
    if (!there.contains({info.ns.database, on})) into.views_on_missing.add(info.ns.to_string() + " on " + on);
  }
}

}  // namespace

std::vector<std::string> twin_indexes(const collection_info& of) {
  std::vector<std::string> pairs;
  for (const auto& unique : of.indexes) {
    if (!is_true(unique.spec, "unique")) continue;
    for (const auto& other : of.indexes) {
      if (is_true(other.spec, "unique") || !cluster::indexes_collide(unique.spec, other.spec)) continue;
      pairs.push_back(unique.name + " / " + other.name);
    }
  }
  return pairs;
}

catalog_facts summarize(const cluster::catalog& of) {
  catalog_facts facts;
  std::set<std::string> databases;
  for (const auto& info : of.collections) {
    databases.insert(info.ns.database);
    if (auto reason = cluster::reason_not_copyable(info)) facts.not_copyable.add(*std::move(reason));
    add_kind(info, facts);
    add_options(info, facts);
    if (info.kind == collection_kind::view) continue;
    ++facts.collections;
    facts.documents += static_cast<double>(info.documents);
    facts.bytes += static_cast<double>(info.data_bytes);
    add_indexes(info, facts);
    if (info.data_bytes > 0) {
      facts.largest.push_back({.ns = info.ns.to_string(),
                               .bytes = static_cast<double>(info.data_bytes),
                               .documents = static_cast<double>(info.documents)});
    }
  }
  facts.databases = static_cast<std::int64_t>(databases.size());
  std::ranges::stable_sort(facts.largest, std::ranges::greater{}, &collection_size::bytes);
  if (facts.largest.size() > largest_shown) facts.largest.resize(largest_shown);
  add_views_on_missing(of, facts);
  return facts;
}

}  // namespace sluice::assess
