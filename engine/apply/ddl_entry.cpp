#include "engine/apply/ddl_entry.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "bson/extended_json.hpp"

namespace sluice::apply {

namespace {

constexpr std::size_t uuid_bytes = 16;
constexpr std::string_view views_collection = "system.views";
constexpr std::string_view buckets_prefix = "system.buckets.";

struct known_command {
  std::string_view name;
  ddl_verb verb;
};
constexpr std::array<known_command, 15> known_commands{{
    {"create", ddl_verb::create},
    {"drop", ddl_verb::drop},
    {"dropDatabase", ddl_verb::drop_database},
    {"renameCollection", ddl_verb::rename},
    {"collMod", ddl_verb::coll_mod},
    {"createIndexes", ddl_verb::create_indexes},
    {"commitIndexBuild", ddl_verb::create_indexes},
    {"startIndexBuild", ddl_verb::nothing},
    {"abortIndexBuild", ddl_verb::nothing},
    {"dropIndexes", ddl_verb::drop_indexes},
    {"dropIndex", ddl_verb::drop_indexes},
    {"deleteIndexes", ddl_verb::drop_indexes},
    {"deleteIndex", ddl_verb::drop_indexes},
    {"emptycapped", ddl_verb::empty},
    {"dbCheck", ddl_verb::nothing},
}};

std::optional<ddl_verb> verb_of(std::string_view name) {
  const auto found = std::ranges::find(known_commands, name, &known_command::name);
  if (found == known_commands.end()) return {};
  return found->verb;
}

bool read_indexes(ddl_entry& into, const capture::change& from) {
  const auto list = from.o.find("indexes");
  if (const auto specs = list ? list.as_array() : std::nullopt) {
    for (const auto each : *specs) {
      const auto spec = each.as_document();
      if (!spec) return false;
      into.indexes.push_back(*spec);
    }
  } else {
    into.indexes.push_back(from.o);
  }
  return !into.indexes.empty() && std::ranges::all_of(into.indexes, [](bson::document_view spec) {
    return spec.find("key") && spec.find("key").as_document() && spec.find("name") && spec.find("name").as_string();
  });
}

bool read_index_names(ddl_entry& into, const capture::change& from) {
  const auto index = from.o.find("index");
  const auto name = index ? index.as_string() : std::nullopt;
  if (name) into.index_names.emplace_back(*name);
  return name.has_value();
}

bool read_rename(ddl_entry& into, const capture::change& from) {
  const auto source = from.o.find("renameCollection");
  const auto to = from.o.find("to");
  auto old_name = cluster::parse_namespace(source.as_string().value_or(""));
  auto new_name = cluster::parse_namespace(to ? to.as_string().value_or("") : "");
  if (!old_name || !new_name) return false;
  into.ns = *std::move(old_name);
  into.to = *std::move(new_name);
  // Servers before 4.4 wrote `true` for "whatever is there".
  const auto target = from.o.find("dropTarget");
  const auto uuid = target ? target.as_binary() : std::nullopt;
  if (uuid && uuid->data.size() == uuid_bytes) into.drop_target = uuid->data;
  return true;
}

/// Everything but the names, which each command has in its own way.
bool read_arguments(ddl_entry& into, const capture::change& from) {
  switch (into.verb) {
    case ddl_verb::create_indexes:
      return read_indexes(into, from);
    case ddl_verb::drop_indexes:
      return read_index_names(into, from);
    case ddl_verb::drop:
      if (into.ns.collection == views_collection) into.verb = ddl_verb::drop_views;
      return true;
    default:
      return true;
  }
}

bson::document view_options(bson::document_view definition) {
  bson::builder options;
  for (const auto* name : {"viewOn", "pipeline", "collation"})
    if (const auto field = definition.find(name)) options.append(field);
  return options.finish();
}

}  // namespace

error unknown_entry(const capture::change& from, std::string_view what) {
  return failure(error_kind::protocol, "the source's oplog holds " + std::string(what) + ": " +
                                           bson::to_json(from.whole, bson::json_mode::canonical));
}

result<ddl_entry> read_ddl_entry(const capture::change& from) {
  ddl_entry entry;
  entry.at = from.at;
  entry.uuid = from.uuid;
  entry.o = from.o;
  if (from.o.empty()) return unknown_entry(from, "a command without a name");
  const auto first = *from.o.begin();
  const auto verb = verb_of(first.key());
  if (!verb) return unknown_entry(from, "a command that this version does not know");
  entry.verb = *verb;

  entry.ns.database = std::string(from.ns.substr(0, from.ns.find('.')));
  if (entry.ns.database.empty()) return unknown_entry(from, "a command without a database");
  if (entry.verb == ddl_verb::drop_database || entry.verb == ddl_verb::nothing) return entry;
  if (entry.verb == ddl_verb::rename) {
    if (!read_rename(entry, from)) return unknown_entry(from, "a rename without both names");
    return entry;
  }
  entry.ns.collection = first.as_string().value_or("");
  if (entry.ns.collection.empty()) return unknown_entry(from, "a command that names no collection");
  if (!read_arguments(entry, from)) return unknown_entry(from, "an index command in an unknown form");
  return entry;
}

result<view_entry> read_view_entry(const capture::change& from) {
  view_entry entry;
  const auto& identity = from.kind == capture::change_kind::update ? from.o2 : from.o;
  const auto id = identity.find("_id");
  auto ns = cluster::parse_namespace(id ? id.as_string().value_or("") : "");
  if (!ns) return unknown_entry(from, "a view without a name");
  entry.ns = *std::move(ns);
  entry.removed = from.kind == capture::change_kind::remove;
  const auto on = from.o.find("viewOn");
  const auto name = on ? on.as_string() : std::nullopt;
  entry.of_timeseries = name && name->starts_with(buckets_prefix);
  if (!entry.removed && name) entry.options = view_options(from.o);
  return entry;
}

}  // namespace sluice::apply
