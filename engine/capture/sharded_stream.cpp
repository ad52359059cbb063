#include "engine/capture/sharded_stream.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "bson/raw_array.hpp"
#include "bson/validate.hpp"
#include "engine/capture/oplog_entry.hpp"
#include "engine/capture/sharded_time.hpp"
#include "engine/capture/stream_event.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::capture {

namespace {

using namespace std::chrono_literals;

constexpr auto await_time = 200ms;
constexpr auto reply_within = 60s;
/// How often idle shards are asked to go on while the stream is behind.
constexpr auto wake_interval = 500ms;

constexpr std::size_t reads_at_once_max = 1000;
/// Of entries that wait for documents to be read.
constexpr std::size_t slice_bytes_max = 4 * limits::mib;

constexpr std::int32_t change_stream_fatal_error = 280;
constexpr std::int32_t change_stream_history_lost = 286;

bson::document stream_from(bson::timestamp from) {
  bson::builder command;
  command.append("aggregate", 1).open_array("pipeline").open_document("0").open_document("$changeStream");
  command.append("allChangesForCluster", true).append("startAtOperationTime", from).close().close();
  // It is read again, and might make the event too large.
  command.open_document("1").open_document("$project").append("updateDescription", 0).close().close().close();
  command.open_document("cursor").append("batchSize", 0).close();
  command.open_document("readConcern").append("level", "majority").close();
  return command.finish();
}

}  // namespace

task<result<>> sharded_stream::open(wire::connection& source) {
  source_ = &source;
  last_news_ = clock::now();
  times_.begin_again();
  const wire::cursor_options options{.batch_documents = limits::batch_documents_max,
                                     .exhaust = false,
                                     .await = await_time,
                                     .reply_within = reply_within};
  cursor_.emplace(source, pool_, "admin", options);
  bson::document command = stream_from(times_.position());
  const auto opened = co_await cursor_->open(std::move(command));
  if (opened.has_error()) co_return explain(opened.error());
  co_return ok();
}

task<result<>> sharded_stream::read() {
  const auto asked = clock::now();
  auto got = co_await cursor_->next();
  if (got.has_error()) co_return explain(got.error());
  into_.asked_at(asked);
  if (!got.value()) {
    co_return failure(error_kind::network, source_->host().to_string() + ": the server has ended the change stream");
  }
  wire::batch batch = *std::move(got.value());
  if (batch.cluster_time > newest_) {
    newest_ = batch.cluster_time;
    last_news_ = clock::now();
  }
  if (batch.empty()) {
    const auto until = batch.resume_token ? time_of_token(*batch.resume_token) : std::nullopt;
    if (!until) {
      co_return failure(error_kind::protocol,
                        source_->host().to_string() + ": the change stream does not say how far it has come");
    }
    // Two shards may have events of one time, and the token of the one comes before the event of the other.
    times_.seen_before(*until);
    if (*until < newest_) {
      SLUICE_CO_TRYV(co_await look_further());
    }
  } else {
    const bson::bytes_view events = batch.documents;
    SLUICE_CO_TRYV(co_await take_all(events));
    last_news_ = clock::now();
  }
  into_.newest(newest_);
  if (times_.has_news()) co_return co_await deliver_chunk();
  co_return ok();
}

task<result<>> sharded_stream::look_further() {
  const auto now = clock::now();
  if (now - woken_ < wake_interval) co_return ok();
  woken_ = now;
  co_return co_await wake_idle_shards(*source_, newest_);
}

result<sharded_stream::told> sharded_stream::judge(bson::bytes_view event) {
  const auto invalid = bson::validate(event, {.depth_max = bson::validate_depth_limit, .check_utf8 = false});
  if (invalid) {
    return failure(error_kind::protocol,
                   source_->host().to_string() +
                       ": an event of the change stream is no valid BSON: " + std::string(invalid->reason));
  }
  told one;
  SLUICE_TRY(one.event, read_sharded_event(bson::document_view(event.data())));
  SLUICE_TRY(const auto verdict, filter_.judge(one.event.entry.bytes()));
  one.wanted = verdict.wanted;
  if (!one.wanted) {
    into_.left_out(1);
    one.event.entry = {};
    one.event.read_again = false;
  }
  return one;
}

task<result<>> sharded_stream::take_all(bson::bytes_view events) {
  std::vector<told> slice;
  std::size_t reads = 0;
  std::size_t bytes = 0;
  bson::raw_array_walk walk(events);
  while (const auto event = walk.next()) {
    SLUICE_CO_TRY(auto one, judge(*event));
    reads += one.event.read_again ? 1 : 0;
    bytes += one.event.entry.bytes().size();
    slice.push_back(std::move(one));
    if (reads < reads_at_once_ && bytes < slice_bytes_max) continue;
    SLUICE_CO_TRYV(co_await hand_on(slice));
    slice.clear();
    reads = bytes = 0;
  }
  if (walk.fault()) {
    co_return failure(error_kind::protocol,
                      source_->host().to_string() + ": the reply with events of its change stream is no BSON array");
  }
  co_return co_await hand_on(slice);
}

task<result<>> sharded_stream::hand_on(std::span<const told> events) {
  wanted_documents wanted;
  std::size_t reads = 0;
  for (const auto& one : events) {
    if (!one.event.read_again) continue;
    wanted[std::string(one.event.ns())].push_back(one.event.id());
    ++reads;
  }
  const bson::timestamp last = events.empty() ? bson::timestamp{} : events.back().event.at;
  SLUICE_CO_TRY(const auto documents, co_await read_again(*source_, wanted, last));
  if (documents) {
    if (reads >= reads_at_once_) reads_at_once_ = std::min(reads_at_once_ * 2, reads_at_once_max);
    co_return co_await hand_on_with(events, *documents);
  }
  // Several of one document are one to be read.
  reads_at_once_ = std::max<std::size_t>(reads_at_once_ / 2, 1);
  const std::size_t half = events.size() / 2;
  SLUICE_CO_TRYV(co_await hand_on(events.first(half)));
  co_return co_await hand_on(events.subspan(half));
}

task<result<>> sharded_stream::hand_on_with(std::span<const told> events, const read_documents& documents) {
  // A document that was read once need not be written more often: behind the last event about it.
  std::map<std::string, const told*> last;
  for (const auto& one : events) {
    if (one.event.read_again) last[document_name(one.event.ns(), one.event.id())] = &one;
  }
  for (const auto& one : events) {
    const auto order = times_.enter(one.event.at);
    if (order == whole_times::order::taken) continue;
    if (order == whole_times::order::back) {
      co_return failure(
          error_kind::protocol,
          source_->host().to_string() + ": the change stream goes back in time, to " + describe(one.event.at));
    }
    if (times_.full()) {
      SLUICE_CO_TRYV(co_await deliver_chunk());
    }
    if (!one.wanted) continue;
    const auto document = one.event.read_again ? documents.find(one.event.ns(), one.event.id()) : std::nullopt;
    if (document) {
      if (last[document_name(one.event.ns(), one.event.id())] != &one) continue;
      times_.add(entry_of_document(one.event, *document));
    } else if (!one.event.read_again || one.event.op() == "d") {
      times_.add(one.event.entry);
    }
    if (times_.too_large()) {
      co_return failure(error_kind::refused, source_->host().to_string() + ": the transaction of " +
                                                 describe(one.event.at) +
                                                 " is larger than 1 GiB, too large for capture by a change stream");
    }
  }
  co_return ok();
}

task<result<>> sharded_stream::deliver_chunk() {
  change_chunk chunk = times_.take(clock::now());
  co_return co_await into_.push(std::move(chunk));
}

error sharded_stream::explain(error cause) const {
  if (cause.kind != error_kind::server) return cause;
  std::string what;
  if (cause.server_code == change_stream_history_lost || cause.server_code == change_stream_fatal_error) {
    what = "the oplog of a shard has rolled over: the changes from " + describe(times_.position()) +
           " on are needed, and the change stream cannot begin there any more. Nothing was changed by this; the "
           "migration has to begin anew. Before that give the shards larger oplogs (replSetResizeOplog)";
  } else if (cause.server_code == wire::bson_object_too_large) {
    what = "a change is too large for a change stream, the only way in which a sharded cluster tells of its changes";
  } else {
    return cause;
  }
  return {error_kind::refused, source_->host().to_string() + ": " + what + " (" + cause.message + ")",
          cause.server_code, std::move(cause.server_code_name)};
}

task<result<>> try_sharded_stream(wire::connection& source) {
  const auto opened = co_await visit_all_shards(source, {});
  if (opened) co_return ok();
  const error& why = opened.error();
  if (why.kind != error_kind::server || wire::is_retryable(why)) co_return why;
  co_return error{error_kind::refused,
                  source.host().to_string() + ": no change stream over the whole cluster can be opened (" +
                      why.message + "); grant the source's user the role readAnyDatabase",
                  why.server_code, why.server_code_name};
}

}  // namespace sluice::capture
