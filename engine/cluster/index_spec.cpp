// Index specs of the source made acceptable to `createIndexes` of 6.0 and newer. Each rule was tried on real servers.
#include "engine/cluster/index_spec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "bson/number.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/cluster/index_options.hpp"

namespace sluice::cluster {

namespace {

/// The fields that `createIndexes` knows and that mean something for an index that is still to be built. Left out on
/// purpose: ns (4.4), background, dropDups, and everything that old versions kept without looking at it.
constexpr std::array<std::string_view, 22> kept_fields{
    "v",
    "key",
    "name",
    "unique",
    "sparse",
    "hidden",
    "partialFilterExpression",
    "expireAfterSeconds",
    "storageEngine",
    "collation",
    "weights",
    "default_language",
    "language_override",
    "textIndexVersion",
    "2dsphereIndexVersion",
    "bits",
    "min",
    "max",
    "coarsestIndexedLevel",
    "finestIndexedLevel",
    "wildcardProjection",
    "prepareUnique",
};
constexpr std::array<std::string_view, 4> flags{"unique", "sparse", "hidden", "prepareUnique"};

/// What the server itself takes for an expiry that it cannot understand: never (in effect).
constexpr std::int32_t expires_never = std::numeric_limits<std::int32_t>::max();

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// Before 3.4 any value could stand in a key and meant "ascending"; today 0, NaN, "" and other types are refused.
bool is_valid_key_value(bson::element_view value) {
  if (const auto text = value.as_string()) return !text->empty();
  if (!bson::is_number(value.type())) return false;
  const auto number = bson::exact(value);
  const bool zero = number.held_as == bson::exact_number::form::integer && number.integer == 0;
  const bool not_a_number = number.held_as == bson::exact_number::form::binary && std::isnan(number.binary);
  return !zero && !not_a_number;
}

void append_key(bson::builder& index, bson::document_view key) {
  index.open_document("key");
  for (const auto part : key) {
    if (is_valid_key_value(part)) {
      index.append(part);
    } else {
      index.append(part.key(), 1);
    }
  }
  index.close();
}

/// 4.4 stores NaN and fractions as given; 5.0.14 and 6.0.2 list NaN as 2147483647 and cut fractions off.
std::int32_t normalized_expiry(bson::element_view value) {
  const auto seconds = value.to_int64();  // nothing for NaN
  if (!seconds || *seconds < 0 || *seconds > expires_never) return expires_never;
  return static_cast<std::int32_t>(*seconds);
}

/// Options that were given as something else than a boolean counted as true unless they were 0, null or missing.
bool normalized_flag(bson::element_view value) {
  if (const auto known = value.to_bool()) return *known;
  return value.type() != bson::type::null && value.type() != bson::type::undefined;
}

bool is_geo_haystack(const index_spec& index) {
  const auto field = index.spec.view().find("key");
  const auto key = field ? field.as_document() : std::nullopt;
  return key &&
         std::ranges::any_of(*key, [](const bson::element_view& part) { return part.as_string() == "geoHaystack"; });
}

bool is_hashed(bson::document_view spec) {
  const auto field = spec.find("key");
  const auto key = field ? field.as_document() : std::nullopt;
  return key && std::ranges::any_of(*key, [](const bson::element_view& part) { return part.as_string() == "hashed"; });
}

bool is_unique(bson::document_view spec) {
  return spec.find("unique") && normalized_flag(spec.find("unique"));
}

}  // namespace

void append_storage_engine(bson::builder& into, bson::element_view storage_engine) {
  const auto all = storage_engine.as_document();
  const auto field = all ? all->find("wiredTiger") : bson::element_view{};
  const auto wired_tiger = field ? field.as_document() : std::nullopt;
  if (!wired_tiger) return;
  const auto config = wired_tiger->find("configString");
  const auto text = config ? config.as_string().value_or("") : std::string_view();
  if (text.empty() || text.find("encryption=") != std::string_view::npos) return;
  into.open_document(storage_engine.key()).open_document("wiredTiger").append(config).close().close();
}

bson::document index_for_create(const index_spec& index, const collection_info& of) {
  return index_for_create(index.spec, of.has_collation());
}

bson::document index_for_create(bson::document_view spec, bool collated) {
  const auto v = spec.find("v") ? spec.find("v").to_int64().value_or(2) : 2;
  const std::int32_t version = v == 1 ? 1 : 2;  // version 0 can no longer be made
  bson::builder out;
  if (!spec.find("v")) out.append("v", version);
  for (const auto field : spec) {
    const auto key = field.key();
    if (!contains(kept_fields, key)) continue;
    if (key == "v") {
      out.append(key, version);
    } else if (key == "key" && field.as_document()) {
      append_key(out, *field.as_document());
    } else if (key == "expireAfterSeconds") {
      out.append(key, normalized_expiry(field));
    } else if (key == "storageEngine") {
      append_storage_engine(out, field);
    } else if (contains(flags, key)) {
      if (normalized_flag(field)) out.append(key, true);
    } else {
      out.append(field);
    }
  }
  // listIndexes shows no collation for {locale: "simple"}, but createIndexes would take the collection's default
  // then. Version 1 never has one, and may not even say so.
  if (version == 2 && collated && !spec.find("collation"))
    out.open_document("collation").append("locale", "simple").close();
  return out.finish();
}

std::optional<bson::document> index_for_sync(bson::document_view spec, bool collated, const index_policy& policy) {
  if (policy.never || (policy.exclude_hashed && is_hashed(spec))) return {};
  bson::document whole = index_for_create(spec, collated);
  if (!policy.defer_unique_and_ttl) return whole;
  bson::builder weaker;
  for (const auto field : whole.view()) {
    const auto key = field.key();
    if (key == "unique" || key == "prepareUnique") continue;
    if (key == "expireAfterSeconds") {
      weaker.append(key, index_asleep_seconds);
    } else {
      weaker.append(field);
    }
  }
  return weaker.finish();
}

bool indexes_collide(bson::document_view a, bson::document_view b) {
  constexpr std::array<std::string_view, 5> signature{"key", "collation", "partialFilterExpression", "sparse",
                                                      "wildcardProjection"};
  return std::ranges::all_of(signature, [&](std::string_view name) {
    const auto left = a.find(name);
    const auto right = b.find(name);
    if (!left || !right) return !left && !right;
    return std::ranges::equal(left.whole(), right.whole());
  });
}

std::vector<index_spec> indexes_for_sync(const collection_info& info, const index_policy& policy) {
  std::vector<index_spec> made;
  std::vector<bool> weakened;
  for (const auto& index : info.indexes) {
    auto spec = index_for_sync(index.spec, info.has_collation(), policy);
    if (!spec) continue;
    weakened.push_back(policy.defer_unique_and_ttl && is_unique(index.spec));
    made.push_back({.name = index.name, .spec = *std::move(spec)});
  }
  std::vector<bool> left_out(made.size(), false);
  for (std::size_t i = 0; i < made.size(); ++i)
    for (std::size_t j = 0; j < made.size() && weakened[i]; ++j)
      if (!weakened[j] && indexes_collide(made[i].spec, made[j].spec)) left_out[i] = true;
  std::vector<index_spec> kept;
  for (std::size_t i = 0; i < made.size(); ++i)
    if (!left_out[i]) kept.push_back(std::move(made[i]));
  return kept;
}

std::optional<std::string> reason_not_copyable(const collection_info& info) {
  const auto ns = info.ns.to_string();
  if (info.options.view().find("encryptedFields")) {
    return ns + " uses queryable encryption (encryptedFields), whose state collections cannot be copied: exclude it";
  }
  for (const auto& index : info.indexes) {
    if (is_geo_haystack(index)) {
      return ns + " has the geoHaystack index \"" + index.name +
             "\", which no server since 5.0 can build: drop the index, or exclude the collection";
    }
  }
  return {};
}

}  // namespace sluice::cluster
