#include "engine/cluster/sharding_choice.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "engine/runtime/limits.hpp"
#include "engine/runtime/nearest_name.hpp"

namespace sluice::cluster {

namespace {

using field_names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 3> choice_fields{"createSupportingIndexes", "shardingEntries",
                                                        "ignoreUnusedShardingEntries"};
constexpr std::array<std::string_view, 3> entry_fields{"database", "collection", "shardCollection"};
constexpr std::array<std::string_view, 1> shard_collection_fields{"key"};

/// Of any index, and a shard key needs one.
constexpr std::size_t key_fields_max = 32;

error wrong(const std::string& where, const std::string& what) {
  return failure(error_kind::configuration, "\"" + where + "\" " + what);
}

error wrong_type(const std::string& where, const std::string& wanted, bson::element_view value) {
  return wrong(where, "must be " + wanted + ", not of type " + std::string(bson::type_name(value.type())));
}

/// That nothing else than `known` is there, and that once.
result<> check_fields(const std::string& of, bson::document_view fields, field_names known) {
  std::set<std::string_view> seen;
  for (const auto field : fields) {
    const std::string where = of + "." + std::string(field.key());
    if (std::ranges::find(known, field.key()) == known.end()) {
      return wrong(where, "is no option" + runtime::did_you_mean(field.key(), known));
    }
    if (!seen.insert(field.key()).second) return wrong(where, "is given twice");
  }
  return ok();
}

result<bson::element_view> required(const std::string& of, bson::document_view fields, std::string_view name) {
  const auto field = fields.find(name);
  if (!field) return wrong(of + "." + std::string(name), "is missing");
  return field;
}

/// What is not said leaves `into` as it is.
result<> read_boolean(const std::string& of, bson::document_view fields, std::string_view name, bool& into) {
  const auto field = fields.find(name);
  if (!field) return ok();
  const auto given = field.as_bool();
  if (!given) return wrong_type(of + "." + std::string(name), "a boolean", field);
  into = *given;
  return ok();
}

result<std::string> read_name(const std::string& of, bson::document_view fields, std::string_view name) {
  SLUICE_TRY(const auto field, required(of, fields, name));
  const std::string where = of + "." + std::string(name);
  const auto given = field.as_string();
  if (!given) return wrong_type(where, "a string", field);
  if (given->empty()) return wrong(where, "must not be empty");
  return std::string(*given);
}

result<namespace_name> read_namespace(const std::string& of, bson::document_view fields) {
  namespace_name ns;
  SLUICE_TRY(ns.database, read_name(of, fields, "database"));
  SLUICE_TRY(ns.collection, read_name(of, fields, "collection"));
  if (const auto reason = reason_against_name(ns)) return wrong(of, "is no collection of any server: " + *reason);
  if (!is_user_database(ns.database)) {
    return wrong(of, "names " + ns.to_string() +
                         ", of a database of the servers or of a migration, which is never copied; leave it out");
  }
  // No server shards system.js, which is copied, either.
  if (ns.collection.starts_with("system.")) {
    return wrong(of,
                 "names " + ns.to_string() + ", a collection of the server's, which is never sharded; leave it out");
  }
  return ns;
}

/// What servers say of it themselves, but only once somebody shards by it.
std::optional<std::string> reason_against_field(std::string_view field) {
  if (field.empty()) return "a field has a name";
  bool is_first = true;
  for (std::string_view rest = field;;) {
    const auto dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    if (part.empty()) return "no part of a path is empty";
    const bool of_reference = !is_first && (part == "$id" || part == "$ref" || part == "$db");
    if (part.starts_with('$') && !of_reference) return "no part of a path begins with \"$\"";
    if (dot == std::string_view::npos) return {};
    rest.remove_prefix(dot + 1);
    is_first = false;
  }
}

bool is_one(bson::element_view value) {
  return value.as_int32() == 1 || value.as_int64() == 1 || value.as_double() == 1.0;
}

/// [{customer: 1}, {_id: "hashed"}] as {customer: 1, _id: "hashed"}.
result<bson::document> read_key(const std::string& where, bson::element_view given) {
  const std::string wanted = R"(an array of documents of one field, as [{"customer": 1}, {"_id": "hashed"}])";
  const auto parts = given.as_array();
  if (!parts) return wrong_type(where, wanted, given);
  if (parts->empty()) return wrong(where, "must be " + wanted + ", and not empty");
  bson::builder key;
  std::set<std::string_view> seen;
  bool has_hashed = false;
  for (const auto part : *parts) {
    const std::string at = where + "[" + std::to_string(seen.size()) + "]";
    const auto fields = part.as_document();
    if (!fields) return wrong_type(at, R"(a document of one field, as {"customer": 1})", part);
    if (std::distance(fields->begin(), fields->end()) != 1) {
      return wrong(at, R"(must be a document of one field, as {"customer": 1})");
    }
    const auto value = *fields->begin();
    if (const auto reason = reason_against_field(value.key()))
      return wrong(at, "is no field of a shard key: " + *reason);
    if (!seen.insert(value.key()).second) return wrong(at, "is a field that the key has already");
    if (seen.size() > key_fields_max) {
      return wrong(where, "may have at most " + std::to_string(key_fields_max) + " fields");
    }
    if (is_one(value)) {
      key.append(value.key(), std::int32_t{1});
      continue;
    }
    if (value.as_string() != "hashed") return wrong(at, "must have the value 1 or \"hashed\"");
    if (has_hashed) return wrong(at, "is a second hashed field, and a shard key may have one");
    has_hashed = true;
    key.append(value.key(), "hashed");
  }
  return key.finish();
}

result<sharding_entry> read_entry(const std::string& of, bson::element_view given) {
  const auto fields = given.as_document();
  if (!fields) return wrong_type(of, "a document {database, collection, shardCollection}", given);
  SLUICE_TRYV(check_fields(of, *fields, entry_fields));
  sharding_entry entry;
  SLUICE_TRY(entry.ns, read_namespace(of, *fields));
  const std::string where = of + ".shardCollection";
  SLUICE_TRY(const auto how, required(of, *fields, "shardCollection"));
  const auto inner = how.as_document();
  if (!inner) return wrong_type(where, "a document {key}", how);
  SLUICE_TRYV(check_fields(where, *inner, shard_collection_fields));
  SLUICE_TRY(const auto key, required(where, *inner, "key"));
  SLUICE_TRY(entry.key, read_key(where + ".key", key));
  return entry;
}

}  // namespace

result<sharding_choice> sharding_choice::of(bson::document_view given) {
  const std::string option = "sharding";
  sharding_choice made;
  SLUICE_TRYV(check_fields(option, given, choice_fields));
  SLUICE_TRYV(read_boolean(option, given, "createSupportingIndexes", made.create_supporting_indexes));
  SLUICE_TRYV(read_boolean(option, given, "ignoreUnusedShardingEntries", made.ignore_unused));
  SLUICE_TRY(const auto list, required(option, given, "shardingEntries"));
  const std::string entries_of = option + ".shardingEntries";
  const auto entries = list.as_array();
  if (!entries) return wrong_type(entries_of, "an array", list);
  std::map<namespace_name, std::string> places;
  for (const auto one : *entries) {
    const std::string where = entries_of + "[" + std::to_string(made.entries.size()) + "]";
    if (made.entries.size() == limits::sharding_entries_max) {
      return wrong(entries_of, "may have at most " + std::to_string(limits::sharding_entries_max) + " entries");
    }
    SLUICE_TRY(auto entry, read_entry(where, one));
    const auto [earlier, added] = places.emplace(entry.ns, where);
    if (!added) {
      return wrong(where, "names " + entry.ns.to_string() + ", as \"" + earlier->second +
                              "\" does, and a collection has one shard key; leave one of them out");
    }
    made.entries.push_back(std::move(entry));
  }
  return made;
}

bson::document sharding_choice::given() const {
  bson::builder all;
  all.append("createSupportingIndexes", create_supporting_indexes);
  all.append("ignoreUnusedShardingEntries", ignore_unused);
  all.open_array("shardingEntries");
  for (const sharding_entry& entry : entries) {
    all.open_document(all.next_index());
    all.append("database", entry.ns.database).append("collection", entry.ns.collection);
    all.open_document("shardCollection").open_array("key");
    for (const auto field : entry.key.view()) {
      all.open_document(all.next_index());
      all.append(field).close();
    }
    all.close().close().close();
  }
  all.close();
  return all.finish();
}

}  // namespace sluice::cluster
