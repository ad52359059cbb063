// The catalog's part of the comparison: databases, collections, options, views, indexes.
#include "tests/lab/oracle.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "tests/lab/child_process.hpp"
#include "tests/lab/oracle_documents.hpp"

namespace sluice::lab {
namespace {

struct catalog_entry {
  std::string type;  // "collection", "view", "timeseries"
  document options;
  document id_index;
};
using catalog = std::map<std::string, catalog_entry>;  // by collection name

// Top-level fields by name, each as type and bytes: the order in which a server lists options means nothing.
std::map<std::string, std::string> fields_of(const document& doc, const std::set<std::string>& ignored = {}) {
  std::map<std::string, std::string> fields;
  bson_iter_t at;
  bson_iter_init(&at, doc.get());
  while (bson_iter_next(&at)) {
    if (ignored.contains(bson_iter_key(&at))) {
      continue;
    }
    bson_t one = BSON_INITIALIZER;
    bson_append_iter(&one, "v", 1, &at);
    fields[bson_iter_key(&at)] = std::string(raw_of(one));
    bson_destroy(&one);
  }
  return fields;
}

std::string field_text(const std::map<std::string, std::string>& fields, const std::string& name) {
  const auto found = fields.find(name);
  if (found == fields.end()) {
    return "nothing";
  }
  const std::string text = to_text(*document::bytes(found->second).get());
  constexpr std::string_view before = "{ \"v\" : ";
  return text.starts_with(before) ? text.substr(before.size(), text.size() - before.size() - 2) : text;
}

// One difference a field.
void compare_fields(const document& source, const document& destination, const std::string& what, comparison& verdict) {
  static const std::set<std::string> ignored{"ns"};  // of servers before 4.4, in index descriptions
  const auto left = fields_of(source, ignored);
  const auto right = fields_of(destination, ignored);
  std::set<std::string> names;
  for (const auto* side : {&left, &right}) {
    for (const auto& [name, value] : *side) {
      names.insert(name);
    }
  }
  for (const auto& name : names) {
    const auto a = left.find(name);
    const auto b = right.find(name);
    if (a == left.end() || b == right.end() || a->second != b->second) {
      verdict.note(what + ": \"" + name + "\" is " + field_text(left, name) + " in the source, " +
                   field_text(right, name) + " in the destination");
    }
  }
}

// All batches of a command that opens a cursor.
std::vector<document> command_cursor(client& connection, const std::string& database, const document& command) {
  document reply = connection.run(database.c_str(), command);
  std::vector<document> found = reply.child("cursor.firstBatch").elements();
  while (const std::int64_t id = reply.integer("cursor.id")) {
    const std::string ns = reply.text("cursor.ns");
    reply = connection.run(database.c_str(), "{\"getMore\": {\"$numberLong\": \"" + std::to_string(id) +
                                                 "\"}, \"collection\": \"" + json_escaped(ns.substr(ns.find('.') + 1)) +
                                                 "\"}");
    for (auto& doc : reply.child("cursor.nextBatch").elements()) {
      found.push_back(std::move(doc));
    }
  }
  return found;
}

std::set<std::string> databases_of(client& connection) {
  const document reply = connection.run("admin", R"({"listDatabases": 1, "nameOnly": true})");
  std::set<std::string> names;
  for (const auto& database : reply.child("databases").elements()) {
    if (const std::string name = database.text("name"); !is_internal_database(name)) {
      names.insert(name);
    }
  }
  return names;
}

constexpr std::string_view buckets_prefix = "system.buckets.";

bool listed(const std::vector<std::string>& filters, const std::string& database, std::string_view collection) {
  if (collection.starts_with(buckets_prefix)) {
    collection.remove_prefix(buckets_prefix.size());
  }
  const std::string name = database + "." + std::string(collection);
  return std::any_of(filters.begin(), filters.end(),
                     [&](const std::string& filter) { return filter == database || filter == name; });
}

document without(const document& from, const char* field) {
  document rest;
  bson_copy_to_excluding_noinit(from.get(), rest.get(), field, nullptr);
  return rest;
}

/// `recordPreImages` (4.4, 5.0) became `changeStreamPreAndPostImages: {enabled: true}` in 6.0.
document in_today_s_words(const document& options) {
  if (!options.boolean("recordPreImages")) return options;
  document renamed = without(options, "recordPreImages");
  const document enabled = document::json(R"({"enabled": true})");
  BSON_APPEND_DOCUMENT(renamed.get(), "changeStreamPreAndPostImages", enabled.get());
  return renamed;
}

/// collMod of 4.4 writes a number of seconds as a 64-bit integer, createIndexes and later versions as a 32-bit one.
document with_expiry_as_created(const document& index) {
  bson_iter_t at;
  if (!bson_iter_init_find(&at, index.get(), "expireAfterSeconds") || !BSON_ITER_HOLDS_INT64(&at)) return index;
  const std::int64_t seconds = bson_iter_int64(&at);
  if (seconds < 0 || seconds > std::numeric_limits<std::int32_t>::max()) return index;
  document same = without(index, "expireAfterSeconds");
  BSON_APPEND_INT32(same.get(), "expireAfterSeconds", static_cast<std::int32_t>(seconds));
  return same;
}

catalog catalog_of(client& connection, const std::string& database, const compare_options& options) {
  catalog entries;
  for (const auto& one : command_cursor(connection, database, document::json(R"({"listCollections": 1})"))) {
    const std::string name = one.text("name");
    // Views are compared as views, and the collection that holds them comes and goes with them.
    if (name == "system.views" || name == "system.profile") {
      continue;
    }
    if ((!options.include.empty() && !listed(options.include, database, name)) ||
        listed(options.exclude, database, name)) {
      continue;
    }
    document stored = in_today_s_words(one.child("options"));
    // The server writes the validator of buckets itself, each version its own.
    if (name.starts_with("system.buckets.")) stored = without(stored, "validator");
    entries.emplace(name, catalog_entry{one.text("type"), std::move(stored), one.child("idIndex")});
  }
  return entries;
}

std::map<std::string, document> indexes_of(client& connection, const std::string& database,
                                           const std::string& collection) {
  std::map<std::string, document> indexes;
  const document command = document::json("{\"listIndexes\": \"" + json_escaped(collection) + "\"}");
  for (auto& index : command_cursor(connection, database, command)) {
    std::string name = index.text("name");
    // A clustered index is told with or without its collection's expiry, by version; the options are compared anyway.
    if (index.boolean("clustered")) index = without(index, "expireAfterSeconds");
    index = with_expiry_as_created(index);
    indexes.emplace(std::move(name), std::move(index));
  }
  return indexes;
}

std::string kind_of(const catalog_entry& entry) {
  if (entry.type != "collection") {
    return entry.type;
  }
  for (const char* special : {"capped", "clusteredIndex"}) {
    if (entry.options.boolean(special) || entry.options.has((std::string(special) + ".key").c_str())) {
      return special == std::string_view("capped") ? "capped" : "clustered";
    }
  }
  return entry.type;
}

struct two_sides {
  client source;
  client destination;
};

void compare_indexes(two_sides& sides, const place& where, compared_namespace& entry, comparison& verdict) {
  const std::string name = where.database + "." + where.collection;
  auto left = indexes_of(sides.source, where.database, where.collection);
  auto right = indexes_of(sides.destination, where.there_database, where.there_collection);
  entry.indexes = left.size();
  verdict.indexes += left.size();
  for (const auto& [index, spec] : left) {
    if (const auto other = right.find(index); other == right.end()) {
      verdict.note(name + ": index \"" + index + "\" " + to_text(*spec.get()) + " is missing in the destination");
    } else {
      compare_fields(spec, other->second, name + ", index \"" + index + "\"", verdict);
    }
  }
  for (const auto& [index, spec] : right) {
    if (!left.contains(index)) {
      verdict.note(name + ": index \"" + index + "\" is in the destination only: " + to_text(*spec.get()));
    }
  }
}

void compare_collection(two_sides& sides, const place& where, const catalog_entry& source,
                        const catalog_entry& destination, comparison& verdict) {
  const std::string name = where.database + "." + where.collection;
  compared_namespace entry{.name = name, .kind = kind_of(source)};
  const std::uint64_t before = verdict.difference_count;
  ++verdict.collections;
  if (source.type != destination.type) {
    verdict.note(name + ": a " + source.type + " in the source, a " + destination.type + " in the destination");
  } else {
    compare_fields(source.options, destination.options, name + ", options", verdict);
    compare_fields(source.id_index, destination.id_index, name + ", _id index", verdict);
    // The documents of a time-series collection are those of its buckets, which are listed themselves.
    if (source.type != "view") {
      compare_indexes(sides, where, entry, verdict);
    }
    entry.differences = verdict.difference_count - before;
    if (source.type == "collection") {
      const bool capped = source.options.boolean("capped");
      compare_documents(sides.source, sides.destination, where, capped ? read_order::natural : read_order::by_id, entry,
                        verdict);
    }
  }
  entry.differences = verdict.difference_count - before;
  verdict.namespaces.push_back(std::move(entry));
}

/// "database.collection" of the source as the destination calls it; a time-series' buckets go with it.
std::pair<std::string, std::string> renamed(const compare_options& options, const std::string& database,
                                            const std::string& collection) {
  if (collection.starts_with(buckets_prefix)) {
    auto owner = renamed(options, database, collection.substr(buckets_prefix.size()));
    return {owner.first, std::string(buckets_prefix) + owner.second};
  }
  if (const auto own = options.renamed.find(database + "." + collection); own != options.renamed.end()) {
    const auto dot = own->second.find('.');
    return {own->second.substr(0, dot), own->second.substr(dot + 1)};
  }
  const auto whole = options.renamed.find(database);
  return {whole == options.renamed.end() ? database : whole->second, collection};
}

/// What is on the destination, by database and collection, and not yet met.
using rest = std::map<std::pair<std::string, std::string>, catalog_entry>;

void compare_database(two_sides& sides, const std::string& database, const compare_options& options, rest& right,
                      comparison& verdict) {
  for (const auto& [collection, entry] : catalog_of(sides.source, database, options)) {
    const std::string name = database + "." + collection;
    const auto there = renamed(options, database, collection);
    if (const auto other = right.find(there); other == right.end()) {
      ++verdict.collections;
      verdict.note(name + ": the " + entry.type + " is missing in the destination");
      verdict.namespaces.push_back({.name = name, .kind = kind_of(entry), .differences = 1});
    } else {
      compare_collection(sides, {database, collection, there.first, there.second}, entry, other->second, verdict);
      right.erase(other);
    }
  }
}

/// Filters name what is on the source; with other names on the destination everything there is looked at.
rest all_of(client& connection, const compare_options& options) {
  compare_options there = options;
  if (!options.renamed.empty()) there.include = there.exclude = {};
  rest all;
  for (const auto& database : databases_of(connection)) {
    for (auto& [collection, entry] : catalog_of(connection, database, there)) {
      all.emplace(std::pair(database, collection), std::move(entry));
    }
  }
  return all;
}

}  // namespace

std::string comparison::text() const {
  std::string all;
  for (const auto& difference : differences) {
    all += difference + "\n";
  }
  if (difference_count > differences.size()) {
    all += "… and " + std::to_string(difference_count - differences.size()) + " more\n";
  }
  return all;
}

void comparison::note(std::string difference) {
  ++difference_count;
  if (differences.size() < shown_differences_max) {
    differences.push_back(std::move(difference));
  }
}

bool is_internal_database(std::string_view name) {
  return name == "admin" || name == "local" || name == "config" || name.starts_with("__mdb_internal") ||
         name.starts_with("mongosync_");
}

comparison compare(const compare_options& options) {
  two_sides sides{client(options.source_uri), client(options.destination_uri)};
  comparison verdict;
  rest right = all_of(sides.destination, options);
  for (const auto& database : databases_of(sides.source)) {
    compare_database(sides, database, options, right, verdict);
  }
  for (const auto& [there, entry] : right) {
    const std::string name = there.first + "." + there.second;
    verdict.note(name + ": the " + entry.type + " is in the destination only");
    verdict.namespaces.push_back({.name = name, .kind = kind_of(entry), .differences = 1});
  }
  return verdict;
}

void drop_user_data(client& connection) {
  for (const auto& database : databases_of(connection)) {
    connection.run(database.c_str(), R"({"dropDatabase": 1, "writeConcern": {"w": "majority"}})");
  }
}

}  // namespace sluice::lab
