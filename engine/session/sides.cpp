#include "engine/session/sides.hpp"

#include <optional>
#include <utility>

#include "engine/cluster/disk_space.hpp"
#include "engine/cluster/shard_key.hpp"
#include "engine/cluster/table_scans.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/namespace_choice.hpp"

namespace sluice::session {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto ping_interval = std::chrono::seconds(30);
/// While a deployment is silent the operator looks at it more often.
constexpr auto ping_interval_of_the_silent = std::chrono::seconds(2);

/// Milliseconds; -1 when the deployment did not answer, nothing below one (as the original shows it).
task<std::optional<std::int64_t>> ping_once(cluster::deployment known, std::unique_ptr<wire::connection>& connection,
                                            runtime::latency_histogram& pings, runtime::cancel_scope& until) {
  if (!connection || !connection->is_open()) {
    connection.reset();
    auto opened = co_await cluster::connect_primary(known, until, std::chrono::milliseconds(0));
    if (opened.has_error()) co_return -1;
    connection = std::move(opened.value());
  }
  const auto asked = clock::now();
  auto answer = co_await cluster::ping(*connection);
  if (answer.has_error()) co_return -1;
  pings.add_since(asked);
  const std::int64_t ms = answer.value().count();
  co_return ms > 0 ? std::optional<std::int64_t>(ms) : std::nullopt;
}

copy_board::reach reach_of(std::optional<std::int64_t> ping_ms, std::optional<clock::time_point>& answered) {
  const auto now = clock::now();
  if (ping_ms != -1 || !answered) answered = now;
  if (ping_ms != -1) return {ping_ms, std::nullopt};
  return {ping_ms, std::chrono::floor<std::chrono::seconds>(now - *answered).count()};
}

task<result<>> cancel_after(std::chrono::steady_clock::duration time, runtime::cancel_scope& waiting,
                            runtime::cancel_scope& then) {
  const bool passed = co_await runtime::sleep_for(time, waiting);
  if (passed) then.cancel();
  co_return ok();
}

}  // namespace

task<result<>> within_release_time(boost::asio::any_io_executor control,
                                   std::function<task<result<>>(runtime::cancel_scope&)> work) {
  runtime::cancel_scope working_scope;
  runtime::cancel_scope waiting_scope;
  runtime::task_group waiting(control, waiting_scope);
  waiting.spawn(cancel_after(limits::release_time, waiting_scope, working_scope));
  auto outcome = co_await work(working_scope);
  waiting_scope.cancel();
  auto waited = co_await waiting.join();
  (void)waited;
  co_return outcome;
}

task<result<>> sides::find(labels names) {
  SLUICE_CO_TRY(auto source_uri, wire::connection_string::parse(settings_.source_uri));
  SLUICE_CO_TRY(auto destination_uri, wire::connection_string::parse(settings_.destination_uri));
  SLUICE_CO_TRY(source, co_await cluster::discover(source_uri, cluster::role::source, scope_));
  SLUICE_CO_TRY(destination, co_await cluster::discover(destination_uri, cluster::role::destination, scope_));
  board_.set_names(names.source + ": " + source.primary.to_string(),
                   names.destination + ": " + destination.primary.to_string());
  SLUICE_CO_TRYV(cluster::check_pair(source, destination));
  co_return check_sharding(source, destination, settings_.sharding);
}

task<result<>> sides::connect() {
  SLUICE_CO_TRY(to_source, co_await open_source());
  SLUICE_CO_TRY(to_destination, co_await open_destination());
  const bool into_shards = destination.kind == cluster::deployment_kind::sharded;
  SLUICE_CO_TRYV(co_await cluster::check_privileges(*to_source, cluster::role::source, into_shards));
  SLUICE_CO_TRYV(co_await cluster::check_privileges(*to_destination, cluster::role::destination));
  log(log_level::info, "session", "Connected",
      {{"source", source.name()},
       {"sourceVersion", source.version.to_string()},
       {"destination", destination.name()},
       {"destinationVersion", destination.version.to_string()}});
  co_return ok();
}

task<result<>> sides::check_what_would_fail_later(cluster::catalog to_copy) {
  const auto no_table_scan = co_await cluster::read_no_table_scan(*to_source);
  SLUICE_CO_TRYV(cluster::check_table_scans(no_table_scan, settings_.documents));
  // Nobody knows how much of the data a filter takes.
  if (settings_.skip_disk_space_check || !settings_.documents.is_everything()) co_return ok();
  const auto there = co_await cluster::read_disk_space(*to_destination);
  if (!there && there.error().kind != error_kind::server) co_return there.error();
  const auto sizes = co_await cluster::read_stored_sizes(*to_source, to_copy);
  if (!sizes && sizes.error().kind != error_kind::server) co_return sizes.error();
  if (!there || !sizes || !sizes.value()) {
    log(log_level::info, "session", "Whether the destination's disk is large enough could not be told");
    co_return ok();
  }
  if (auto fits = cluster::check_disk_space(there.value(), *sizes.value()); fits.has_error()) {
    error why = fits.error();
    why.message += "; skipDiskSpaceCheck (--skip-disk-space-check) begins all the same";
    why.server_code_name = "InsufficientDestinationDiskSpace";  // the original's name
    co_return why;
  }
  co_return ok();
}

task<result<>> sides::take_shard_keys(cluster::catalog& into) {
  using cluster::deployment_kind;
  if (source.kind != deployment_kind::sharded || destination.kind != deployment_kind::sharded) co_return ok();
  SLUICE_CO_TRY(const auto keys, co_await cluster::read_shard_keys(*to_source));
  cluster::take_shard_keys(into, keys);
  co_return ok();
}

task<result<std::unique_ptr<wire::connection>>> sides::open_source() {
  return cluster::connect_primary(source, scope_, settings_.retry_time);
}

task<result<std::unique_ptr<wire::connection>>> sides::open_destination() {
  return cluster::connect_primary(destination, scope_, settings_.retry_time);
}

task<std::vector<std::unique_ptr<wire::connection>>> sides::open_routers() {
  std::vector<std::unique_ptr<wire::connection>> routers;
  if (destination.kind != cluster::deployment_kind::sharded) co_return routers;
  for (const auto& host : destination.uri.hosts()) {
    auto opened = co_await cluster::connect_member(destination, host, scope_, std::chrono::milliseconds::zero());
    if (opened) routers.push_back(std::move(opened).value());
  }
  co_return routers;
}

std::unique_ptr<sluice::state::checkpoint> sides::make_checkpoint() {
  return std::make_unique<sluice::state::checkpoint>([this]() { return open_destination(); }, scope_,
                                                     settings_.retry_time, limits::lease_time,
                                                     sluice::state::checkpoint_database_of(settings_.migration_name));
}

task<void> sides::release_lease(sluice::state::process_identity self) {
  auto release = [this, self](runtime::cancel_scope& until) -> task<result<>> {
    auto connect = [this, &until] { return cluster::connect_primary(destination, until, limits::release_time); };
    sluice::state::checkpoint theirs(connect, until, limits::release_time, limits::lease_time,
                                     sluice::state::checkpoint_database_of(settings_.migration_name));
    co_return co_await theirs.release(self);
  };
  auto released = co_await within_release_time(control_, release);
  if (!released) {
    log(log_level::warn, "session", "The lease could not be given up; it ends by itself",
        {{"seconds", std::chrono::seconds(limits::lease_time).count()}, {"cause", released.error().message}});
  }
}

task<result<>> sides::keep_pinging(runtime::cancel_scope& until) {
  std::unique_ptr<wire::connection> from;
  std::unique_ptr<wire::connection> to;
  std::optional<clock::time_point> source_answered;
  std::optional<clock::time_point> destination_answered;
  for (;;) {
    const auto source_ms = co_await ping_once(source, from, board_.source_pings, until);
    const auto destination_ms = co_await ping_once(destination, to, board_.destination_pings, until);
    if (until.cancelled()) co_return ok();
    const auto source_reach = reach_of(source_ms, source_answered);
    const auto destination_reach = reach_of(destination_ms, destination_answered);
    board_.set_reach(source_reach, destination_reach, std::chrono::floor<std::chrono::seconds>(settings_.retry_time));
    const bool silent = source_reach.silent_seconds || destination_reach.silent_seconds;
    const bool go_on = co_await runtime::sleep_for(silent ? ping_interval_of_the_silent : ping_interval, until);
    if (!go_on) co_return ok();
  }
}

}  // namespace sluice::session
