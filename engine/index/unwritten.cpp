#include "engine/index/unwritten.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/cluster/sharded_layout.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::index {

namespace {

using cluster::collection_info;
using cluster::collection_kind;

constexpr std::string_view scripts = "system.js";

bson::document find_some(const std::string& collection, std::int32_t limit, std::int32_t skip = 0,
                         bson::document_view query = {}) {
  bson::builder find;
  find.append("find", collection).append("filter", query).open_document("sort").append("_id", 1).close();
  find.append("skip", skip).append("limit", limit).append("batchSize", limit);
  return find.finish();
}

task<result<>> make(cutover_side& destination, const collection_info& info, bool in_place_of_view) {
  if (in_place_of_view) {
    bson::builder command;
    command.append("drop", info.destination_ns().collection);
    bson::document drop = command.finish();
    const auto dropped = co_await destination.change(info.destination_ns().database, std::move(drop));
    if (dropped.has_error() && dropped.error().server_code != wire::namespace_not_found) co_return dropped.error();
  }
  bson::document create = cluster::create_command(info, true);
  const auto made = co_await destination.change(info.destination_ns().database, std::move(create));
  if (made.has_error() && made.error().server_code != wire::namespace_exists) co_return made.error();
  cutover_side::on_connection shard = [&info](wire::connection& node) { return cluster::shard_collection(node, info); };
  SLUICE_CO_TRYV(co_await destination.at(std::move(shard)));
  log(log_level::info, "index", "A collection that nothing was written to is made",
      {{"ns", info.destination_ns().to_string()}});
  co_return ok();
}

bool same(const std::vector<bson::document>& a, const std::vector<bson::document>& b) {
  return std::ranges::equal(a, b, [](const bson::document& left, const bson::document& right) {
    return std::ranges::equal(left.bytes(), right.bytes());
  });
}

/// A change stream leaves out what is called system.
task<result<>> copy_scripts(cutover_side& source, cutover_side& destination, cluster::namespace_name ns,
                            cluster::namespace_name onto) {
  bson::document here = find_some(ns.collection, limits::batch_documents_max);
  SLUICE_CO_TRY(const auto wanted, co_await source.find(ns.database, std::move(here)));
  bson::document there = find_some(onto.collection, limits::batch_documents_max);
  SLUICE_CO_TRY(const auto present, co_await destination.find(onto.database, std::move(there)));
  // A reply ends at 16 MiB, too; and what was not read must not be removed.
  bson::document behind = find_some(ns.collection, 1, static_cast<std::int32_t>(wanted.size()));
  SLUICE_CO_TRY(const auto more, co_await source.find(ns.database, std::move(behind)));
  if (!more.empty()) {
    co_return failure(error_kind::refused, ns.to_string() +
                                               " is too large to be brought over at the commit; leave it out with "
                                               "--exclude, and copy it by itself");
  }
  if (same(wanted, present)) co_return ok();
  bson::builder remove;
  remove.append("delete", onto.collection).open_array("deletes").open_document("0").open_document("q").close();
  remove.append("limit", 0).close().close();
  bson::document all = remove.finish();
  SLUICE_CO_TRYV(co_await destination.change(onto.database, std::move(all)));
  if (wanted.empty()) co_return ok();
  bson::builder insert;
  insert.append("insert", onto.collection).open_array("documents");
  for (const auto& document : wanted) insert.push(document);
  insert.close();
  bson::document documents = insert.finish();
  co_return co_await destination.change(onto.database, std::move(documents));
}

}  // namespace

task<result<std::size_t>> make_unwritten(cutover_side& source, cutover_side& destination,
                                         const cluster::catalog& wanted, const cluster::catalog& present,
                                         const cluster::migration_scope& migrated) {
  std::size_t made = 0;
  for (const auto& info : wanted.collections) {
    if (info.kind == collection_kind::view || info.kind == collection_kind::timeseries) continue;
    const auto there = std::ranges::find(present.collections, info.destination_ns(), &collection_info::ns);
    const bool is_view = there != present.collections.end() && there->kind == collection_kind::view;
    if (there == present.collections.end() || is_view) {
      bson::document any = find_some(info.ns.collection, 1, 0, migrated.documents.query());
      SLUICE_CO_TRY(const auto some, co_await source.find(info.ns.database, std::move(any)));
      if (!some.empty() && info.ns.collection != scripts) continue;  // the plan names it
      SLUICE_CO_TRYV(co_await make(destination, info, is_view));
      ++made;
    }
    if (info.ns.collection == scripts) {
      SLUICE_CO_TRYV(co_await copy_scripts(source, destination, info.ns, info.destination_ns()));
    }
  }
  co_return made;
}

}  // namespace sluice::index
