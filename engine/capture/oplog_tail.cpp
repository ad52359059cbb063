#include "engine/capture/oplog_tail.hpp"

#include <string>
#include <utility>

#include "bson/raw_array.hpp"
#include "engine/capture/oplog_entry.hpp"
#include "engine/capture/start_time.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::capture {

namespace {

using namespace std::chrono_literals;

/// How long the server waits for a new entry before it answers with none: an idle source then moves seen_until.
constexpr auto await_time = 500ms;
/// A node that is silent for so long has stopped. It owes an answer every half a second, a busy disk may take a while.
constexpr auto reply_within = 30s;

bson::document find_from(bson::timestamp from) {
  bson::builder find;
  // Servers from 4.4 on find the place of a `ts` bound in an oplog at once.
  find.append("find", "oplog.rs").open_document("filter").open_document("ts").append("$gte", from).close().close();
  find.append("tailable", true).append("awaitData", true);
  // One entry: more would wait here while the connection is asked something first. A cursor that times out while the
  // spool is full is opened again, so none is made that would stay on the source after us (noCursorTimeout).
  find.append("batchSize", 1);
  find.open_document("readConcern").append("level", "majority").close();
  return find.finish();
}

error rolled_over(const wire::connection& source, bson::timestamp wanted, bson::timestamp first) {
  return failure(
      error_kind::refused,
      source.host().to_string() + ": the oplog has rolled over: the changes from " + describe(wanted) +
          " on are needed, and its first entry is now of " + describe(first) +
          ". Nothing was changed by this; the migration has to begin anew. Before that give the source a larger oplog "
          "(replSetResizeOplog), or the spool more room (--spool-gb), so that it reaches back as far as a copy takes");
}

error not_there(const wire::connection& source, bson::timestamp wanted, bson::timestamp found) {
  return failure(error_kind::refused,
                 source.host().to_string() + ": the oplog holds no entry of " + describe(wanted) +
                     ", where reading stopped; the next one is of " + describe(found) +
                     ". It is another oplog than before (restored, or of another deployment): the migration has to "
                     "begin anew");
}

}  // namespace

oplog_tail::oplog_tail(const capture_job& job, runtime::buffer_pool& pool, delivery& into)
    : pool_(pool), into_(into), filter_(job.filter), position_(job.from), exact_(job.exact) {}

task<result<>> oplog_tail::open(wire::connection& source) {
  source_ = &source;
  first_is_due_ = true;
  committed_before_ = {};
  last_entry_ = clock::now();
  // Not streamed: who has caught up would be sent each change by itself (docs/performance.md, "Catching up and lag").
  const wire::cursor_options options{
      .batch_documents = limits::batch_documents_max, .await = await_time, .reply_within = reply_within};
  cursor_.emplace(source, pool_, "local", options);
  bson::document find = find_from(position_);
  SLUICE_CO_TRYV(co_await cursor_->open(std::move(find)));
  // Asked after the cursor has its place: an oplog that reaches back far enough now did so then.
  SLUICE_CO_TRY(const auto window, co_await read_oplog_window(source));
  if (window.first > position_) co_return rolled_over(source, position_, window.first);
  co_return ok();
}

task<result<>> oplog_tail::read() {
  const auto asked = clock::now();
  SLUICE_CO_TRY(auto got, co_await cursor_->next());
  into_.asked_at(asked);
  if (!got) {
    co_return failure(error_kind::network,
                      source_->host().to_string() + ": the server has ended the cursor on its oplog");
  }
  wire::batch batch = *std::move(got);
  if (batch.empty()) {
    // An empty reply alone proves nothing: its operationTime is taken when it ends, and an entry may have been
    // committed since it looked. But it looked after the reply before was made, at a snapshot not older than that one's
    // operationTime (of majority reads that is the commit point; seen on a set whose secondaries stood still, 6.0.27),
    // and has come to the end of it.
    chunk_.seen(committed_before_);
  } else {
    const bson::bytes_view entries = batch.documents;
    SLUICE_CO_TRYV(co_await deliver_all(entries));
    last_entry_ = clock::now();
  }
  caught_up_ = !batch.empty() && batch.documents.size() < little_bytes;
  committed_before_ = batch.operation_time;
  into_.newest(batch.operation_time);
  if (chunk_.has_news()) co_return co_await deliver_chunk();
  co_return ok();
}

task<result<>> oplog_tail::deliver_all(bson::bytes_view entries) {
  std::int64_t left_out = 0;
  chunk_.expect(entries.size());
  bson::raw_array_walk walk(entries);
  while (const auto entry = walk.next()) {
    SLUICE_CO_TRY(const auto verdict, filter_.judge(*entry));
    if (std::exchange(first_is_due_, false)) {
      SLUICE_CO_TRYV(check_first(verdict.at.at));
      if (exact_) continue;
    }
    chunk_.seen(verdict.at.at);
    if (verdict.wanted) {
      chunk_.add(*entry, verdict.at);
    } else {
      ++left_out;
    }
    if (chunk_.full()) {
      SLUICE_CO_TRYV(co_await deliver_chunk());
      chunk_.expect(entries.size() - walk.offset());
    }
    position_ = verdict.at.at;
    exact_ = true;
  }
  into_.left_out(left_out);
  if (walk.fault()) {
    co_return failure(error_kind::protocol,
                      source_->host().to_string() + ": the reply with entries of its oplog is no BSON array");
  }
  co_return ok();
}

task<result<>> oplog_tail::deliver_chunk() {
  change_chunk chunk = chunk_.take(clock::now());
  co_return co_await into_.push(std::move(chunk));
}

result<> oplog_tail::check_first(bson::timestamp at) const {
  if (!exact_ || at == position_) return ok();
  return not_there(*source_, position_, at);
}

}  // namespace sluice::capture
