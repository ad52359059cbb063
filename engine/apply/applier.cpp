// The loop of the apply phase. Beside it run, at most one of each: the fetch of the next chunk, the writing of a
// window, the making of a checkpoint.
#include "engine/apply/applier.hpp"

#include <algorithm>
#include <cassert>
#include <deque>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/apply/background.hpp"
#include "engine/apply/filtered.hpp"
#include "engine/runtime/call_on.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::apply {

namespace {

using clock = std::chrono::steady_clock;

/// Chunks fetched ahead of the window.
constexpr std::size_t fetched_bytes_max = 4 * limits::mib;
/// After so many changes whoever waits on the lane gets a turn: a window of 100,000 takes tens of milliseconds to
/// build.
constexpr std::size_t changes_a_turn = 512;
/// As many violations of a window are written to the log.
constexpr std::size_t violations_logged = 5;

std::uint64_t packed(bson::timestamp at) noexcept {
  return std::uint64_t{at.seconds} << 32U | at.increment;
}

/// A catalog change that waits until everything before it is written.
struct barrier {
  capture::change what;
  std::shared_ptr<const void> owner;
};

/// How far the destination is when a window is written.
struct window_end {
  bson::timestamp applied;
  bson::timestamp resume_from;
};

}  // namespace

struct applier::inner {
  inner(boost::asio::any_io_executor on, boost::asio::any_io_executor from_lane, capture::spool& spool,
        cluster::deployment source, cluster::deployment destination, collection_map& mapped, applier_options given,
        apply_counters& count, apply_position& where, make_durable durable, runtime::cancel_scope& outer)
      : lane(on),
        spool_lane(std::move(from_lane)),
        from(spool),
        map(mapped),
        options(std::move(given)),
        counters(count),
        position(where),
        checkpoint(std::move(durable)),
        scope(outer),
        reader(options.reading),
        catalog(std::move(source), destination, options.scope, options.indexes, mapped, options.writing.patience, outer,
                options.writing.may_write),
        out(on, std::move(destination), options.writing, count, outer),
        filling(options.window),
        progress(options.checkpoint_every, options.reading.applied, clock::now()),
        changed(on),
        fetching(changed),
        writing(changed),
        storing(changed),
        hook(outer.on_cancel([this] { changed.cancel(); })) {}

  [[nodiscard]] task<result<apply_end>> loop();
  [[nodiscard]] task<void> wait(std::optional<clock::time_point> until);
  [[nodiscard]] task<void> end_all();

  // what runs beside the loop
  [[nodiscard]] result<> collect();
  void fetch_if_wanted();
  void write_if_wanted();
  void store_if_due(bool at_once);
  [[nodiscard]] task<result<capture::shared_chunk>> fetch();
  [[nodiscard]] task<result<checkpoint_verdict>> store(checkpoint_request what);

  // the window
  [[nodiscard]] task<result<>> fill();
  [[nodiscard]] result<> take(const capture::change& one, const std::shared_ptr<const void>& owner);
  [[nodiscard]] shared_target target_of_change(const capture::change& one);
  [[nodiscard]] clock::time_point gathers_until() const { return window_began + options.gather_time; }
  [[nodiscard]] bool nothing_at_hand() const { return !chunk_given && fetched.empty(); }
  void written(const written_window& outcome);
  void move_to(bson::timestamp applied, bson::timestamp resume_from);
  void tell_position();

  // the goal: behind it nothing is taken that need not be, or a busy source would never let it be reached
  [[nodiscard]] bool given_up_to_goal() const { return goal && reader.position() >= *goal; }
  [[nodiscard]] bool at_goal() const { return goal && progress.applied() >= *goal; }

  // the barrier
  [[nodiscard]] bool all_written() const { return filling.empty() && writing.idle(); }
  [[nodiscard]] bool may_pass() const { return waiting && all_written() && storing.idle() && !at_goal(); }
  [[nodiscard]] task<result<>> pass_barrier();
  void tell_of(const capture::change& passed);
  [[nodiscard]] task<result<>> store_now(checkpoint_request what);

  boost::asio::any_io_executor lane;
  boost::asio::any_io_executor spool_lane;
  capture::spool& from;
  collection_map& map;
  applier_options options;
  apply_counters& counters;
  apply_position& position;
  make_durable checkpoint;
  runtime::cancel_scope& scope;

  capture::change_reader reader;
  ddl catalog;
  writer out;
  window filling;
  bson::timestamp filling_begins;  // time of its first change
  clock::time_point window_began;  // the one that was written last
  std::optional<barrier> waiting;  // nothing behind it is read before it is applied
  std::optional<window_end> end_of_writing;
  checkpointing progress;

  std::deque<capture::shared_chunk> fetched;
  std::size_t fetched_bytes = 0;
  bool chunk_given = false;  // the reader has one that is not used up

  // The collection of the change before: most have the same.
  std::vector<std::byte> last_uuid;
  shared_target last_target;

  std::optional<bson::timestamp> goal;
  std::optional<error> failed;        // a checkpoint that ended badly after run() had reached its goal
  boost::asio::steady_timer changed;  // cancelled whenever the loop may have something to do
  background<capture::shared_chunk> fetching;
  background<written_window> writing;
  background<checkpoint_verdict> storing;
  runtime::cancel_scope::hook hook;
};

// --- what runs beside the loop ---

task<result<capture::shared_chunk>> applier::inner::fetch() {
  auto next = [this] { return from.next(); };
  co_return co_await runtime::call_on(spool_lane, next);
}

void applier::inner::fetch_if_wanted() {
  if (fetching.idle() && fetched_bytes < fetched_bytes_max && fetched.size() < 64) fetching.start(fetch());
}

void applier::inner::write_if_wanted() {
  if (filling.empty() || !writing.idle()) return;
  const bool pressed = filling.full() || waiting || given_up_to_goal();
  const auto now = clock::now();
  if (!pressed && (!nothing_at_hand() || now < gathers_until())) return;
  window_began = now;
  end_of_writing = window_end{reader.position(), reader.resume_from()};
  const bool check = options.free_check && filling_begins > options.consistent_from;
  write_plan plan = filling.finish();
  if (options.seen_by != nullptr) options.seen_by->sees_writes(plan);
  writing.start(out.write(std::move(plan), check));
}

task<result<checkpoint_verdict>> applier::inner::store(checkpoint_request what) {
  const auto resume_from = what.resume_from;
  SLUICE_CO_TRY(const auto verdict, co_await checkpoint(std::move(what)));
  if (verdict == checkpoint_verdict::durable) {
    auto release = [this, resume_from]() -> task<result<>> {
      from.release(resume_from);
      co_return ok();
    };
    SLUICE_CO_TRYV(co_await runtime::call_on(spool_lane, release));
  }
  co_return verdict;
}

void applier::inner::store_if_due(bool at_once) {
  const auto due = progress.due_at();
  if (!due || !storing.idle()) return;
  const auto now = clock::now();
  if (!at_once && *due > now) return;
  storing.start(store(progress.take(now)));
}

result<> applier::inner::collect() {
  if (auto ended = fetching.take()) {
    if (ended->has_error()) return std::move(*ended).error();
    fetched_bytes += ended->value()->entries.size();
    fetched.push_back(std::move(ended->value()));
  }
  if (auto ended = writing.take()) {
    if (ended->has_error()) return std::move(*ended).error();
    written(ended->value());
  }
  if (auto ended = storing.take()) {
    if (ended->has_error()) return std::move(*ended).error();
    progress.answered(ended->value());
  }
  return ok();
}

void applier::inner::written(const written_window& outcome) {
  runtime::failure_point("apply-window-written");
  progress.acknowledged(outcome.term, outcome.mixed_terms);
  std::size_t logged = 0;
  for (const auto& one : outcome.violations) {
    if (++logged > violations_logged) break;
    std::string ids;
    for (const std::string& id : one.ids_json) ids += (ids.empty() ? "" : ", ") + id;
    log(log_level::error, "apply", "The destination was not what the source's changes expect",
        {{"ns", one.ns.to_string()}, {"what", one.what}, {"ids", ids}});
  }
  const window_end end = *std::exchange(end_of_writing, std::nullopt);
  if (!progress.torn()) move_to(end.applied, end.resume_from);
}

void applier::inner::move_to(bson::timestamp applied, bson::timestamp resume_from) {
  if (applied < progress.applied()) return;
  const bool onward = applied > progress.applied();
  progress.moved(applied, resume_from);
  if (onward) tell_position();
}

void applier::inner::tell_position() {
  const auto now = clock::now().time_since_epoch();
  position.applied = packed(progress.applied());
  position.applied_at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  position.consistent = progress.applied() >= options.consistent_from;
}

// --- the window ---

shared_target applier::inner::target_of_change(const capture::change& one) {
  if (last_target && !one.uuid.empty() && std::ranges::equal(one.uuid, last_uuid)) return last_target;
  const mapped_collection* found = nullptr;
  if (!one.uuid.empty()) {
    found = map.find(one.uuid);
  } else if (const auto ns = cluster::parse_namespace(one.ns)) {
    found = map.find_by_source(*ns);
  }
  if (found == nullptr) return {};
  last_uuid.assign(one.uuid.begin(), one.uuid.end());
  last_target = found->to;
  return last_target;
}

result<> applier::inner::take(const capture::change& one, const std::shared_ptr<const void>& owner) {
  const shared_target to = target_of_change(one);
  if (!to) {  // neither the catalog nor a create since has shown it: it is gone
    ++counters.skipped;
    return ok();
  }
  if (filling.empty()) filling_begins = one.at;
  switch (judge(options.scope.documents, one)) {
    case filtered::applied:
    case filtered::read_again:  // has been, if it is one that catalog.apply() does
      return filling.add(one, to, owner);
    case filtered::left_out:
      ++counters.skipped;
      return ok();
    case filtered::removed:
      break;
  }
  capture::change gone = one;  // a whole document, which has its `_id`
  gone.kind = capture::change_kind::remove;
  return filling.add(gone, to, owner);
}

task<result<>> applier::inner::fill() {
  for (std::size_t taken = 1; !waiting && !filling.full() && !given_up_to_goal(); ++taken) {
    if (!chunk_given) {
      if (fetched.empty()) break;
      fetched_bytes -= fetched.front()->entries.size();
      reader.give(std::move(fetched.front()));
      fetched.pop_front();
      chunk_given = true;
    }
    SLUICE_CO_TRY(const auto one, reader.next());
    if (!one) {
      chunk_given = false;
    } else if (is_data(*one) && !catalog.appears(*one) && !catalog.reads_again(*one)) {
      SLUICE_CO_TRYV(take(*one, reader.owner()));
    } else {
      waiting = barrier{*one, reader.owner()};
    }
    if (taken % changes_a_turn == 0) {
      co_await boost::asio::post(lane, boost::asio::use_awaitable);
      if (scope.cancelled()) break;
    }
  }
  co_return ok();
}

// --- the barrier ---

task<result<>> applier::inner::store_now(checkpoint_request what) {
  SLUICE_CO_TRY(const auto verdict, co_await store(std::move(what)));
  progress.answered(verdict);
  co_return ok();
}

/// A checkpoint before: a restart must not write what came earlier into a catalog that is later, where a name may mean
/// another collection. And one behind, at once: the map belongs to the catalog.
task<result<>> applier::inner::pass_barrier() {
  move_to(reader.position(), reader.resume_from());
  if (!progress.is_confirmed()) {
    SLUICE_CO_TRYV(co_await store_now(progress.take_confirmed(clock::now())));
  }
  if (progress.torn()) co_return ok();
  runtime::failure_point("apply-before-ddl");
  const barrier passed = *std::exchange(waiting, std::nullopt);
  SLUICE_CO_TRY(const ddl_effects effects, co_await catalog.apply(passed.what));
  runtime::failure_point("apply-after-ddl");
  ++counters.commands;
  last_target.reset();
  if (effects.replays_until > options.consistent_from) {
    options.consistent_from = effects.replays_until;
    position.consistent = progress.applied() >= options.consistent_from;
  }
  std::vector<bson::document> mapped;
  for (const auto& uuid : effects.changed) {
    if (const mapped_collection* one = map.find(uuid)) mapped.push_back(collection_map::to_document(*one));
  }
  if (!mapped.empty() || !effects.erased.empty()) {
    progress.catalog_changed(std::move(mapped), effects.erased);
    SLUICE_CO_TRYV(co_await store_now(progress.take(clock::now())));
  }
  tell_of(passed.what);
  // Of a change that appears the collection has been made.
  if (is_data(passed.what) && !catalog.reads_again(passed.what)) co_return take(passed.what, passed.owner);
  co_return ok();
}

void applier::inner::tell_of(const capture::change& passed) {
  if (options.seen_by == nullptr) return;
  if (!is_data(passed) || !catalog.reads_again(passed)) {
    options.seen_by->sees_catalog_change();
    return;
  }
  const shared_target to = target_of_change(passed);
  const auto id = (passed.kind == capture::change_kind::update ? passed.o2 : passed.o).find("_id");
  if (to && id) options.seen_by->sees_document(*to, id);
}

// --- the loop ---

task<void> applier::inner::wait(std::optional<clock::time_point> until) {
  changed.expires_at(until.value_or(clock::time_point::max()));
  boost::system::error_code woken;
  co_await changed.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
}

task<result<apply_end>> applier::inner::loop() {
  for (;;) {
    if (scope.cancelled()) co_return failure(error_kind::cancelled, "applying was cancelled");
    if (failed) co_return *failed;
    SLUICE_CO_TRYV(collect());
    if (progress.torn()) co_return apply_end::torn;
    if (all_written()) move_to(reader.position(), reader.resume_from());
    if (may_pass()) {
      SLUICE_CO_TRYV(co_await pass_barrier());
      continue;
    }
    fetch_if_wanted();
    SLUICE_CO_TRYV(co_await fill());
    fetch_if_wanted();
    write_if_wanted();
    if (all_written()) move_to(reader.position(), reader.resume_from());
    if (at_goal() && progress.durable() >= *goal && all_written()) {
      goal.reset();
      co_return apply_end::reached;
    }
    store_if_due(at_goal());
    // Whatever ended while the window was filled is not waited for.
    const bool something_ended = !(fetching.running() || fetching.idle()) || !(writing.running() || writing.idle()) ||
                                 !(storing.running() || storing.idle());
    if (something_ended || may_pass() || scope.cancelled()) continue;
    std::optional<clock::time_point> until = progress.due_at();
    if (!filling.empty() && writing.idle()) until = std::min(gathers_until(), until.value_or(clock::time_point::max()));
    co_await wait(until);
  }
}

/// Nothing may outlive run(): it refers to what its caller owns.
task<void> applier::inner::end_all() {
  if (fetching.running()) {
    auto stop = [this]() -> task<result<>> {
      from.stop_waiting();
      co_return ok();
    };
    const auto stopped = co_await runtime::call_on(spool_lane, stop);
    assert(stopped);
    (void)stopped;
  }
  while (fetching.running() || writing.running() || storing.running()) co_await wait({});
  if (auto ended = fetching.take(); ended && ended->has_value()) {
    fetched_bytes += ended->value()->entries.size();
    fetched.push_back(std::move(ended->value()));
  }
  (void)writing.take();  // there is one only after an error or a tear, when nobody asks any more
  if (auto ended = storing.take()) {
    if (ended->has_error()) {
      failed = std::move(*ended).error();  // for the next run()
    } else {
      progress.answered(ended->value());
    }
  }
}

applier::applier(boost::asio::any_io_executor lane, boost::asio::any_io_executor spool_lane, capture::spool& from,
                 cluster::deployment source, cluster::deployment destination, collection_map& map,
                 applier_options options, apply_counters& counters, apply_position& position, make_durable checkpoint,
                 runtime::cancel_scope& scope)
    : inner_(std::make_unique<inner>(std::move(lane), std::move(spool_lane), from, std::move(source),
                                     std::move(destination), map, std::move(options), counters, position,
                                     std::move(checkpoint), scope)) {}

applier::~applier() = default;

task<result<apply_end>> applier::run() {
  inner_->tell_position();
  auto end = co_await inner_->loop();
  co_await inner_->end_all();
  co_return end;
}

void applier::stop_at(bson::timestamp goal) {
  inner_->goal = goal;
  inner_->changed.cancel();
}

}  // namespace sluice::apply
