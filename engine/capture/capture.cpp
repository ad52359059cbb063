#include "engine/capture/capture.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/capture/change_feed.hpp"
#include "engine/capture/change_stream.hpp"
#include "engine/capture/delivery.hpp"
#include "engine/capture/oplog_tail.hpp"
#include "engine/capture/sharded_stream.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::capture {

namespace {

using clock = std::chrono::steady_clock;

/// A primary writes at least a no-op every ten seconds. Where nothing came for twice that time the node may have been
/// cut off from the rest of its set, which goes on without it: the primary is looked for again.
constexpr auto quiet_max = std::chrono::seconds(20);
/// Before who has caught up asks again. A busy source answers at once with the one or two changes that it has:
/// collected for so long they cost both sides a fraction, and come no later than its majority takes to confirm them
/// (docs/performance.md, "Catching up and lag").
constexpr auto rest_time = std::chrono::milliseconds(20);

/// What ends a cursor, not the data behind it: reading goes on with another one. The second line is what the drivers'
/// specification calls resumable of a change stream, beside what is_retryable() knows.
constexpr std::array<std::int32_t, 12> cursor_codes{wire::cursor_not_found,     wire::capped_position_lost,
                                                    wire::query_plan_killed,    237 /* CursorKilled */,
                                                    11601 /* Interrupted */,    50 /* MaxTimeMSExpired */,
                                                    63 /* StaleShardVersion */, 133 /* FailedToSatisfyReadPreference */,
                                                    150 /* StaleEpoch */,       234 /* RetryChangeStream */,
                                                    13388 /* StaleConfig */,    94 /* NotYetInitialized */};

bool worth_another_try(const error& why) {
  if (wire::is_retryable(why)) return true;
  return why.kind == error_kind::server && std::ranges::find(cursor_codes, why.server_code) != cursor_codes.end();
}

error cancelled() {
  return failure(error_kind::cancelled, "capture was cancelled");
}

/// One follow(): a feed, whatever connection it reads from.
class follower {
 public:
  follower(capture_job job, spool& into, runtime::buffer_pool& pool, capture_counters& counters,
           runtime::cancel_scope& scope)
      : job_(std::move(job)), pool_(pool), counters_(counters), scope_(scope), delivery_(into, counters, scope) {}

  /// Until cancelled or hopeless: only an error ends it.
  task<result<>> run();

 private:
  /// Until something fails, or it is time to look whether this is still the primary.
  task<result<>> read_from_primary();
  task<result<>> prepare_feed(wire::connection& source);
  [[nodiscard]] std::chrono::milliseconds patience_left() const;

  capture_job job_;
  runtime::buffer_pool& pool_;
  capture_counters& counters_;
  runtime::cancel_scope& scope_;
  delivery delivery_;
  std::unique_ptr<change_feed> feed_;
  wire::backoff waits_;
  std::optional<clock::time_point> failing_since_;  // nothing was read since
  std::uint32_t attempts_ = 0;
};

task<result<>> follower::run() {
  for (;;) {
    const auto ended = co_await read_from_primary();
    if (feed_) feed_->close();
    if (scope_.cancelled()) co_return cancelled();
    if (ended) continue;
    error why = ended.error();
    if (!worth_another_try(why)) co_return why;

    const auto now = clock::now();
    if (!failing_since_) failing_since_ = now;
    const auto wait = waits_.next();
    if (wait > patience_left()) co_return wire::gave_up(std::move(why), now - *failing_since_, attempts_ + 1);
    if (attempts_++ == 0) {
      log(log_level::warn, "capture", "Reading the source's changes was interrupted; it goes on where it stopped",
          {{"cause", why.message}});
    }
    const bool slept = co_await runtime::sleep_for(wait, scope_);
    if (!slept) co_return cancelled();
    counters_.reconnects.fetch_add(1, std::memory_order_relaxed);
  }
}

task<result<>> follower::read_from_primary() {
  SLUICE_CO_TRY(const auto source, co_await cluster::connect_primary(job_.source, scope_, patience_left()));
  if (!feed_) {
    SLUICE_CO_TRYV(co_await prepare_feed(*source));
  }
  SLUICE_CO_TRYV(co_await feed_->open(*source));
  while (clock::now() - feed_->last_news() < quiet_max) {
    SLUICE_CO_TRYV(co_await feed_->read());
    if (std::exchange(attempts_, 0) > 0) log(log_level::info, "capture", "The source's changes are read again");
    failing_since_.reset();
    waits_.reset();
    if (feed_->caught_up()) {
      const bool slept = co_await runtime::sleep_for(rest_time, scope_);
      if (!slept) co_return cancelled();
    }
  }
  co_return ok();
}

task<result<>> follower::prepare_feed(wire::connection& source) {
  SLUICE_CO_TRY(const auto way, co_await choose_way(source, job_.way));
  if (way == capture_way::oplog) {
    feed_ = std::make_unique<oplog_tail>(job_, pool_, delivery_);
    co_return ok();
  }
  if (source.hello().is_mongos) {
    feed_ = std::make_unique<sharded_stream>(job_, pool_, delivery_);
    co_return ok();
  }
  // A server of 6.0 whose featureCompatibilityVersion is older keeps silent about the catalog, too.
  if (const auto fcv = cluster::parse_server_version(job_.source.fcv); fcv && fcv->major < 6) {
    co_return failure(error_kind::refused,
                      source.host().to_string() + ": its featureCompatibilityVersion is " + job_.source.fcv +
                          ", with which a change stream does not tell of collections that are made; grant its user the "
                          "role backup or clusterMonitor, so that its oplog can be read");
  }
  feed_ = std::make_unique<change_stream>(job_, pool_, delivery_);
  co_return ok();
}

std::chrono::milliseconds follower::patience_left() const {
  if (!failing_since_) return job_.patience;
  const auto gone = std::chrono::floor<std::chrono::milliseconds>(clock::now() - *failing_since_);
  return std::max(job_.patience - gone, std::chrono::milliseconds(0));
}

}  // namespace

std::string_view to_string(capture_way way) noexcept {
  switch (way) {
    case capture_way::automatic:
      return "auto";
    case capture_way::oplog:
      return "oplog";
    case capture_way::change_stream:
      return "change-stream";
  }
  return "unknown";
}

task<result<capture_way>> choose_way(wire::connection& source, capture_way wanted) {
  if (source.hello().is_mongos) {
    if (wanted == capture_way::oplog) {
      co_return failure(error_kind::refused,
                        source.host().to_string() + " is a mongos, which has no oplog: choose the change stream");
    }
    SLUICE_CO_TRYV(co_await try_sharded_stream(source));
    co_return capture_way::change_stream;
  }
  if (wanted == capture_way::change_stream) {
    SLUICE_CO_TRYV(co_await try_change_stream(source));
    co_return wanted;
  }
  bson::builder find;
  find.append("find", "oplog.rs").append("limit", 1).append("singleBatch", true);
  bson::document command = find.finish();
  const auto answer = co_await source.run("local", std::move(command));
  if (answer) co_return capture_way::oplog;
  const error& why = answer.error();
  if (why.kind != error_kind::server || worth_another_try(why)) co_return why;
  // Hosted clusters have codes of their own for what they do not allow.
  if (wanted == capture_way::automatic) {
    SLUICE_CO_TRYV(co_await try_change_stream(source));
    co_return capture_way::change_stream;
  }
  co_return error{error_kind::refused,
                  "the source's oplog may not be read; grant its user the role backup or clusterMonitor, or choose the "
                  "change stream (" +
                      why.message + ")",
                  why.server_code, why.server_code_name};
}

task<result<>> follow(capture_job job, spool& into, runtime::buffer_pool& pool, capture_counters& counters,
                      runtime::cancel_scope& scope) {
  follower one(std::move(job), into, pool, counters, scope);
  co_return co_await one.run();
}

}  // namespace sluice::capture
