#include "engine/copy/collections.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "engine/cluster/majority_command.hpp"
#include "engine/cluster/sharded_layout.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::copy {

namespace {

/// Collections are made one after the other inside a server (catalog lock); a few at once only hide the round trip.
constexpr std::size_t connections_max = 4;

/// Inserts into a collection whose `create` an election took back would make it again, without its options.
using cluster::run_by_majority;

}  // namespace

task<result<>> create_collection(wire::connection& to, const cluster::collection_info& info) {
  bson::document command = cluster::create_command(info, true);
  auto made = co_await run_by_majority(to, info.destination_ns().database, std::move(command));
  if (made || made.error().server_code == wire::namespace_exists)
    co_return co_await cluster::shard_collection(to, info);
  error cause = std::move(made.error());
  cause.message = "collection " + info.destination_ns().to_string() + " could not be created: " + cause.message;
  co_return cause;
}

task<result<>> drop_collection(wire::connection& to, cluster::namespace_name ns) {
  bson::builder drop;
  drop.append("drop", ns.collection);
  bson::document command = drop.finish();
  auto dropped = co_await run_by_majority(to, ns.database, std::move(command));
  if (dropped || dropped.error().server_code == wire::namespace_not_found) co_return ok();
  // "can't drop system collection": system.js is user data, but can only be emptied.
  constexpr std::int32_t illegal_operation = 20;
  if (dropped.error().server_code != illegal_operation) co_return dropped.error();
  bson::builder empty;
  empty.append("delete", ns.collection).open_array("deletes").open_document("0");
  empty.open_document("q").close().append("limit", 0).close().close();
  bson::document clear = empty.finish();
  co_return co_await run_by_majority(to, ns.database, std::move(clear));
}

task<result<>> restore_options(wire::connection& to, const cluster::collection_info& info) {
  auto command = cluster::restore_command(info);
  if (!command) co_return ok();
  bson::document change = std::move(*command);
  co_return co_await run_by_majority(to, info.destination_ns().database, std::move(change));
}

task<result<>> for_each_collection(cluster::deployment to, std::vector<const cluster::collection_info*> collections,
                                   collection_step each, runtime::cancel_scope& scope,
                                   std::chrono::milliseconds patience, state::write_permission may_write) {
  const auto lane = co_await boost::asio::this_coro::executor;
  std::size_t next = 0;
  auto work = [&]() -> task<result<>> {
    cluster::deployment mine = to;
    std::unique_ptr<wire::connection> connection;
    while (next < collections.size() && !scope.cancelled()) {
      const cluster::collection_info& info = *collections[next++];
      auto attempt = [&]() -> task<result<>> {
        if (!connection || !connection->is_open()) {
          connection.reset();
          SLUICE_CO_TRY(connection, co_await cluster::connect_primary(mine, scope, patience));
        }
        SLUICE_CO_TRYV(co_await state::wait_until_permitted(may_write, scope));
        auto outcome = co_await each(*connection, info);
        if (outcome.has_error() && wire::is_retryable(outcome.error())) connection->close();
        co_return outcome;
      };
      SLUICE_CO_TRYV(co_await wire::retry(attempt, patience, scope));
    }
    co_return ok();
  };
  runtime::task_group group(lane, scope);
  for (std::size_t i = 0; i < std::min(connections_max, collections.size()); ++i) group.spawn(work());
  co_return co_await group.join();
}

}  // namespace sluice::copy
