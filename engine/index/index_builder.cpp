#include "engine/index/index_builder.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <span>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::index {

namespace {

/// Each build may take 200 MB of the server's memory by default (maxIndexBuildMemoryUsageMegabytes) and a core.
constexpr std::size_t builds_at_once = 2;
/// Collections with hardly any data only cost their round trip.
constexpr std::int64_t small_bytes = 1 << 20;
constexpr std::size_t small_builds_at_once = 4;
constexpr auto progress_interval = std::chrono::seconds(1);

bson::document create_indexes(const cluster::collection_info& info, std::span<const cluster::index_spec> specs) {
  bson::builder command;
  command.append("createIndexes", info.destination_ns().collection).open_array("indexes");
  for (const auto& spec : specs) command.push(spec.spec);
  // By default a build waits for every voting member, so one that is down would stop it for good.
  command.close().append("commitQuorum", "majority").open_document("writeConcern").append("w", "majority").close();
  return command.finish();
}

/// Refused for what it says, as opposed to not having come through.
bool is_final(const error& cause) {
  return cause.kind == error_kind::server && !wire::is_retryable(cause);
}

class builder {
 public:
  builder(cluster::deployment to, std::vector<const cluster::collection_info*> collections,
          cluster::index_policy policy, progress_by_namespace& progress, runtime::cancel_scope& scope,
          std::chrono::milliseconds patience, state::write_permission may_write, runtime::latency_histogram* commands)
      : to_(std::move(to)),
        policy_(policy),
        progress_(progress),
        scope_(scope),
        patience_(patience),
        may_write_(std::move(may_write)),
        commands_(commands) {
    for (const auto* info : collections)
      if (!info->indexes.empty()) queue_.push_back(info);
    for (const auto* info : queue_)
      if (info->renamed_to) renamed_.emplace(*info->renamed_to, info->ns);
    std::ranges::stable_sort(queue_, std::ranges::greater{}, &cluster::collection_info::data_bytes);
  }

  task<result<std::vector<failed_index>>> run() {
    const auto lane = co_await boost::asio::this_coro::executor;
    runtime::cancel_scope watch_scope;
    runtime::task_group watch(lane, watch_scope);
    const bool worth_watching = std::ranges::any_of(queue_, [](auto* info) { return info->data_bytes > small_bytes; });
    if (worth_watching) watch.spawn(watch_progress(watch_scope));
    runtime::task_group group(lane, scope_);
    for (std::size_t i = 0; i < builds_at_once; ++i) group.spawn(work(0));
    for (std::size_t i = builds_at_once; i < small_builds_at_once; ++i) group.spawn(work(small_bytes));
    auto outcome = co_await group.join();
    watch_scope.cancel();
    auto watched = co_await watch.join();
    (void)watched;  // progress is a courtesy: a server that does not tell it fails nothing
    if (outcome.has_error()) co_return outcome.error();
    co_return std::move(failed_);
  }

 private:
  /// Takes from the large end; a worker with a bound on size only from the small end.
  const cluster::collection_info* take(std::int64_t bytes_max) {
    if (queue_.empty()) return nullptr;
    if (bytes_max > 0) {
      const auto* info = queue_.back();
      if (info->data_bytes > bytes_max) return nullptr;
      queue_.pop_back();
      return info;
    }
    const auto* info = queue_.front();
    queue_.pop_front();
    return info;
  }

  task<result<>> work(std::int64_t bytes_max) {
    cluster::deployment mine = to_;
    std::unique_ptr<wire::connection> connection;
    while (const cluster::collection_info* info = take(bytes_max)) {
      if (scope_.cancelled()) co_return failure(error_kind::cancelled, "cancelled while building indexes");
      SLUICE_CO_TRYV(co_await build(mine, connection, *info));
      runtime::failure_point("indexes_built");
    }
    co_return ok();
  }

  task<result<>> build(cluster::deployment& mine, std::unique_ptr<wire::connection>& connection,
                       const cluster::collection_info& info) {
    const auto shown = progress_.find(info.ns);
    build_progress unseen;
    build_progress& progress = shown == progress_.end() ? unseen : *shown->second;
    const auto specs = cluster::indexes_for_sync(info, policy_);
    if (specs.empty()) co_return ok();
    const std::size_t together = policy_.per_command == 0 ? specs.size() : policy_.per_command;
    for (std::span<const cluster::index_spec> left(specs); !left.empty();) {
      const auto some = left.first(std::min(together, left.size()));
      left = left.subspan(some.size());
      SLUICE_CO_TRYV(co_await build_together(mine, connection, info, some, progress));
    }
    co_return ok();
  }

  task<result<>> build_together(cluster::deployment& mine, std::unique_ptr<wire::connection>& connection,
                                const cluster::collection_info& info, std::span<const cluster::index_spec> specs,
                                build_progress& progress) {
    auto whole = co_await create(mine, connection, info, specs);
    if (whole) {
      progress.built += static_cast<std::int32_t>(specs.size());
      co_return ok();
    }
    if (!is_final(whole.error())) co_return whole.error();
    for (const auto& spec : specs) {
      auto one = co_await create(mine, connection, info, std::span(&spec, 1));
      if (one) {
        ++progress.built;
        continue;
      }
      if (!is_final(one.error())) co_return one.error();
      const bool repaired_later = policy_.defer_unique_and_ttl;
      log(repaired_later ? log_level::warn : log_level::error, "index",
          repaired_later ? "An index is left out until the commit" : "An index could not be built",
          {{"ns", info.ns.to_string()}, {"index", spec.name}, {"cause", one.error().message}});
      failed_.push_back({info.ns.to_string(), spec.name, one.error().message});
    }
    co_return ok();
  }

  task<result<>> create(cluster::deployment& mine, std::unique_ptr<wire::connection>& connection,
                        const cluster::collection_info& info, std::span<const cluster::index_spec> specs) {
    auto attempt = [&]() -> task<result<>> {
      if (!connection || !connection->is_open()) {
        connection.reset();
        SLUICE_CO_TRY(connection, co_await cluster::connect_primary(mine, scope_, patience_));
      }
      SLUICE_CO_TRYV(co_await state::wait_until_permitted(may_write_, scope_));
      bson::document command = create_indexes(info, specs);
      const auto begin = std::chrono::steady_clock::now();
      auto answer = co_await connection->run(info.destination_ns().database, std::move(command));
      if (answer.has_error()) {
        if (wire::is_retryable(answer.error())) connection->close();
        co_return answer.error();
      }
      if (auto concern = wire::write_concern_error_of_reply(answer.value().body, connection->host().to_string())) {
        connection->close();
        co_return std::move(*concern);
      }
      if (commands_ != nullptr) commands_->add_since(begin);
      co_return ok();
    };
    co_return co_await wire::retry(attempt, patience_, scope_);
  }

  task<result<>> watch_progress(runtime::cancel_scope& until) {
    cluster::deployment mine = to_;
    SLUICE_CO_TRY(auto connection, co_await cluster::connect_primary(mine, until, patience_));
    for (;;) {
      const bool go_on = co_await runtime::sleep_for(progress_interval, until);
      if (!go_on) co_return ok();
      bson::builder command;
      command.append("aggregate", 1).open_array("pipeline");
      command.open_document("0").open_document("$currentOp").append("allUsers", true).close().close();
      command.open_document("1").open_document("$match");
      command.open_document("progress").append("$exists", true).close();
      command.open_document("msg").append("$gte", "Index Build").append("$lt", "Index Builde").close();
      command.close().close().close();
      command.open_document("cursor").close();
      bson::document current_op = command.finish();
      SLUICE_CO_TRY(auto answer, co_await connection->run("admin", std::move(current_op)));
      if (const auto operations = answer.body.at("cursor", "firstBatch").as_array()) note(*operations);
    }
  }

  void note(bson::document_view operations) {
    for (const auto element : operations) {
      const auto operation = element.as_document();
      if (!operation) continue;
      const auto ns = operation->find("ns").as_string().value_or("");
      const auto there = cluster::parse_namespace(ns);
      if (!there) continue;
      const auto renamed = renamed_.find(*there);
      const auto found = progress_.find(renamed == renamed_.end() ? *there : renamed->second);
      const auto done = operation->at("progress", "done").to_int64().value_or(0);
      const auto total = operation->at("progress", "total").to_int64().value_or(0);
      if (found == progress_.end() || total <= 0) continue;
      found->second->fraction_permille =
          static_cast<std::int32_t>(std::clamp<std::int64_t>(done * 1000 / total, 0, 1000));
    }
  }

  cluster::deployment to_;
  cluster::index_policy policy_;
  std::deque<const cluster::collection_info*> queue_;
  std::map<cluster::namespace_name, cluster::namespace_name> renamed_;  // names on the destination: the source's
  progress_by_namespace& progress_;
  runtime::cancel_scope& scope_;
  std::chrono::milliseconds patience_;
  state::write_permission may_write_;
  runtime::latency_histogram* commands_;
  std::vector<failed_index> failed_;
};

}  // namespace

task<result<std::vector<failed_index>>> build_indexes(cluster::deployment to,
                                                      std::vector<const cluster::collection_info*> collections,
                                                      cluster::index_policy policy, progress_by_namespace& progress,
                                                      runtime::cancel_scope& scope, std::chrono::milliseconds patience,
                                                      state::write_permission may_write,
                                                      runtime::latency_histogram* commands) {
  builder all(std::move(to), std::move(collections), policy, progress, scope, patience, std::move(may_write), commands);
  co_return co_await all.run();
}

}  // namespace sluice::index
