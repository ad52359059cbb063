#include "engine/capture/sharded_time.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "bson/document.hpp"

namespace sluice::capture {

namespace {

using namespace std::chrono_literals;

/// A shard that is without a primary, or whose majority stands still, lets its readers wait for ever.
constexpr auto answer_within = 60s;

result<bson::timestamp> cluster_time_of(const wire::connection& mongos, bson::document_view reply) {
  const auto field = reply.at("$clusterTime", "clusterTime");
  const auto time = field ? field.as_timestamp() : std::nullopt;
  if (!time || *time == bson::timestamp{})
    return failure(error_kind::protocol, mongos.host().to_string() + ": the reply has no $clusterTime");
  return *time;
}

}  // namespace

task<result<bson::timestamp>> read_cluster_time(wire::connection& mongos) {
  bson::builder ping;
  ping.append("ping", 1);
  bson::document command = ping.finish();
  SLUICE_CO_TRY(const auto reply, co_await mongos.run("admin", std::move(command), answer_within));
  co_return cluster_time_of(mongos, reply.body);
}

task<result<bson::timestamp>> visit_all_shards(wire::connection& mongos, bson::timestamp after) {
  bson::builder command;
  command.append("aggregate", 1).open_array("pipeline").open_document("0").open_document("$changeStream");
  command.append("allChangesForCluster", true).close().close().close();
  command.open_document("cursor").append("batchSize", 0).close();
  command.open_document("readConcern").append("level", "majority");
  if (after != bson::timestamp{}) command.append("afterClusterTime", after);
  command.close();
  bson::document open = command.finish();
  SLUICE_CO_TRY(const auto opened, co_await mongos.run("admin", std::move(open), answer_within));
  SLUICE_CO_TRY(const auto time, cluster_time_of(mongos, opened.body));
  bson::builder end;
  end.append("killCursors", "$cmd.aggregate").open_array("cursors");
  end.push(opened.body.at("cursor", "id").to_int64().value_or(0)).close();
  bson::document kill = end.finish();
  const auto killed = co_await mongos.run("admin", std::move(kill), answer_within);
  (void)killed;  // it ends by itself, too
  co_return time;
}

task<result<>> wake_idle_shards(wire::connection& mongos, bson::timestamp time) {
  // A command that a mongos sends to all of them, that everybody may send, and that finds nothing.
  bson::builder command;
  command.append("listDatabases", 1).append("nameOnly", true);
  command.open_document("filter").append("name", "").close();
  command.open_document("readConcern").append("level", "local").append("afterClusterTime", time).close();
  bson::document list = command.finish();
  const auto listed = co_await mongos.run("admin", std::move(list), answer_within);
  if (listed.has_error()) co_return listed.error();
  co_return ok();
}

}  // namespace sluice::capture
