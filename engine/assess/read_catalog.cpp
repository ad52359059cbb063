#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "engine/assess/catalog_summary.hpp"
#include "engine/assess/reading.hpp"
#include "engine/cluster/query_settings.hpp"
#include "engine/cluster/shard_key.hpp"
#include "engine/cluster/sharded_layout.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/namespace_choice.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::assess {

namespace {

using clock = std::chrono::steady_clock;
using cluster::collection_info;

/// For sizes, and again for indexes. A whole assessment of 5,000 collections took 2.2 s on two busy cores (6.0.27).
constexpr auto details_time_max = std::chrono::seconds(5);
/// More connections than one pay where there are many round trips to wait for.
constexpr std::size_t collections_many = 100;
constexpr std::size_t more_connections = 3;
/// Asked for one by one.
constexpr std::size_t search_indexes_asked_max = 20;

using detail = std::function<task<result<>>(wire::connection&, collection_info&)>;

task<result<>> work_off(wire::connection& node, const std::vector<collection_info*>& all, std::size_t& next,
                        clock::time_point deadline, const detail& each) {
  while (next < all.size() && clock::now() < deadline) {
    collection_info* const mine = all[next++];
    SLUICE_CO_TRYV(co_await each(node, *mine));
  }
  co_return ok();
}

/// How many were done before the time was over.
task<result<std::size_t>> for_each_in_time(const std::vector<wire::connection*>& nodes,
                                           const std::vector<collection_info*>& all, const detail& each) {
  const auto lane = co_await boost::asio::this_coro::executor;
  const auto deadline = clock::now() + details_time_max;
  std::size_t next = 0;
  runtime::cancel_scope here;
  runtime::task_group workers(lane, here);
  const auto hook = here.on_cancel([&next, &all] { next = all.size(); });
  for (wire::connection* node : nodes) workers.spawn(work_off(*node, all, next, deadline, each));
  SLUICE_CO_TRYV(co_await workers.join());
  co_return next;
}

std::vector<collection_info*> with_documents(cluster::catalog& of) {
  std::vector<collection_info*> found;
  for (auto& info : of.collections) {
    if (info.kind != cluster::collection_kind::view) found.push_back(&info);
  }
  return found;
}

task<result<>> read_details(std::vector<wire::connection*> nodes, cluster::catalog& of, catalog_facts& into) {
  auto all = with_documents(of);
  const detail size = [](wire::connection& node, collection_info& info) { return cluster::read_sizes(node, info); };
  SLUICE_CO_TRY(const auto sized, co_await for_each_in_time(nodes, all, size));
  std::ranges::stable_sort(all, std::ranges::greater{}, &collection_info::data_bytes);
  const detail indexes = [](wire::connection& node, collection_info& info) -> task<result<>> {
    SLUICE_CO_TRY(const bool there, co_await cluster::read_indexes(node, info));
    (void)there;  // one that is gone by now stays without any
    co_return ok();
  };
  SLUICE_CO_TRY(const auto indexed, co_await for_each_in_time(nodes, all, indexes));
  into.sized = static_cast<std::int64_t>(sized);
  into.indexed = static_cast<std::int64_t>(indexed);
  co_return ok();
}

/// Where nobody has any the server does not know the stage, or says that they are not enabled.
task<void> find_search_indexes(wire::connection& node, const cluster::catalog& of, catalog_facts& into) {
  std::size_t asked = 0;
  for (const auto& info : of.collections) {
    if (info.kind == cluster::collection_kind::view) continue;
    if (++asked > search_indexes_asked_max) co_return;
    bson::builder command;
    command.append("aggregate", info.ns.collection).open_array("pipeline");
    command.open_document("0").open_document("$listSearchIndexes").close().close().close();
    command.open_document("cursor").close();
    const auto answer = co_await ask(node, info.ns.database, std::move(command));
    if (!answer) co_return;
    const auto batch = answer.value().body.at("cursor", "firstBatch");
    const auto listed = batch ? batch.as_array() : std::nullopt;
    if (listed && !listed->empty()) into.search_indexes.add(info.ns.to_string());
  }
}

/// Of a sharded cluster: the namespaces that are to come and have zones.
task<void> find_zones(wire::connection& mongos, const std::set<cluster::namespace_name>& planned,
                      destination_facts& into) {
  const auto zoned = co_await cluster::read_zoned(mongos);
  if (!zoned) {
    into.zones_problem = zoned.error().message;
    co_return;
  }
  for (const auto& ns : zoned.value()) {
    if (planned.contains(ns)) into.zoned.add(ns.to_string());
  }
}

}  // namespace

task<read_of_catalog> read_source_catalog(const cluster::deployment source, wire::connection& node,
                                          const cluster::migration_scope chosen,
                                          const std::optional<cluster::sharding_choice> sharding,
                                          runtime::cancel_scope& scope) {
  read_of_catalog read;
  std::vector<wire::connection*> nodes{&node};
  auto listed = co_await cluster::list_catalog(nodes, chosen.filter);
  if (!listed) {
    read.facts.problem = listed.error().message;
    co_return read;
  }
  read.catalog = std::move(listed).value();
  std::vector<std::unique_ptr<wire::connection>> more;
  while (read.catalog.collections.size() > collections_many && more.size() < more_connections) {
    auto opened = co_await wire::connection::open(source.uri, source.primary, scope);
    if (!opened) break;
    nodes.push_back(opened.value().get());
    more.push_back(std::move(opened).value());
  }
  catalog_facts counted;
  const auto detailed = co_await read_details(nodes, read.catalog, counted);
  if (!detailed) {
    read.facts.problem = detailed.error().message;
    co_return read;
  }
  read.facts = summarize(read.catalog);
  read.facts.sized = counted.sized;
  read.facts.indexed = counted.indexed;
  read.facts.is_sharded = source.kind == cluster::deployment_kind::sharded;
  // As a start would: on a copy, since it gives the collections their names on the destination.
  cluster::catalog narrowed = read.catalog;
  const auto fits = cluster::narrow(narrowed, chosen);
  if (!fits) read.facts.refused_choice = fits.error().message;
  auto idle = co_await session::find_idle_rules(node, chosen, sharding);
  if (idle) read.facts.idle_rules = std::move(idle).value();
  co_await find_search_indexes(node, read.catalog, read.facts);
  const auto settings = co_await cluster::count_query_settings(node);
  if (settings) {
    read.facts.query_settings = settings.value();
  } else {
    read.facts.query_settings_problem = settings.error().message;
  }
  co_return read;
}

task<sharding_facts> read_sharding(wire::connection& source, const cluster::deployment of, cluster::catalog coming,
                                   const cluster::migration_scope chosen) {
  sharding_facts facts;
  if (of.kind == cluster::deployment_kind::sharded) {
    const auto keys = co_await cluster::read_shard_keys(source);
    if (!keys) {
      facts.problem = keys.error().message;
      co_return facts;
    }
    cluster::take_shard_keys(coming, keys.value());
  }
  // What is wrong with the choice itself is told with the catalog.
  if (!cluster::narrow(coming, chosen)) co_return facts;
  const auto deadline = clock::now() + details_time_max;
  for (auto& info : coming.collections) {
    if (info.shard_key.view().empty()) continue;
    ++facts.sharded;
    const bool read = info.kind != cluster::collection_kind::plain || !info.id_index.view().empty();
    if (!read && clock::now() >= deadline) {
      ++facts.unread;
      continue;
    }
    if (!read) {
      const auto there = co_await cluster::read_indexes(source, info);
      if (!there) {
        facts.problem = there.error().message;
        co_return facts;
      }
      if (!there.value()) continue;  // it is gone
    }
    const auto checked = cluster::check_shardable(info, chosen.sharding.create_supporting_indexes);
    if (!checked) facts.refused.add(checked.error().message);
  }
  co_return facts;
}

task<destination_facts> read_destination(wire::connection& node, const cluster::catalog& coming,
                                         const cluster::migration_scope& chosen, std::string migration_name) {
  destination_facts facts;
  const auto names = co_await cluster::read_names(node);
  if (!names) {
    facts.problem = names.error().message;
    co_return facts;
  }
  facts.collections = static_cast<std::int64_t>(names.value().size());
  std::set<cluster::namespace_name> planned;
  std::vector<cluster::namespace_name> from;
  for (const auto& info : coming.collections) {
    if (chosen.beside_others && info.kind == cluster::collection_kind::view) continue;
    planned.insert(chosen.names.destination_of(info.ns));
    from.push_back(info.ns);
  }
  std::vector<std::string> databases;
  for (const auto& ns : names.value()) {
    databases.push_back(ns.database);
    if (planned.contains(ns)) facts.in_the_way.add(ns.to_string());
  }
  if (auto clash = cluster::name_in_the_way(chosen.names, from, databases)) facts.name_clash = *std::move(clash);
  if (node.hello().is_mongos) co_await find_zones(node, planned, facts);
  bson::builder command;
  command.append("listCollections", 1).append("nameOnly", true);
  const auto stored = co_await ask(node, sluice::state::checkpoint_database_of(migration_name), std::move(command));
  if (stored) {
    const auto batch = stored.value().body.at("cursor", "firstBatch");
    const auto listed = batch ? batch.as_array() : std::nullopt;
    facts.unfinished_run = listed && !listed->empty();
  }
  co_return facts;
}

}  // namespace sluice::assess
