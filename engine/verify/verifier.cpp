// The tasks of the verifier: listing, comparing, looking again, telling. Each looks several times a second whether
// there is something for it to do.
#include "engine/verify/verifier.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "bson/extended_json.hpp"
#include "engine/capture/start_time.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/plan/partitioner.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/verify/both_sides.hpp"
#include "engine/verify/recheck_list.hpp"
#include "engine/verify/roll.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::verify {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto look_interval = 100ms;
constexpr auto settling_interval = 5ms;
constexpr auto telling_interval = 200ms;
/// A burst of catalog changes is one reading of the catalog.
constexpr auto list_interval = 1s;
/// Documents whose source changes between any two looks for so long, while nothing is applied, are being written to.
constexpr auto settle_time_max = 10s;
constexpr std::size_t looks_at_once = 1000;
constexpr std::size_t differences_told = 20;
constexpr std::size_t differences_logged = 1000;

bson::timestamp forever() {
  return {0xFFFFFFFF, 0xFFFFFFFF};
}

/// Something that passes, or that a new beginning helps.
bool is_passing(const error& cause) {
  return wire::is_retryable(cause) || cause.server_code == wire::cursor_not_found ||
         cause.server_code == wire::query_plan_killed || cause.server_code == wire::capped_position_lost;
}

/// One side as a task sees it: a connection that is made again when it was lost, and memory of its own.
class end {
 public:
  end(const boost::asio::any_io_executor& lane, cluster::deployment of)
      : of_(std::move(of)), pool_(lane, limits::lane_memory_min_bytes) {}

  task<result<reading_end>> open(runtime::cancel_scope& scope, std::chrono::milliseconds patience) {
    if (!node_ || !node_->is_open()) {
      SLUICE_CO_TRY(node_, co_await cluster::connect_primary(of_, scope, patience));
    }
    co_return reading_end{*node_, pool_, of_.can.exhaust_cursors};
  }
  void close() { node_.reset(); }
  [[nodiscard]] const cluster::deployment& of() const { return of_; }

 private:
  cluster::deployment of_;
  runtime::buffer_pool pool_;
  std::unique_ptr<wire::connection> node_;
};

struct both_ends {
  both_ends(const boost::asio::any_io_executor& lane, const verifier::job& job)
      : source(lane, job.source), destination(lane, job.destination) {}
  void close() {
    source.close();
    destination.close();
  }
  end source;
  end destination;
};

}  // namespace

struct verifier::inner {
  inner(boost::asio::any_io_executor on, job what, runtime::cancel_scope& until)
      : lane(std::move(on)), work(std::move(what)), scope(until), tasks(lane, scope) {}

  [[nodiscard]] task<result<>> keep_listing();
  [[nodiscard]] task<result<>> list(both_ends& ends);
  [[nodiscard]] task<result<>> keep_comparing();
  [[nodiscard]] task<result<>> compare_next(both_ends& ends, bool& did_something);
  [[nodiscard]] task<result<>> cut(both_ends& ends, std::uint32_t collection);
  [[nodiscard]] task<bool> take_doubts(std::uint32_t collection, std::vector<bson::document> ids);
  [[nodiscard]] task<result<>> keep_looking_again();
  [[nodiscard]] task<result<>> look_again(both_ends& ends, const recheck_list::batch& what);
  [[nodiscard]] task<result<>> note(both_ends& ends, std::uint32_t collection, const bson::document& id,
                                    recheck_list::verdict verdict);
  [[nodiscard]] task<result<>> keep_telling();

  [[nodiscard]] bool may_look() const { return fault.empty() && (settling || work.may_look()); }
  [[nodiscard]] bson::timestamp applied() const { return settling ? forever() : work.applied(); }
  [[nodiscard]] bool done() const {
    return !list_wanted && !listing && roll_.compared() == roll_.collections() && rechecks.undecided() == 0;
  }
  /// After what went wrong in a task: false when it cannot go on.
  [[nodiscard]] task<bool> recover(const error& cause, both_ends& ends, wire::backoff& waits, std::string_view what);
  [[nodiscard]] task<bool> pause() const {
    return runtime::sleep_for(settling ? settling_interval : look_interval, scope);
  }
  void forget(std::uint32_t collection);
  void publish();

  boost::asio::any_io_executor lane;
  job work;
  runtime::cancel_scope& scope;
  runtime::task_group tasks;

  roll roll_;
  recheck_list rechecks;
  std::size_t total_bytes = 0;
  bool list_wanted = true;
  bool listing = false;
  bool settling = false;
  std::string fault;
  std::int64_t source_documents = 0, destination_documents = 0, looked_again = 0;
  std::size_t logged = 0;
  std::map<std::pair<std::uint32_t, std::string>, difference> differences;  // by collection and `_id`

  mutable std::mutex mutex;
  verify_figures figures;
};

// --- what all tasks share ---

task<bool> verifier::inner::recover(const error& cause, both_ends& ends, wire::backoff& waits, std::string_view what) {
  ends.close();
  if (scope.cancelled() || cause.kind == error_kind::cancelled) co_return false;
  if (!is_passing(cause)) {
    fault = cause.message;
    log(log_level::error, "verify", "Verifying cannot go on", {{"what", what}, {"cause", cause.message}});
    co_return false;
  }
  log(log_level::warn, "verify", "Verifying was interrupted; trying again", {{"what", what}, {"cause", cause.message}});
  const bool go_on = co_await runtime::sleep_for(waits.next(), scope);
  co_return go_on;
}

void verifier::inner::forget(std::uint32_t collection) {
  rechecks.forget(collection);
  std::erase_if(differences, [collection](const auto& one) { return one.first.first == collection; });
}

void verifier::inner::publish() {
  verify_figures now;
  now.documents_estimate = roll_.documents_estimate();
  now.source_documents = source_documents;
  now.destination_documents = destination_documents;
  now.collections = static_cast<std::int64_t>(roll_.collections());
  now.collections_compared = static_cast<std::int64_t>(roll_.compared());
  now.bytes_left = roll_.bytes_left();
  now.first_pass = roll_.first_pass();
  now.undecided = static_cast<std::int64_t>(rechecks.undecided());
  now.lag_seconds = rechecks.lag(clock::now()).count();
  now.looked_again = looked_again;
  now.different = static_cast<std::int64_t>(rechecks.different());
  now.fault = fault;
  for (const auto& [at, one] : differences) {
    if (now.differences.size() == differences_told) break;
    now.differences.push_back(one);
  }
  const std::scoped_lock lock(mutex);
  figures = std::move(now);
}

task<result<>> verifier::inner::keep_telling() {
  for (;;) {
    publish();
    const bool go_on = co_await runtime::sleep_for(telling_interval, scope);
    if (!go_on) co_return ok();
  }
}

// --- listing ---

task<result<>> verifier::inner::keep_listing() {
  both_ends ends(lane, work);
  wire::backoff waits;
  for (;;) {
    if (list_wanted && may_look()) {
      listing = true;
      list_wanted = false;
      auto outcome = co_await list(ends);
      listing = false;
      if (outcome.has_error()) {
        list_wanted = true;
        const bool again = co_await recover(outcome.error(), ends, waits, "the catalog");
        if (!again) co_return ok();
        continue;
      }
      waits.reset();
      publish();
      const auto rested = clock::now() + list_interval;
      bool go_on = true;
      while (go_on && !settling && clock::now() < rested) go_on = co_await pause();
      if (!go_on) co_return ok();
      continue;
    }
    const bool go_on = co_await pause();
    if (!go_on || !fault.empty()) co_return ok();
  }
}

/// The destination has another catalog as long as it is behind: what is read of the source counts when that was
/// reached.
task<result<>> verifier::inner::list(both_ends& ends) {
  SLUICE_CO_TRY(const auto from, co_await ends.source.open(scope, work.patience));
  SLUICE_CO_TRY(auto catalog, co_await cluster::read_catalog(from.node, work.scope.filter, true));
  SLUICE_CO_TRYV(cluster::narrow(catalog, work.scope));
  SLUICE_CO_TRY(const auto read_at, co_await capture::read_majority_time(from.node));
  while (applied() < read_at) {
    const bool go_on = co_await pause();
    if (!go_on) co_return failure(error_kind::cancelled, "cancelled while verifying");
  }
  if (work.source.kind == cluster::deployment_kind::sharded) {
    // No change stream tells of it; the commit brings it as it is then.
    std::erase_if(catalog.collections, [](const auto& info) { return info.ns.collection == "system.js"; });
  }
  std::int64_t bytes = 0;
  for (const auto& info : catalog.collections) bytes += info.data_bytes;
  total_bytes = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 0));
  for (const auto gone : roll_.update(std::move(catalog))) forget(gone);
  co_return ok();
}

// --- comparing ---

task<result<>> verifier::inner::keep_comparing() {
  both_ends ends(lane, work);
  wire::backoff waits;
  for (;;) {
    bool did_something = false;
    if (may_look() && !rechecks.crowded()) {
      auto outcome = co_await compare_next(ends, did_something);
      if (outcome.has_error()) {
        const bool again = co_await recover(outcome.error(), ends, waits, "comparing");
        if (!again) co_return ok();
        continue;
      }
      waits.reset();
    }
    if (did_something) continue;
    const bool go_on = co_await pause();
    if (!go_on || !fault.empty()) co_return ok();
  }
}

task<result<>> verifier::inner::cut(both_ends& ends, std::uint32_t collection) {
  const cluster::collection_info info = *roll_.info(collection);
  roll_.begin(collection);
  forget(collection);
  auto opened = co_await ends.source.open(scope, work.patience);
  if (opened.has_error()) {
    roll_.again(collection);
    co_return opened.error();
  }
  plan::partitioning how;
  how.partition_bytes = plan::partition_bytes_for(static_cast<std::int64_t>(total_bytes), work.readers);
  how.batch_bytes = work.batch_bytes;
  how.filter = work.scope.documents.query();
  const bool plain = info.kind == cluster::collection_kind::plain;
  if (!plain) how.partition_bytes = static_cast<std::size_t>(std::max<std::int64_t>(info.data_bytes, 1));
  auto parts = co_await plan::cut(opened.value().node, info, how, ends.source.of().can);
  if (parts.has_error()) {
    roll_.again(collection);
    co_return parts.error();
  }
  roll_.give_parts(collection, std::move(parts.value()));
  co_return ok();
}

task<result<>> verifier::inner::compare_next(both_ends& ends, bool& did_something) {
  auto next = roll_.next_part();
  if (!next) {
    const auto waiting = roll_.waiting();
    if (!waiting) co_return ok();
    did_something = true;
    co_return co_await cut(ends, *waiting);
  }
  did_something = true;
  const part one = *std::move(next);
  on_read read = [this](side of, std::size_t documents, std::size_t) {
    (of == side::source ? source_documents : destination_documents) += static_cast<std::int64_t>(documents);
  };
  on_doubt doubts = [this, collection = one.collection](std::vector<bson::document> ids) {
    return take_doubts(collection, std::move(ids));
  };
  result<> outcome = ok();
  auto from = co_await ends.source.open(scope, work.patience);
  auto to = from ? co_await ends.destination.open(scope, work.patience) : from;
  if (to) {
    outcome = co_await compare_part(from.value(), to.value(), one.what, std::move(read), std::move(doubts));
  } else {
    outcome = to.error();
  }
  if (outcome) {
    roll_.done(one);
  } else if (outcome.error().server_code == wire::namespace_not_found) {
    list_wanted = true;  // it was dropped, or has another name
    roll_.again(one.collection);
    const bool waited = co_await runtime::sleep_for(look_interval, scope);
    (void)waited;
    co_return ok();
  } else {
    roll_.put_back(one);
  }
  co_return outcome;
}

task<bool> verifier::inner::take_doubts(std::uint32_t collection, std::vector<bson::document> ids) {
  for (const auto& id : ids) {
    while (!rechecks.add(collection, id, clock::now())) {
      const bool go_on = co_await pause();
      if (!go_on || !fault.empty()) co_return false;
    }
  }
  co_return true;
}

// --- looking again ---

task<result<>> verifier::inner::keep_looking_again() {
  both_ends ends(lane, work);
  wire::backoff waits;
  for (;;) {
    auto due = may_look() ? rechecks.take(clock::now(), looks_at_once) : std::nullopt;
    if (!due) {
      const bool go_on = co_await pause();
      if (!go_on || !fault.empty()) co_return ok();
      continue;
    }
    auto outcome = co_await look_again(ends, *due);
    if (!outcome.has_error()) {
      waits.reset();
      continue;
    }
    rechecks.put_back(*due, clock::now());
    const bool again = co_await recover(outcome.error(), ends, waits, "documents that have changed");
    if (!again) co_return ok();
  }
}

task<result<>> verifier::inner::look_again(both_ends& ends, const recheck_list::batch& what) {
  const auto* info = roll_.info(what.collection);
  if (info == nullptr) {
    forget(what.collection);
    co_return ok();
  }
  const auto source_ns = info->data_ns();
  const auto destination_ns = info->destination_data_ns();
  const bool capped = info->kind == cluster::collection_kind::capped;
  SLUICE_CO_TRY(const auto from, co_await ends.source.open(scope, work.patience));
  bson::document chosen(work.scope.documents.query().view());
  SLUICE_CO_TRY(const auto here, co_await read_digests(from, source_ns, what.ids, std::move(chosen)));
  SLUICE_CO_TRY(const auto to, co_await ends.destination.open(scope, work.patience));
  const auto reached = applied();
  bson::document all;
  SLUICE_CO_TRY(const auto there, co_await read_digests(to, destination_ns, what.ids, std::move(all)));
  for (std::size_t i = 0; i < what.ids.size(); ++i) {
    look seen{here.of[i], there.of[i], here.at, reached};
    // What the source drops for want of room is in no oplog; the destination is bounded by the commit only.
    if (capped && !seen.source.there) seen.destination = {};
    ++looked_again;
    const auto verdict = rechecks.answer(what.collection, what.ids[i], seen, clock::now());
    SLUICE_CO_TRYV(co_await note(ends, what.collection, what.ids[i], verdict));
  }
  co_return ok();
}

task<result<>> verifier::inner::note(both_ends& ends, std::uint32_t collection, const bson::document& id,
                                     recheck_list::verdict verdict) {
  using enum recheck_list::verdict;
  if (verdict != different && verdict != repaired) co_return ok();
  const auto* info = roll_.info(collection);
  if (info == nullptr) co_return ok();
  const std::string id_json = bson::value_to_json(id.view().find("_id"));
  const std::pair key(collection, id_json);
  if (verdict == repaired) {
    differences.erase(key);
    log(log_level::info, "verify", "A document is the same again", {{"ns", info->ns.to_string()}, {"id", id_json}});
    co_return ok();
  }
  difference told{info->ns.to_string(), id_json, "differs"};
  if (logged < differences_logged) {
    ++logged;
    const auto source_ns = info->data_ns();
    const auto destination_ns = info->destination_data_ns();
    SLUICE_CO_TRY(const auto from, co_await ends.source.open(scope, work.patience));
    SLUICE_CO_TRY(const auto to, co_await ends.destination.open(scope, work.patience));
    bson::document asked(id.view());
    bson::document chosen(work.scope.documents.query().view());
    auto words = co_await describe(from.node, source_ns, to.node, destination_ns, std::move(asked), std::move(chosen));
    if (words) told.what = std::move(words.value());
    log(log_level::error, "verify", "A document is not the same on both sides",
        {{"ns", told.ns}, {"id", told.id_json}, {"what", told.what}});
  }
  if (differences.size() < differences_logged) differences.insert_or_assign(key, std::move(told));
  co_return ok();
}

// --- for the caller ---

verifier::verifier(boost::asio::any_io_executor lane, job work, runtime::cancel_scope& scope)
    : inner_(std::make_unique<inner>(std::move(lane), std::move(work), scope)) {}

verifier::~verifier() = default;

task<result<>> verifier::run() {
  auto& tasks = inner_->tasks;
  tasks.spawn(inner_->keep_telling());
  tasks.spawn(inner_->keep_listing());
  tasks.spawn(inner_->keep_looking_again());
  for (std::uint32_t i = 0; i < std::max<std::uint32_t>(inner_->work.readers, 1); ++i) {
    tasks.spawn(inner_->keep_comparing());
  }
  co_return co_await tasks.join();
}

void verifier::changed(std::string_view destination_ns, bson::document_view ids) {
  const auto collection = inner_->roll_.begun(destination_ns);
  if (!collection) return;
  const auto now = clock::now();
  for (const auto element : ids) {
    bson::builder id;
    id.append("_id", element);
    if (inner_->rechecks.add(*collection, id.finish(), now)) continue;
    compare_again(destination_ns);
    return;
  }
}

void verifier::compare_again(std::string_view destination_ns) {
  const auto collection = inner_->roll_.begun(destination_ns);
  if (!collection) return;
  inner_->roll_.again(*collection);
  inner_->forget(*collection);
}

void verifier::catalog_changed() {
  inner_->list_wanted = true;
}

task<result<>> verifier::settle() {
  inner& me = *inner_;
  const auto begun = clock::now();
  const auto since = [begun] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begun).count();
  };
  me.settling = true;
  me.rechecks.hurry(begun);
  const auto first_undecided = me.rechecks.undecided();
  std::optional<clock::time_point> compared_at;
  while (me.fault.empty() && !me.done()) {
    const bool all_compared = !me.list_wanted && !me.listing && me.roll_.compared() == me.roll_.collections();
    if (!all_compared) compared_at.reset();
    if (all_compared && !compared_at) {
      compared_at = clock::now();
      log(log_level::debug, "verify", "All collections are compared", {{"afterMs", since()}});
    }
    if (compared_at && clock::now() - *compared_at > settle_time_max) break;
    const bool go_on = co_await me.pause();
    if (!go_on) co_return failure(error_kind::cancelled, "cancelled while verifying");
  }
  me.publish();
  log(log_level::info, "verify", "What was left is compared",
      {{"documents", static_cast<std::int64_t>(first_undecided)}, {"afterMs", since()}});
  co_return ok();
}

void verifier::go_on() {
  inner_->settling = false;
  inner_->rechecks.at_leisure();
}

verify_figures verifier::told() const {
  const std::scoped_lock lock(inner_->mutex);
  return inner_->figures;
}

}  // namespace sluice::verify
