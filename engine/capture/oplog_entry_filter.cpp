#include "engine/capture/oplog_entry_filter.hpp"

namespace sluice::capture {

namespace {

constexpr std::string_view buckets_prefix = "system.buckets.";
constexpr std::string_view views_collection = "system.views";
/// Answers kept: more collections than a server bears open; beyond it they are decided anew.
constexpr std::size_t answers_max = 20'000;

struct split_ns {
  std::string_view database;
  std::string_view collection;
};
split_ns split(std::string_view ns) noexcept {
  const auto dot = ns.find('.');
  if (dot == std::string_view::npos) return {ns, {}};
  return {ns.substr(0, dot), ns.substr(dot + 1)};
}

}  // namespace

bool oplog_entry_filter::may_take_from(std::string_view database) const {
  return cluster::is_user_database(database) && cluster::may_take_from(filter_, database);
}

bool oplog_entry_filter::decide(std::string_view ns) const {
  const auto [database, collection] = split(ns);
  if (!cluster::is_user_database(database)) return false;
  // All views at once: it is created before the first and dropped with the last.
  if (collection == views_collection) return may_take_from(database);
  if (collection.starts_with(buckets_prefix))
    return filter_.takes({std::string(database), std::string(collection.substr(buckets_prefix.size()))});
  const cluster::namespace_name name{std::string(database), std::string(collection)};
  return cluster::is_user_namespace(name) && filter_.takes(name);
}

bool oplog_entry_filter::takes(std::string_view ns) {
  if (const auto known = answers_.find(ns); known != answers_.end()) return known->second;
  if (answers_.size() >= answers_max) answers_.clear();
  return answers_.emplace(ns, decide(ns)).first->second;
}

bool oplog_entry_filter::takes_data(const oplog_entry& entry) {
  if (!takes(entry.ns)) return false;
  if (split(entry.ns).collection != views_collection) return true;
  const auto id = (entry.kind == entry_kind::update ? entry.o2 : entry.o).find("_id");
  const auto view = id ? id.as_string() : std::nullopt;
  // Rows that are no definition of a view of this database mean nothing to a server either.
  if (!view || split(*view).database != split(entry.ns).database) return false;
  return takes(*view);
}

bool oplog_entry_filter::takes_command(const oplog_entry& entry) {
  const std::string_view database = split(entry.ns).database;
  const auto first = *entry.o.begin();
  const auto named = first.as_string();
  if (!named) return may_take_from(database);  // dropDatabase
  if (first.key() == "renameCollection") {
    const auto to = entry.o.find("to");
    const auto target = to ? to.as_string() : std::nullopt;
    return takes(*named) || (target && takes(*target));
  }
  std::string whole;  // commands are rare: this one may allocate
  whole.append(database).append(".").append(*named);
  return takes(whole);
}

}  // namespace sluice::capture
