#include "engine/cluster/sharded_layout.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "bson/compare.hpp"
#include "engine/cluster/command_cursor.hpp"
#include "engine/cluster/index_spec.hpp"
#include "engine/cluster/majority_command.hpp"
#include "engine/cluster/shard_key.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::cluster {

namespace {

/// Enough for a balancer of whatever version to even out what the samples missed.
constexpr std::size_t chunks_a_shard = 8;
constexpr std::int64_t chunk_bytes_min = std::int64_t{4} * 1024 * 1024;
constexpr std::size_t samples_a_chunk = 50;

task<result<std::vector<std::string>>> shards_of(wire::connection& mongos) {
  bson::builder command;
  command.append("find", "shards").open_document("sort").append("_id", 1).close();
  bson::document find = command.finish();
  SLUICE_CO_TRY(const auto listed, co_await run_cursor(mongos, "config", std::move(find)));
  std::vector<std::string> names;
  for (const auto& one : listed.documents) names.emplace_back(one.view().find("_id").as_string().value_or(""));
  co_return names;
}

task<result<std::string>> primary_shard_of(wire::connection& mongos, std::string database) {
  bson::builder command;
  command.append("find", "databases").open_document("filter").append("_id", database).close();
  bson::document find = command.finish();
  SLUICE_CO_TRY(const auto listed, co_await run_cursor(mongos, "config", std::move(find)));
  if (listed.documents.empty()) co_return std::string();
  co_return std::string(listed.documents.front().view().find("primary").as_string().value_or(""));
}

task<result<std::vector<bson::document>>> sample(wire::connection& source, const collection_info& info,
                                                 std::size_t count) {
  bson::builder command;
  command.append("aggregate", info.ns.collection).open_array("pipeline");
  command.open_document("0").open_document("$sample").append("size", static_cast<std::int64_t>(count)).close().close();
  command.open_document("1").open_document("$project");
  bool with_id = false;
  for (const auto part : info.shard_key.view()) {
    command.append(part.key(), 1);
    with_id = with_id || part.key() == "_id";
  }
  if (!with_id) command.append("_id", 0);
  command.close().close().close().open_document("cursor").close();
  bson::document aggregate = command.finish();
  SLUICE_CO_TRY(auto listed, co_await run_cursor(source, info.ns.database, std::move(aggregate)));
  co_return std::move(listed.documents);
}

void append_bound(bson::builder& to, bson::document_view key, bool upper) {
  to.open_document(to.next_index());
  for (const auto part : key) {
    if (upper) {
      to.append_max_key(part.key());
    } else {
      to.append_min_key(part.key());
    }
  }
  to.close();
}

task<result<>> split_at(wire::connection& mongos, const std::string& ns, const bson::document& point) {
  bson::builder command;
  command.append("split", ns).append("middle", point);
  bson::document split = command.finish();
  SLUICE_CO_TRYV(co_await mongos.run("admin", std::move(split)));
  co_return ok();
}

task<result<>> move_chunk(wire::connection& mongos, const collection_info& info, const bson::document& from,
                          const bson::document* behind, const std::string& to) {
  bson::builder command;
  command.append("moveChunk", info.destination_ns().to_string()).open_array("bounds").push(from);
  if (behind != nullptr) {
    command.push(*behind);
  } else {
    append_bound(command, info.shard_key, true);
  }
  command.close().append("to", to);
  bson::document move = command.finish();
  SLUICE_CO_TRYV(co_await mongos.run("admin", std::move(move)));
  co_return ok();
}

/// Of two values of one key.
bool less(const bson::document& a, const bson::document& b) {
  const auto left = a.view();
  auto right = b.view().begin();
  for (const auto part : left) {
    const auto order = bson::compare_values(part, *right);
    if (order != 0) return order < 0;
    ++right;
  }
  return false;
}

/// A chunk that moves with documents leaves some behind for a while, whose `_id`s would be taken for duplicates.
task<result<bool>> is_empty(wire::connection& mongos, const namespace_name ns) {
  bson::builder command;
  command.append("find", ns.collection).append("limit", 1).append("singleBatch", true);
  bson::document find = command.finish();
  SLUICE_CO_TRY(const auto listed, co_await run_cursor(mongos, ns.database, std::move(find)));
  co_return listed.documents.empty();
}

/// How many chunks it has is asked by its name and by its UUID: 5.0 keeps the second, older ones the first.
task<result<bool>> is_whole(wire::connection& mongos, const collection_info& info) {
  const std::string ns = info.destination_ns().to_string();
  bson::builder of;
  of.append("find", "collections").open_document("filter").append("_id", ns).close();
  bson::document find_it = of.finish();
  SLUICE_CO_TRY(const auto found, co_await run_cursor(mongos, "config", std::move(find_it)));
  if (found.documents.empty()) co_return false;
  bson::builder command;
  command.append("find", "chunks").open_document("filter").open_array("$or");
  command.open_document("0").append("ns", ns).close();
  command.open_document("1").append("uuid", found.documents.front().view().find("uuid")).close();
  command.close().close().append("limit", 2);
  bson::document find = command.finish();
  SLUICE_CO_TRY(const auto chunks, co_await run_cursor(mongos, "config", std::move(find)));
  co_return chunks.documents.size() == 1;
}

task<result<std::size_t>> spread(wire::connection& source, wire::connection& mongos, const collection_info& info) {
  SLUICE_CO_TRY(const auto shards, co_await shards_of(mongos));
  const std::size_t wanted = chunks_for(info.data_bytes, shards.size());
  if (wanted < 2) co_return std::size_t{1};
  SLUICE_CO_TRY(const bool untouched, co_await is_whole(mongos, info));
  if (!untouched) co_return std::size_t{1};  // cut before this process died
  SLUICE_CO_TRY(const bool empty, co_await is_empty(mongos, info.destination_ns()));
  if (!empty) co_return std::size_t{1};
  SLUICE_CO_TRY(const auto samples, co_await sample(source, info, wanted * samples_a_chunk));
  const auto points = split_points(samples, info.shard_key, wanted);
  SLUICE_CO_TRY(const auto first, co_await primary_shard_of(mongos, info.destination_ns().database));
  const auto found = std::ranges::find(shards, first);
  const auto begin = static_cast<std::size_t>(found == shards.end() ? 0 : found - shards.begin());
  const std::string ns = info.destination_ns().to_string();
  for (const auto& point : points) {
    SLUICE_CO_TRYV(co_await split_at(mongos, ns, point));
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::string& to = shards[(begin + 1 + i) % shards.size()];
    if (to == first) continue;
    const bson::document* const behind = i + 1 < points.size() ? &points[i + 1] : nullptr;
    SLUICE_CO_TRYV(co_await move_chunk(mongos, info, points[i], behind, to));
  }
  co_return points.size() + 1;
}

}  // namespace

std::size_t chunks_for(std::int64_t data_bytes, std::size_t shards) {
  if (shards < 2) return 1;
  const auto by_size = static_cast<std::size_t>(std::max<std::int64_t>(data_bytes, 0) / chunk_bytes_min);
  return std::clamp<std::size_t>(by_size, 1, shards * chunks_a_shard);
}

std::vector<bson::document> split_points(const std::vector<bson::document>& samples, bson::document_view key,
                                         std::size_t chunks) {
  std::vector<bson::document> values;
  for (const auto& one : samples) {
    const bson::document conditions = key_conditions(key, one);
    bson::builder value;
    for (const auto part : key) {
      if (part.as_string() == "hashed") {
        value.append_min_key(part.key());
      } else {
        value.append(part.key(), conditions.view().at(part.key(), "$eq"));
      }
    }
    values.push_back(value.finish());
  }
  std::ranges::sort(values, less);
  std::vector<bson::document> points;
  for (std::size_t i = 1; i < chunks && !values.empty(); ++i) {
    bson::document& value = values[std::min(values.size() - 1, i * values.size() / chunks)];
    // The lowest value begins the first chunk as well as any.
    const bool further = points.empty() ? less(values.front(), value) : less(points.back(), value);
    if (further) points.push_back(value);
  }
  return points;
}

task<result<>> place_databases(wire::connection& mongos, const catalog& catalog) {
  SLUICE_CO_TRY(const auto shards, co_await shards_of(mongos));
  if (shards.empty()) co_return failure(error_kind::refused, mongos.host().to_string() + ": the cluster has no shards");
  std::map<std::string, std::int64_t> databases;
  for (const auto& info : catalog.collections) {
    auto& bytes = databases[info.destination_ns().database];
    if (info.shard_key.view().empty()) bytes += info.data_bytes;
  }
  std::vector<std::pair<std::int64_t, std::string>> by_size;
  for (const auto& [name, bytes] : databases) by_size.emplace_back(-bytes, name);
  std::ranges::sort(by_size);
  std::vector<std::int64_t> load(shards.size(), 0);
  for (const auto& [bytes, name] : by_size) {
    const auto least = static_cast<std::size_t>(std::ranges::min_element(load) - load.begin());
    load[least] += 1 - bytes;
    bson::builder command;
    command.append("enableSharding", name).append("primaryShard", shards[least]);
    bson::document enable = command.finish();
    auto enabled = co_await run_by_majority(mongos, "admin", std::move(enable));
    // It is there, and lives elsewhere.
    if (enabled.has_error() && enabled.error().server_code != wire::namespace_exists) co_return enabled.error();
  }
  co_return ok();
}

task<result<std::set<namespace_name>>> read_zoned(wire::connection& mongos) {
  bson::builder command;
  command.append("distinct", "tags").append("key", "ns");
  bson::document distinct = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await mongos.run("config", std::move(distinct)));
  std::set<namespace_name> zoned;
  const auto values = answer.body.find("values").as_array().value_or(bson::document_view());
  for (const auto value : values) {
    if (auto ns = parse_namespace(value.as_string().value_or(""))) zoned.insert(*std::move(ns));
  }
  co_return zoned;
}

task<result<>> shard_collection(wire::connection& mongos, const collection_info& info) {
  if (info.shard_key.view().empty()) co_return ok();
  const auto& ns = info.destination_ns();
  for (const auto& index : indexes_for_sync(info, {})) {
    if (!supports_key(index.spec, info.shard_key)) continue;
    bson::builder command;
    command.append("createIndexes", ns.collection).open_array("indexes").push(index.spec).close();
    bson::document create = command.finish();
    SLUICE_CO_TRYV(co_await run_by_majority(mongos, ns.database, std::move(create)));
    break;
  }
  bson::builder of_database;
  of_database.append("enableSharding", ns.database);  // asked for before 6.0
  bson::document enable = of_database.finish();
  SLUICE_CO_TRYV(co_await run_by_majority(mongos, "admin", std::move(enable)));
  bson::builder command;
  command.append("shardCollection", ns.to_string()).append("key", info.shard_key);
  bson::document shard = command.finish();
  auto sharded = co_await run_by_majority(mongos, "admin", std::move(shard));
  if (sharded) co_return ok();
  error cause = std::move(sharded).error();
  cause.message = "collection " + ns.to_string() + " could not be sharded: " + cause.message;
  co_return cause;
}

task<result<>> spread_chunks(wire::connection& source, wire::connection& mongos, const collection_info& info) {
  if (info.shard_key.view().empty() || (*info.shard_key.view().begin()).as_string() == "hashed") co_return ok();
  auto chunks = co_await spread(source, mongos, info);
  if (chunks.has_error()) {
    if (wire::is_retryable(chunks.error())) co_return chunks.error();
    log(log_level::warn, "cluster", "A collection begins on fewer shards than there are",
        {{"ns", info.destination_ns().to_string()}, {"cause", chunks.error().message}});
  } else if (chunks.value() > 1) {
    log(log_level::info, "cluster", "A collection was cut for the shards",
        {{"ns", info.destination_ns().to_string()}, {"chunks", chunks.value()}});
  }
  co_return ok();
}

task<result<bool>> is_balancer_on(wire::connection& mongos) {
  bson::builder status;
  status.append("balancerStatus", 1);
  bson::document ask = status.finish();
  SLUICE_CO_TRY(const auto answer, co_await mongos.run("admin", std::move(ask)));
  co_return answer.body.find("mode").as_string().value_or("") != "off";
}

task<result<>> stop_balancer(wire::connection& mongos) {
  bson::builder command;
  command.append("balancerStop", 1);  // answers when the migration under way has ended
  bson::document stop = command.finish();
  auto stopped = co_await mongos.run("admin", std::move(stop));
  if (stopped) co_return ok();
  error cause = std::move(stopped).error();
  cause.message =
      "the balancer of the destination could not be stopped, and chunks must not move meanwhile: " + cause.message +
      "; stop it with sh.stopBalancer(), or grant the role clusterManager";
  co_return cause;
}

task<result<>> start_balancer(wire::connection& mongos) {
  bson::builder command;
  command.append("balancerStart", 1);
  bson::document start = command.finish();
  SLUICE_CO_TRYV(co_await mongos.run("admin", std::move(start)));
  co_return ok();
}

}  // namespace sluice::cluster
