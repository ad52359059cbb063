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

result<bool> oplog_entry_filter::may_take_from(std::string_view database) const {
  if (!cluster::is_user_database(database)) return false;
  return filter_.may_cover(database);
}

result<bool> oplog_entry_filter::decide(std::string_view ns) const {
  const auto [database, collection] = split(ns);
  if (!cluster::is_user_database(database)) return false;
  // All views at once: it is created before the first and dropped with the last.
  if (collection == views_collection) return may_take_from(database);
  if (collection.starts_with(buckets_prefix))
    return filter_.covers({std::string(database), std::string(collection.substr(buckets_prefix.size()))});
  const cluster::namespace_name name{std::string(database), std::string(collection)};
  if (!cluster::is_user_namespace(name)) return false;
  return filter_.covers(name);
}

result<bool> oplog_entry_filter::takes(std::string_view ns) {
  if (const auto known = answers_.find(ns); known != answers_.end()) return known->second;
  SLUICE_TRY(const bool taken, decide(ns));
  if (answers_.size() >= answers_max) answers_.clear();
  answers_.emplace(ns, taken);
  return taken;
}

result<bool> oplog_entry_filter::takes_data(const oplog_entry& entry) {
  SLUICE_TRY(const bool taken, takes(entry.ns));
  if (!taken) return false;
  if (split(entry.ns).collection != views_collection) return true;
  const auto id = (entry.kind == entry_kind::update ? entry.o2 : entry.o).find("_id");
  const auto view = id ? id.as_string() : std::nullopt;
  // Rows that are no definition of a view of this database mean nothing to a server either.
  if (!view || split(*view).database != split(entry.ns).database) return false;
  return takes(*view);
}

result<bool> oplog_entry_filter::takes_command(const oplog_entry& entry) {
  const std::string_view database = split(entry.ns).database;
  const auto first = *entry.o.begin();
  const auto named = first.as_string();
  if (!named) return may_take_from(database);  // dropDatabase
  if (first.key() == "renameCollection") {
    const auto to = entry.o.find("to");
    const auto target = to ? to.as_string() : std::nullopt;
    SLUICE_TRY(const bool taken, takes(*named));
    if (taken || !target) return taken;
    return takes(*target);
  }
  std::string whole;  // commands are rare: this one may allocate
  whole.append(database).append(".").append(*named);
  return takes(whole);
}

}  // namespace sluice::capture
