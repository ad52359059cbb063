#include "engine/assess/assessment.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include "engine/assess/estimate.hpp"
#include "engine/assess/reading.hpp"
#include "engine/assess/run_command.hpp"
#include "engine/assess/side.hpp"
#include "engine/assess/this_host.hpp"
#include "engine/measure/server.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/namespace_choice.hpp"
#include "engine/session/spool_place.hpp"

namespace sluice::assess {

namespace {

constexpr check_name pair_check{"versions.pair", heading::versions};
constexpr check_name sharding_check{"topology.sharding", heading::topology};

std::string time_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

/// As engine/session chooses them: a lane for four cores, four workers a lane.
std::uint32_t workers_of(const session::copy_settings& run, std::uint32_t cores) {
  const std::uint32_t lanes = run.lanes > 0 ? run.lanes : std::clamp(cores / 4, 1U, 8U);
  return lanes * (run.connections > 0 ? run.connections : 4);
}

/// What the steps share.
struct assessment {
  assess_settings settings;
  cluster::migration_scope scope;
  side source{cluster::role::source};
  side destination{cluster::role::destination};
  cluster::catalog catalog;   // of the source, as it calls it
  double files = 0;           // that a server keeps open for it
  std::uint32_t workers = 4;  // that a copy would have
  report result;

  void add(findings more) { std::ranges::move(more, std::back_inserter(result.found)); }
};

task<result<>> look_at_both(boost::asio::any_io_executor lane, assessment& of, runtime::cancel_scope& cancel) {
  SLUICE_CO_TRY(auto source_uri, wire::connection_string::parse(of.settings.run.copy.source_uri));
  SLUICE_CO_TRY(auto destination_uri, wire::connection_string::parse(of.settings.run.copy.destination_uri));
  runtime::task_group both(lane, cancel);
  both.spawn(look_at(of.source, std::move(source_uri), cancel));
  both.spawn(look_at(of.destination, std::move(destination_uri), cancel));
  SLUICE_CO_TRYV(co_await both.join());
  of.result.source = name_of(of.source);
  of.result.destination = name_of(of.destination);
  of.add(std::move(of.source.found));
  of.add(std::move(of.destination.found));
  co_return ok();
}

void judge_pair(assessment& of) {
  if (!of.source.known || !of.destination.known) return;
  const auto fits = cluster::check_pair(*of.source.known, *of.destination.known);
  if (!fits) {
    of.result.found.push_back(
        problem(pair_check, "both", fits.error().message, "choose other deployments, or raise what the message names"));
    return;
  }
  of.result.found.push_back(fine(pair_check, "both",
                                 "MongoDB " + of.result.source.version + " (compatibility version " +
                                     of.result.source.fcv + ") can be migrated to " + of.result.destination.version +
                                     " (" + of.result.destination.fcv + ")"));
  const auto sharding = session::check_sharding(*of.source.known, *of.destination.known, of.settings.run.copy.sharding);
  if (sharding) return;
  of.result.found.push_back(problem(sharding_check, "both", sharding.error().message,
                                    "say \"sharding\", or leave it out, as the message has it"));
}

std::filesystem::path spool_dir_of(const session::sync_settings& run) {
  return run.spool_dir.empty() ? session::default_spool_dir() : run.spool_dir;
}

std::vector<std::string> databases_of(const cluster::catalog& catalog) {
  std::vector<std::string> names;
  for (const auto& info : catalog.collections) {
    if (names.empty() || names.back() != info.ns.database) names.push_back(info.ns.database);
  }
  return names;
}

/// Servers that listen on another port than 27017 add it to their host's name (6.0.27).
std::string machine_of(const measure::server_facts& server) {
  return server.host.substr(0, server.host.find(':'));
}

/// The source, and how long a copy of it may take.
task<result<>> look_into_source(boost::asio::any_io_executor lane, assessment& of, runtime::cancel_scope& cancel) {
  if (!of.source.usable()) co_return ok();
  wire::connection& node = *of.source.node;
  auto read = co_await read_source_catalog(*of.source.known, node, of.scope, of.settings.run.copy.sharding, cancel);
  of.catalog = std::move(read.catalog);
  const bool into_shards = of.destination.known && of.destination.known->kind == cluster::deployment_kind::sharded;
  read.facts.nothing_sleeps = into_shards && !of.destination.known->can.coll_mod_capped_size;
  of.add(judge_catalog(read.facts));
  if (into_shards && read.facts.problem.empty() && read.facts.refused_choice.empty()) {
    cluster::catalog coming = of.catalog;
    const auto sharding = co_await read_sharding(node, *of.source.known, std::move(coming), of.scope);
    of.add(judge_sharding(sharding));
  }
  of.files = 2 * static_cast<double>(read.facts.collections) + static_cast<double>(read.facts.indexes);
  side_settings set = co_await read_settings(node, *of.source.known, databases_of(of.catalog));
  set.chooses_documents = !of.scope.documents.is_everything();
  of.add(judge_settings("source", set));

  data_facts data = co_await read_data(node, *of.source.known, of.catalog);
  const auto source_server = co_await measure::read_server_facts(node);
  measure::server_facts destination_server;
  if (of.destination.usable()) {
    destination_server = co_await measure::read_server_facts(*of.destination.node);
    if (destination_server.cache_bytes > 0) {
      data.destination_cache_bytes = static_cast<double>(destination_server.cache_bytes);
    }
  }
  of.add(judge_data(data));

  estimate_facts facts;
  facts.bytes = read.facts.bytes;
  facts.documents = read.facts.documents;
  facts.collections = static_cast<double>(read.facts.collections);
  if (of.settings.run.build_indexes != session::index_building::never) facts.index_entries = read.facts.index_entries;
  facts.chooses_documents = set.chooses_documents;
  facts.read_bytes_per_second = co_await probe_reading(lane, *of.source.known, of.catalog, cancel);
  facts.source_cores = source_server.cores;
  facts.destination_cores = destination_server.cores;
  facts.destination_ping_ms = of.destination.ping_ms;
  facts.workers = of.workers;
  facts.one_machine = !source_server.host.empty() && machine_of(source_server) == machine_of(destination_server);
  if (!read.facts.problem.empty()) co_return ok();
  of.result.time = estimate(facts);
  of.add(judge_estimate(*of.result.time, facts));
  co_return ok();
}

task<result<>> look_into_destination(assessment& of) {
  if (of.destination.usable()) {
    wire::connection& node = *of.destination.node;
    auto set = co_await read_settings(node, *of.destination.known, databases_of(of.catalog));
    set.open_files_wanted = of.files;
    of.add(judge_settings("destination", set));
    const auto there = co_await read_destination(node, of.catalog, of.scope, of.settings.run.copy.migration_name);
    of.add(judge_destination(there));
    disk_facts disk = co_await read_disk(node);
    if (of.source.usable()) {
      const auto sizes = co_await cluster::read_stored_sizes(*of.source.node, of.catalog);
      if (sizes) disk.to_store = sizes.value();
    }
    of.add(judge_disk(disk));
  }
  co_return ok();
}

task<result<>> look_at_oplog(assessment& of, const this_host_facts& here) {
  if (!of.source.usable()) co_return ok();
  const oplog_facts oplog = co_await read_oplog(*of.source.node);
  oplog_demand needs;
  needs.copy_seconds = of.result.time ? of.result.time->seconds_max : 0;
  needs.spool_bytes_max = static_cast<double>(of.settings.run.spool_bytes_max);
  needs.spool_free_bytes = here.spool_free_bytes;
  of.add(judge_oplog(oplog, needs));
  co_return ok();
}

}  // namespace

task<result<report>> assess(boost::asio::any_io_executor lane, assess_settings settings, runtime::cancel_scope& scope) {
  const auto begin = std::chrono::steady_clock::now();
  assessment of;
  of.result.began = time_now();
  of.settings = std::move(settings);
  SLUICE_CO_TRY(of.scope, session::choose_namespaces(of.settings.run));
  SLUICE_CO_TRYV(co_await look_at_both(lane, of, scope));
  judge_pair(of);

  this_host_facts here = read_this_host(spool_dir_of(of.settings.run));
  here.backend = runtime::backend_name();
  here.why_epoll = of.settings.why_epoll;
  of.workers = workers_of(of.settings.run.copy, here.cores);
  of.add(judge_this_host(here, {.memory_bytes = of.settings.run.copy.memory_bytes, .spools = true}));

  SLUICE_CO_TRYV(co_await look_into_source(lane, of, scope));
  SLUICE_CO_TRYV(co_await look_into_destination(of));
  SLUICE_CO_TRYV(co_await look_at_oplog(of, here));
  if (scope.cancelled()) co_return failure(error_kind::cancelled, "the assessment was cancelled");
  of.result.command =
      of.source.known && of.destination.known ? run_command(of.settings.run, of.destination.ping_ms) : std::string();
  std::ranges::stable_sort(of.result.found, {}, &finding::under);
  of.result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  co_return std::move(of.result);
}

}  // namespace sluice::assess
