#include "engine/capture/start_time.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "bson/document.hpp"
#include "engine/capture/oplog_entry.hpp"
#include "engine/capture/sharded_time.hpp"
#include "engine/cluster/command_cursor.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::capture {

namespace {

error without(const wire::connection& node, std::string_view what) {
  return failure(error_kind::protocol, node.host().to_string() + ": the reply has no " + std::string(what) +
                                           "; is it a member of a replica set?");
}

result<bson::timestamp> operation_time(const wire::connection& node, bson::document_view reply) {
  const auto field = reply.find("operationTime");
  const auto time = field ? field.as_timestamp() : std::nullopt;
  if (!time || *time == bson::timestamp{}) return without(node, "operationTime");
  return *time;
}

/// Of all shards: no write that was acknowledged before is later.
task<result<bson::timestamp>> read_time_of_all_shards(wire::connection& mongos) {
  SLUICE_CO_TRY(const auto known, co_await read_cluster_time(mongos));
  co_return co_await visit_all_shards(mongos, known);
}

/// The newest time that a mongod knows of: its last entry.
task<result<bson::timestamp>> read_newest_time(wire::connection& node) {
  bson::builder ping;
  ping.append("ping", 1);
  bson::document command = ping.finish();
  SLUICE_CO_TRY(const auto reply, co_await node.run("admin", std::move(command)));
  co_return operation_time(node, reply.body);
}

bson::document find_transactions(bson::document_view filter, std::int32_t limit) {
  bson::builder find;
  find.append("find", "transactions").append("filter", filter).append("limit", limit);
  find.open_document("projection").append("startOpTime", 1).close();
  find.open_document("readConcern").append("level", "majority").close();
  return find.finish();
}

error explain(error told) {
  if (told.kind != error_kind::server || told.server_code != wire::unauthorized) return told;
  return {error_kind::refused,
          "config.transactions of the source may not be read, so transactions that are open now would be lost; grant "
          "its user the role backup or clusterMonitor (" +
              told.message + ")",
          told.server_code, std::move(told.server_code_name)};
}

/// When the oldest transaction began that a majority read shows as open; nothing where there is none.
task<result<std::optional<bson::timestamp>>> read_oldest_open(wire::connection& source) {
  bson::builder filter;
  filter.open_document("state").open_array("$in").push("prepared").push("inProgress").close().close();
  filter.open_document("startOpTime").append("$exists", true).close();
  bson::document find = find_transactions(filter.finish(), 0);
  const auto open = co_await cluster::run_cursor(source, "config", std::move(find));
  if (!open) co_return explain(open.error());
  std::optional<bson::timestamp> oldest;
  for (const auto& one : open.value().documents) {
    const auto ts = one.view().at("startOpTime", "ts");
    const auto time = ts ? ts.as_timestamp() : std::nullopt;
    if (!time)
      co_return failure(
          error_kind::protocol,
          source.host().to_string() +
              ": config.transactions holds an open transaction without its start: " + describe(one.view()));
    oldest = std::min(oldest.value_or(*time), *time);
  }
  co_return oldest;
}

/// The time of the entry at one end of the oplog: `direction` 1 the first, -1 the last.
task<result<bson::timestamp>> read_oplog_end(wire::connection& source, std::int32_t direction) {
  bson::builder find;
  find.append("find", "oplog.rs").append("limit", 1);
  find.open_document("sort").append("$natural", direction).close();
  find.open_document("projection").append("ts", 1).close();
  bson::document command = find.finish();
  SLUICE_CO_TRY(const auto entries, co_await cluster::run_cursor(source, "local", std::move(command)));
  const auto ts = entries.documents.empty() ? bson::element_view{} : entries.documents.front().view().find("ts");
  const auto time = ts ? ts.as_timestamp() : std::nullopt;
  if (!time) co_return failure(error_kind::protocol, source.host().to_string() + ": its oplog is empty");
  co_return *time;
}

}  // namespace

task<result<bson::timestamp>> read_majority_time(wire::connection& source) {
  if (source.hello().is_mongos) co_return co_await read_time_of_all_shards(source);
  // The operationTime of a majority read is the majority commit point (seen on a set whose secondaries stood still),
  // taken when the command ends. This one finds nothing, by the _id index.
  bson::builder nothing;
  nothing.append_null("_id");
  bson::document find = find_transactions(nothing.finish(), 1);
  const auto reply = co_await source.run("config", std::move(find));
  if (reply) co_return operation_time(source, reply.value().body);
  if (reply.error().server_code != wire::unauthorized) co_return reply.error();
  // Whoever reads user data only: a collection that is nowhere does as well.
  bson::builder elsewhere;
  elsewhere.append("find", "none").append("limit", 1);
  elsewhere.open_document("readConcern").append("level", "majority").close();
  bson::document find_none = elsewhere.finish();
  const auto answer = co_await source.run("sluice", std::move(find_none));
  if (!answer) co_return explain(reply.error());
  co_return operation_time(source, answer.value().body);
}

task<result<start_time>> read_start_time(wire::connection& source, capture_way way) {
  if (source.hello().is_mongos) {
    // Not the time of the visit: a shard whose majority is behind may have heard of a later one.
    SLUICE_CO_TRY(const auto now, co_await read_cluster_time(source));
    SLUICE_CO_TRYV(co_await visit_all_shards(source, now));
    co_return start_time{now, now};
  }
  // In this order: a transaction that is open at `contained` was open when the transactions were read, or has begun
  // since and so after `before`.
  SLUICE_CO_TRY(const auto before, co_await read_majority_time(source));
  if (way == capture_way::change_stream) co_return start_time{before, before};
  SLUICE_CO_TRY(const auto oldest, co_await read_oldest_open(source));
  SLUICE_CO_TRY(const auto contained, co_await read_majority_time(source));
  co_return start_time{std::min(before, oldest.value_or(before)), contained};
}

task<result<oplog_window>> read_oplog_window(wire::connection& source) {
  oplog_window window;
  SLUICE_CO_TRY(window.first, co_await read_oplog_end(source, 1));
  SLUICE_CO_TRY(window.last, co_await read_oplog_end(source, -1));
  co_return window;
}

task<result<bson::timestamp>> append_fence(wire::connection& source) {
  if (source.hello().is_mongos) co_return co_await read_time_of_all_shards(source);
  bson::builder note;
  note.append("appendOplogNote", 1);
  note.open_document("data").append("msg", "sluice: every change to migrate is before this").close();
  note.open_document("writeConcern").append("w", "majority").close();
  bson::document command = note.finish();
  const auto reply = co_await source.run("admin", std::move(command));
  if (reply) {
    if (auto fault = wire::write_concern_error_of_reply(reply.value().body, source.host().to_string()))
      co_return std::move(*fault);
    co_return operation_time(source, reply.value().body);
  }
  const auto& told = reply.error();
  const bool not_allowed = told.kind == error_kind::server &&
                           (told.server_code == wire::unauthorized || told.server_code == wire::command_not_found);
  if (!not_allowed) co_return told;
  co_return co_await read_newest_time(source);
}

}  // namespace sluice::capture
