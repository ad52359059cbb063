#include "engine/capture/change_stream.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "bson/raw_array.hpp"
#include "bson/validate.hpp"
#include "engine/capture/oplog_entry.hpp"
#include "engine/capture/stream_event.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::capture {

namespace {

using namespace std::chrono_literals;

/// How long the server waits for a new event: an empty reply is what completes the newest time.
constexpr auto await_time = 200ms;
/// It owes an answer every fifth of a second, but may first have a long way to go through an oplog.
constexpr auto reply_within = 60s;

constexpr std::int32_t change_stream_fatal_error = 280;
constexpr std::int32_t change_stream_history_lost = 286;
/// A piece of a large event is too large: seen with an `_id` of 1.5 MB, which each piece repeats (6.0.27).
constexpr std::int32_t cannot_split = 7182500;
constexpr std::int32_t wire_version_of_6_0 = 17;
constexpr cluster::server_version splits_since{6, 0, 9};

bson::document stream_from(std::optional<bson::timestamp> from, bool split) {
  bson::builder command;
  command.append("aggregate", 1).open_array("pipeline").open_document("0").open_document("$changeStream");
  for (const auto* option : {"allChangesForCluster", "showExpandedEvents", "showSystemEvents",
                             "showRawUpdateDescription", "showMigrationEvents"}) {
    // The last for convertToCapped, which marks its inserts as if they were a migration's.
    command.append(option, true);
  }
  if (from) command.append("startAtOperationTime", *from);
  command.close().close();
  if (split) command.open_document("1").open_document("$changeStreamSplitLargeEvent").close().close();
  command.close();
  command.open_document("cursor").append("batchSize", 0).close();
  command.open_document("readConcern").append("level", "majority").close();
  return command.finish();
}

}  // namespace

change_stream::change_stream(const capture_job& job, runtime::buffer_pool& pool, delivery& into)
    : pool_(pool),
      into_(into),
      filter_(job.filter),
      times_(job.from, job.exact),
      can_split_(job.source.version >= splits_since) {}

task<result<>> change_stream::open(wire::connection& source) {
  source_ = &source;
  last_news_ = clock::now();
  times_.begin_again();
  pieces_ = {};
  const wire::cursor_options options{.batch_documents = limits::batch_documents_max,
                                     .exhaust = false,
                                     .await = await_time,
                                     .reply_within = reply_within};
  cursor_.emplace(source, pool_, "admin", options);
  bson::document command = stream_from(times_.position(), can_split_);
  const auto opened = co_await cursor_->open(std::move(command));
  if (opened.has_error()) co_return explain(opened.error());
  co_return ok();
}

task<result<>> change_stream::read() {
  const auto asked = clock::now();
  auto got = co_await cursor_->next();
  if (got.has_error()) co_return explain(got.error());
  into_.asked_at(asked);
  if (!got.value()) {
    co_return failure(error_kind::network, source_->host().to_string() + ": the server has ended the change stream");
  }
  wire::batch batch = *std::move(got.value());
  if (batch.empty()) {
    const auto until = batch.resume_token ? time_of_token(*batch.resume_token) : std::nullopt;
    if (!until) {
      co_return failure(error_kind::protocol,
                        source_->host().to_string() + ": the change stream does not say how far it has come");
    }
    // At its end, of one node: the token is the newest entry that it looked at, and what that stands for has come. A
    // stream that began later than the oplog's end has looked at nothing yet.
    times_.seen_until(std::min(*until, batch.operation_time));
  } else {
    const bson::bytes_view events = batch.documents;
    SLUICE_CO_TRYV(co_await take_all(events));
    last_news_ = clock::now();
  }
  caught_up_ = !batch.empty() && batch.documents.size() < little_bytes;
  // No-ops are no events, but what a majority has moves with them.
  if (batch.operation_time > told_) last_news_ = clock::now();
  told_ = std::max(told_, batch.operation_time);
  into_.newest(batch.operation_time);
  if (times_.has_news()) co_return co_await deliver_chunk();
  co_return ok();
}

task<result<>> change_stream::take_all(bson::bytes_view events) {
  bson::raw_array_walk walk(events);
  while (const auto event = walk.next()) {
    const auto invalid = bson::validate(*event, {.depth_max = bson::validate_depth_limit, .check_utf8 = false});
    if (invalid) {
      co_return failure(error_kind::protocol, source_->host().to_string() + ": an event of the change stream is no " +
                                                  "valid BSON: " + std::string(invalid->reason));
    }
    SLUICE_CO_TRYV(co_await take(bson::document_view(event->data())));
  }
  if (walk.fault()) {
    co_return failure(error_kind::protocol,
                      source_->host().to_string() + ": the reply with events of its change stream is no BSON array");
  }
  co_return ok();
}

task<result<>> change_stream::take(bson::document_view event) {
  const auto number = event.at("splitEvent", "fragment");
  if (!number) co_return co_await take_whole(event);
  for (const auto field : event) {
    if (field.key() != "_id" && field.key() != "splitEvent") pieces_.append(field);
  }
  if (number.to_int64() != event.at("splitEvent", "of").to_int64()) co_return ok();
  const bson::document whole = pieces_.finish();
  co_return co_await take_whole(whole);
}

task<result<>> change_stream::take_whole(bson::document_view event) {
  SLUICE_CO_TRY(const auto read, read_stream_event(event));
  const auto order = times_.enter(read.at);
  if (order == whole_times::order::taken) co_return ok();
  if (order == whole_times::order::back) {
    co_return failure(error_kind::protocol,
                      source_->host().to_string() + ": the change stream goes back in time: " + describe(event));
  }
  if (times_.full()) {
    SLUICE_CO_TRYV(co_await deliver_chunk());
  }
  for (const auto& entry : read.entries) {
    SLUICE_CO_TRY(const auto verdict, filter_.judge(entry.bytes()));
    if (!verdict.wanted) {
      into_.left_out(1);
      continue;
    }
    times_.add(entry);
  }
  if (times_.too_large()) {
    co_return failure(error_kind::refused, source_->host().to_string() + ": the transaction of " + describe(read.at) +
                                               " is larger than 1 GiB, too large for capture by a change stream; grant "
                                               "the source's user the role backup, so that its oplog can be read");
  }
  co_return ok();
}

task<result<>> change_stream::deliver_chunk() {
  change_chunk chunk = times_.take(clock::now());
  co_return co_await into_.push(std::move(chunk));
}

error change_stream::explain(error told) const {
  if (told.kind != error_kind::server) return told;
  std::string what;
  if (told.server_code == change_stream_history_lost || told.server_code == change_stream_fatal_error) {
    what = "the oplog has rolled over: the changes from " + describe(times_.position()) +
           " on are needed, and the change stream cannot begin there any more. Nothing was changed by this; the "
           "migration has to begin anew. Before that give the source a larger oplog (replSetResizeOplog)";
  } else if (told.server_code == wire::bson_object_too_large || told.server_code == cannot_split) {
    what =
        "a change is too large for a change stream; grant the source's user the role backup, so "
        "that its oplog can be read";
  } else {
    return told;
  }
  return {error_kind::refused, source_->host().to_string() + ": " + what + " (" + told.message + ")", told.server_code,
          std::move(told.server_code_name)};
}

task<result<>> try_change_stream(wire::connection& source) {
  const std::string instead =
      "; grant the source's user the role backup or clusterMonitor, so that its oplog can be read";
  if (source.hello().wire_version_max < wire_version_of_6_0) {
    co_return failure(error_kind::refused, source.host().to_string() +
                                               ": a change stream of a server before 6.0 does not tell which "
                                               "collections and indexes are made, so changes would be lost" +
                                               instead);
  }
  bson::document open = stream_from(std::nullopt, false);
  const auto opened = co_await source.run("admin", std::move(open));
  if (opened.has_error()) {
    const error& why = opened.error();
    if (why.kind != error_kind::server || wire::is_retryable(why)) co_return why;
    co_return error{error_kind::refused,
                    source.host().to_string() + ": no change stream over the whole deployment can be opened (" +
                        why.message + ")" + instead + ", or the role readAnyDatabase for the change stream",
                    why.server_code, why.server_code_name};
  }
  const auto id = opened.value().body.at("cursor", "id").to_int64();
  bson::builder command;
  command.append("killCursors", "$cmd.aggregate").open_array("cursors").push(id.value_or(0)).close();
  bson::document kill = command.finish();
  const auto killed = co_await source.run("admin", std::move(kill));
  (void)killed;  // it ends by itself, too
  co_return ok();
}

}  // namespace sluice::capture
