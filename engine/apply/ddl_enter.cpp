// A collection that enters the filter by a rename: it was not copied, so that is done here, as it is on the source now.
// Of a sharded cluster, which tells by name only, whatever its names come to mean.
// Its later changes are applied over it once more, as after the first copy.
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "bson/extended_json.hpp"
#include "bson/raw_array.hpp"
#include "bson/validate.hpp"
#include "engine/apply/ddl.hpp"
#include "engine/cluster/command_cursor.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/cursor.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::apply {

namespace {

/// The collection is gone (dropped, or renamed into another database), which its entries will tell.
bool is_gone(const error& cause) {
  return cause.kind == error_kind::server &&
         (cause.server_code == wire::namespace_not_found || cause.server_code == wire::query_plan_killed);
}

/// The cursor is lost, not the collection: begin again.
bool is_lost(const error& cause) {
  return cause.kind == error_kind::server &&
         (cause.server_code == wire::cursor_not_found || cause.server_code == wire::capped_position_lost);
}

bson::document find_all(const cluster::collection_info& from, bson::document_view query, bool is_mongos,
                        bson::timestamp since) {
  bson::builder command;
  if (is_mongos) {
    command.append("find", from.ns.collection);
  } else {
    command.append("find", bson::binary_view{.subtype = 4, .data = from.uuid});
  }
  command.append("filter", query);
  command.open_document("hint").append("$natural", 1).close();
  command.open_document("readConcern").append("level", "majority");
  // Any shard may have elected since the change was seen, and its majority may seem to be behind it.
  if (is_mongos) command.append("afterClusterTime", since);
  command.close();
  command.append("noCursorTimeout", true);
  return command.finish();
}

/// A majority write that changes nothing: acknowledged, it makes every write of its term before it durable.
task<result<wire::write_term>> fence(wire::connection& to, cluster::namespace_name ns) {
  bson::builder command;
  command.append("delete", ns.collection).open_array("deletes").open_document("0").open_document("q");
  command.append("_id", bson::object_id{}).close().append("limit", 1).close().close();
  command.open_document("writeConcern").append("w", "majority").close();
  bson::document nothing = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await to.run(ns.database, std::move(nothing)));
  if (auto concern = wire::write_concern_error_of_reply(answer.body, to.host().to_string()))
    co_return *std::move(concern);
  co_return wire::term_of_reply(answer.body);
}

/// Servers that cannot be told otherwise replace a top-level Timestamp(0, 0) by their own time. Nothing: none is there.
std::optional<std::string> holder_of_zero_timestamp(bson::bytes_view documents) {
  bson::raw_array_walk walk(documents);
  while (const auto bytes = walk.next()) {
    if (bson::validate(*bytes, {.check_utf8 = false})) continue;  // the server will say what is wrong with it
    const bson::document_view document(bytes->data());
    for (const auto field : document)
      if (field.key() != "_id" && field.as_timestamp() == bson::timestamp{})
        return bson::value_to_json(document.find("_id"), bson::json_mode::canonical);
  }
  return {};
}

task<result<bson::timestamp>> time_of(wire::connection& node, std::string database) {
  bson::builder command;
  command.append("listCollections", 1).append("nameOnly", true);
  bson::document list = command.finish();
  SLUICE_CO_TRY(const auto listed, co_await cluster::run_cursor(node, database, std::move(list)));
  co_return listed.operation_time;
}

/// The whole of a find into an empty collection. The term in which all of it was acknowledged.
class transfer {
 public:
  transfer(wire::cursor& from, wire::connection& to, const cluster::collection_info& info, wire::insert_options how)
      : from_(from), to_(to), info_(info), how_(how) {}

  task<result<wire::write_term>> run() {
    for (;;) {
      SLUICE_CO_TRY(const auto batch, co_await from_.next());
      if (!batch) co_return term_.value_or(wire::write_term{});
      if (batch->empty()) continue;
      SLUICE_CO_TRYV(co_await write(batch->documents));
    }
  }

 private:
  task<result<>> write(bson::bytes_view documents) {
    const auto ns = info_.destination_data_ns();
    if (!how_.bypass_empty_timestamp) {
      if (const auto id = holder_of_zero_timestamp(documents)) {
        co_return failure(error_kind::refused,
                          ns.to_string() + " was not copied at the beginning, and the document " + *id +
                              " holds a Timestamp(0, 0), which this destination would change: upgrade it to the newest "
                              "patch release, or start anew with the collection in the filter");
      }
    }
    SLUICE_CO_TRY(const auto written, co_await wire::insert(to_, ns.database, ns.collection, documents, how_));
    if (!written.refused.empty()) {
      const auto& first = written.refused.front();
      co_return error{error_kind::server,
                      ns.to_string() + ": " + std::to_string(written.refused.size()) +
                          " documents were refused, the first because: " + first.message,
                      first.code,
                      {}};
    }
    if (term_ && *term_ != written.term)
      co_return failure(error_kind::network,
                        to_.host().to_string() + ": the primary changed while " + ns.to_string() + " was copied");
    term_ = written.term;
    co_return ok();
  }

  wire::cursor& from_;
  wire::connection& to_;
  const cluster::collection_info& info_;
  wire::insert_options how_;
  std::optional<wire::write_term> term_;
};

}  // namespace

task<result<>> ddl::enter(cluster::namespace_name ns, std::vector<std::byte> uuid, bson::document key,
                          bson::timestamp since, ddl_effects& effects) {
  SLUICE_CO_TRYV(check_place_of(ns));
  const auto destination = migrated_.names.destination_of(ns);
  if (const auto* there = occupant(destination)) {
    const mapped_collection replaced = *there;
    SLUICE_CO_TRYV(co_await drop(replaced, effects));
  }
  std::optional<cluster::collection_info> info;
  auto once = [&]() -> task<result<>> {
    SLUICE_CO_TRY(info, co_await read_source(ns, uuid));
    if (info && (info->kind == cluster::collection_kind::view || info->kind == cluster::collection_kind::timeseries)) {
      info.reset();  // another one of that name
    }
    if (!info) co_return ok();
    if (auto reason = migrated_.documents.reason_against(*info))
      co_return failure(error_kind::refused, *std::move(reason));
    const cluster::collection_info on_source = *info;
    info->ns = ns;
    if (info->shard_key.view().empty()) info->shard_key = key;
    set_destination(*info);
    if (uuid.empty()) info->uuid = stand_in_uuid(ns, since);
    log(log_level::info, "apply", "A collection that was not copied before is copied now",
        {{"ns", destination.to_string()}, {"calledOnSource", on_source.ns.to_string()}});
    SLUICE_CO_TRYV(co_await clear(destination));
    SLUICE_CO_TRYV(co_await make(*info, effects));
    SLUICE_CO_TRY(const bool there, co_await copy_documents(*info, on_source, since));
    if (there) co_return ok();
    SLUICE_CO_TRYV(co_await clear(destination));
    info.reset();
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await wire::retry(once, patience_, scope_));
  if (!info) co_return ok();

  put(*info, since, effects);
  effects.rebuild_plan = true;
  const mapped_collection entered = *map_.find(info->uuid);
  for (const auto& index : info->indexes) {
    SLUICE_CO_TRYV(co_await create_index(entered, index.spec));
  }
  on_connection ask = [&](wire::connection& source) -> task<result<>> {
    SLUICE_CO_TRY(effects.replays_until, co_await time_of(source, ns.database));
    co_return ok();
  };
  co_return co_await at(source_, std::move(ask));
}

task<result<bool>> ddl::copy_documents(const cluster::collection_info& info, const cluster::collection_info& from,
                                       bson::timestamp since) {
  SLUICE_CO_TRYV(co_await open(source_));
  SLUICE_CO_TRYV(co_await open(destination_));
  wire::connection& source = *source_.connection;
  wire::connection& destination = *destination_.connection;
  const auto lane = co_await boost::asio::this_coro::executor;
  runtime::buffer_pool pool(lane, limits::lane_memory_min_bytes);
  const wire::cursor_options options{.batch_documents = limits::batch_documents_max, .exhaust = true};
  wire::cursor cursor(source, pool, from.ns.database, options);
  bson::document find = find_all(from, migrated_.documents.query(), source.hello().is_mongos, since);
  auto opened = co_await cursor.open(std::move(find));
  result<wire::write_term> copied = wire::write_term{};
  if (opened) {
    transfer all(cursor, destination, info,
                 {.bypass_empty_timestamp = destination_.of.can.bypass_empty_timestamp,
                  .by_majority = destination_.of.is_written_by_majority()});
    copied = co_await all.run();
    co_await cursor.abandon();
  } else {
    copied = opened.error();
  }
  if (copied.has_error()) {
    error cause = std::move(copied.error());
    if (is_gone(cause)) co_return false;
    if (is_lost(cause)) cause.kind = error_kind::network;
    if (wire::is_retryable(cause)) {
      source.close();
      destination.close();
    }
    co_return cause;
  }
  cluster::namespace_name there = info.destination_ns();
  SLUICE_CO_TRY(const auto durable, co_await fence(destination, std::move(there)));
  if (copied.value().known() && durable != copied.value())
    co_return failure(error_kind::network, destination.host().to_string() + ": the primary changed while " +
                                               info.ns.to_string() + " was copied");
  co_return true;
}

}  // namespace sluice::apply
