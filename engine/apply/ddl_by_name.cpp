// The catalog of a sharded cluster, of which a change stream tells by name, and only drops and renames.
//
// Names settle by what follows. What is called X when a change of X is applied may be another collection of later, but
// then a drop or a rename of before it is still to come; so what had happened when the catalog was listed is never
// skipped here. Each of these, and a change of a collection that nobody told of, has the collection that is called so
// by then copied from the source, with its options and indexes, and its later changes applied over it once more: how
// its documents came there may not have been told (convertToCapped, movePrimary), and those that were to be read again
// under an old name were not found.
#include <utility>

#include "engine/apply/ddl.hpp"
#include "engine/cluster/command_cursor.hpp"

namespace sluice::apply {

namespace {

task<result<bson::timestamp>> time_of_listing(wire::connection& node, std::string database) {
  bson::builder command;
  command.append("listCollections", 1).append("nameOnly", true);
  bson::document list = command.finish();
  SLUICE_CO_TRY(const auto listed, co_await cluster::run_cursor(node, database, std::move(list)));
  co_return listed.operation_time;
}

}  // namespace

std::vector<std::byte> stand_in_uuid(const cluster::namespace_name& ns, bson::timestamp at) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : ns.to_string()) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211U;
  const std::uint64_t time = std::uint64_t{at.seconds} << 32 | at.increment;
  std::vector<std::byte> uuid;
  for (const auto half : {time, hash})
    for (int shift = 0; shift < 64; shift += 8) uuid.push_back(static_cast<std::byte>(half >> shift & 0xff));
  return uuid;
}

bool ddl::appears(const capture::change& what) const {
  if (!what.uuid.empty()) return false;
  const auto ns = cluster::parse_namespace(what.ns);
  if (!ns || map_.find_by_source(*ns) != nullptr) return false;
  const auto absent = absent_at_.find(*ns);
  return absent == absent_at_.end() || what.at > absent->second;
}

task<result<>> ddl::settle(cluster::namespace_name ns, bson::timestamp since, ddl_effects& effects) {
  bson::timestamp asked_at;
  on_connection ask = [&](wire::connection& source) -> task<result<>> {
    SLUICE_CO_TRY(asked_at, co_await time_of_listing(source, ns.database));
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await at(source_, std::move(ask)));
  std::vector<std::byte> by_name;
  SLUICE_CO_TRYV(co_await enter(ns, std::move(by_name), {}, since, effects));
  if (map_.find_by_source(ns) != nullptr) co_return ok();
  absent_at_[ns] = asked_at;
  // What an earlier process made and did not live to note.
  auto there = migrated_.names.destination_of(ns);
  co_return co_await clear(std::move(there));
}

task<result<>> ddl::rename_by_name(const ddl_entry& entry, ddl_effects& effects) {
  for (const auto& ns : {entry.ns, entry.to}) {
    SLUICE_CO_TRY(const bool ours, takes(ns));
    if (!ours) continue;
    SLUICE_CO_TRYV(co_await settle(ns, entry.at, effects));
  }
  co_return ok();
}

}  // namespace sluice::apply
