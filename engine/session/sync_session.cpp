#include "engine/session/sync_session.hpp"

#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/desk.hpp"
#include "engine/session/follow_figures.hpp"
#include "engine/session/namespace_choice.hpp"
#include "engine/session/stored_run.hpp"
#include "engine/session/sync_run.hpp"

namespace sluice::session {

namespace {

constexpr auto sample_interval = std::chrono::milliseconds(500);
/// Between looks at deployments that could not be asked for a run of an earlier process.
constexpr auto look_again_interval = std::chrono::seconds(5);

}  // namespace

sync_settings with_request(sync_settings settings, const start_request& request) {
  if (request.build_indexes) settings.build_indexes = *request.build_indexes;
  if (request.block_writes) settings.block_writes = request.block_writes;
  if (request.include) settings.copy.include = *request.include;
  if (request.exclude) settings.copy.exclude = *request.exclude;
  if (request.remaps) settings.copy.remaps = *request.remaps;
  if (request.documents) settings.copy.documents = *request.documents;
  if (request.sharding) settings.copy.sharding = request.sharding;
  if (request.beside_others) settings.beside_others = *request.beside_others;
  if (request.users) settings.copy.users = *request.users;
  if (request.reversible) settings.reversible = *request.reversible;
  if (request.verify) settings.verify = settings.verify && *request.verify;
  if (request.skip_disk_space_check) settings.copy.skip_disk_space_check = *request.skip_disk_space_check;
  return settings;
}

struct sync_session::inner {
  inner(sync_settings given, labels called)
      : settings(std::move(given)), names(std::move(called)), operators([this] { wake(); }) {}

  mutable std::mutex mutex;  // of those below
  std::condition_variable ended;
  sync_settings settings;
  labels names;
  std::optional<std::pair<sync_settings, labels>> before_start;  // of a start that may yet be refused
  std::optional<result<>> outcome;                               // of the last run
  bool working = false;                                          // main() runs, or is about to
  bool looking = false;                                          // the same of look()
  bool reversal_waits = false;                                   // for the committed run to end

  copy_board board;
  desk operators;
  runtime::lane control{"sluice-control"};
  runtime::cancel_scope scope;  // touched on the control lane only
  sync_run* running = nullptr;  // the same

  void wake() {
    boost::asio::post(control.context(), [this] {
      if (running != nullptr) running->wake();
    });
  }

  void spawn(task<void> work) {
    boost::asio::co_spawn(control.context(), std::move(work), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }

  /// Under the mutex.
  void swap_sides() {
    std::swap(names.source, names.destination);
    std::swap(settings.copy.source_uri, settings.copy.destination_uri);
  }

  void launch() {
    {
      const std::scoped_lock lock(mutex);
      outcome.reset();
      working = true;
    }
    board.clear();
    spawn(main());
  }

  /// A start that was refused before anything was written leaves no run behind; another one may follow.
  void end(result<> how) {
    const bool written = board.snapshot(false).destination_written;
    bool again = false;
    if (how.has_error()) board.set_failure(how.error());
    {
      const std::scoped_lock lock(mutex);
      if (how.has_error() && before_start && !written) {
        std::tie(settings, names) = *std::move(before_start);
        operators.ready();
      } else if (how.has_error()) {
        operators.failed();
      }
      before_start.reset();
      again = std::exchange(reversal_waits, false) && how.has_value();
      outcome = std::move(how);
      working = false;
    }
    ended.notify_all();
    if (again) launch();
  }

  task<result<>> keep_sampling(runtime::cancel_scope& until) {
    for (;;) {
      board.sample();
      const bool go_on = co_await runtime::sleep_for(sample_interval, until);
      if (!go_on) co_return ok();
    }
  }

  task<void> main() {
    result<> how = ok();
    sync_settings mine;
    labels called;
    {
      const std::scoped_lock lock(mutex);
      mine = settings;
      called = names;
    }
    {
      runtime::cancel_scope sampling_scope;
      runtime::task_group sampling(control.executor(), sampling_scope);
      sampling.spawn(keep_sampling(sampling_scope));
      sync_run run(control.executor(), std::move(mine), std::move(called), operators, board, scope);
      running = &run;
      how = co_await run.run();
      running = nullptr;
      sampling_scope.cancel();
      auto sampled = co_await sampling.join();
      (void)sampled;
    }
    if (how.has_error() && how.error().kind != error_kind::cancelled) {
      log(log_level::error, "session", "The sync failed", {{"cause", how.error().message}});
    }
    end(std::move(how));
  }

  /// Until the deployments have answered: a machine may come up before its servers do. Once they have not, IDLE takes a
  /// start meanwhile.
  task<std::optional<stored_run>> find() {
    sync_settings mine;
    {
      const std::scoped_lock lock(mutex);
      mine = settings;
    }
    for (bool first = true;; first = false) {
      auto found = co_await find_stored_run(mine.copy, scope);
      if (found) co_return std::move(found.value());
      if (scope.cancelled()) co_return std::nullopt;
      if (first) {
        log(log_level::warn, "session", "Whether an earlier process left a run cannot be told yet; asking again",
            {{"cause", found.error().message}});
        operators.ready();
      }
      const bool go_on = co_await runtime::sleep_for(look_again_interval, scope);
      if (!go_on || (operators.now() != state::idle && operators.now() != state::initializing)) co_return std::nullopt;
    }
  }

  task<void> look() {
    auto found = co_await find();
    const bool goes_on = found && take_up(*found);
    if (!goes_on && operators.now() == state::initializing) operators.ready();
    if (goes_on) launch();
    {
      const std::scoped_lock lock(mutex);
      looking = false;
    }
    ended.notify_all();
  }

  /// False: somebody has started one meanwhile, which finds the same by itself.
  bool take_up(const stored_run& run) {
    {
      const std::scoped_lock lock(mutex);
      if (!operators.takes_up(run.wanted)) return false;
      if (run.swapped) swap_sides();
      if (run.build_indexes) settings.build_indexes = *run.build_indexes;
      // The call that began it said so; what this process was told otherwise is refused by name when it is opened.
      if (settings.copy.include.empty()) settings.copy.include = run.include;
      if (settings.copy.exclude.empty()) settings.copy.exclude = run.exclude;
      if (settings.copy.remaps.empty()) settings.copy.remaps = run.remaps;
      if (settings.copy.documents.is_everything()) settings.copy.documents = run.documents;
      if (!settings.copy.sharding) settings.copy.sharding = run.sharding;
      settings.beside_others = settings.beside_others || run.beside_others;
      settings.reversible = run.reversible;
      settings.reversed = run.reversed;
    }
    return true;
  }
};

sync_session::sync_session(sync_settings settings, labels names)
    : inner_(std::make_unique<inner>(std::move(settings), std::move(names))) {
  inner_->operators.ready();
  inner_->control.start();
}

sync_session::~sync_session() {
  bool busy = false;
  {
    const std::scoped_lock lock(inner_->mutex);
    busy = inner_->working || inner_->looking;
  }
  if (busy) {
    stop();
    std::unique_lock lock(inner_->mutex);
    inner_->ended.wait(lock, [this] { return !inner_->working && !inner_->looking; });
  }
  inner_->control.stop();
}

void sync_session::look_for_run() {
  {
    const std::scoped_lock lock(inner_->mutex);
    inner_->looking = true;
  }
  inner_->operators.initializing();
  inner_->spawn(inner_->look());
}

result<> sync_session::start(const start_request& request) {
  {
    const std::scoped_lock lock(inner_->mutex);
    sync_settings asked = with_request(inner_->settings, request);
    SLUICE_TRYV(choose_namespaces(asked));
    if (auto taken = inner_->operators.start(); taken.has_error()) return taken;
    inner_->before_start = {inner_->settings, inner_->names};
    inner_->settings = std::move(asked);
    if (request.source == inner_->names.destination) inner_->swap_sides();
  }
  inner_->launch();
  return ok();
}

result<> sync_session::start_now() {
  if (auto taken = inner_->operators.start(); taken.has_error()) return taken;
  inner_->launch();
  return ok();
}

result<> sync_session::pause() {
  return inner_->operators.pause();
}

std::optional<result<>> sync_session::beginning() const {
  if (inner_->board.snapshot(false).destination_written) return ok();
  const std::scoped_lock lock(inner_->mutex);
  return inner_->outcome;
}

result<> sync_session::resume() {
  bool again = false;
  {
    const std::scoped_lock lock(inner_->mutex);  // a run that fails says so under it: before this, or after
    again = inner_->operators.now() == state::failed;
    if (auto taken = inner_->operators.resume(); taken.has_error()) return taken;
  }
  if (again) inner_->launch();
  return ok();
}

result<> sync_session::commit() {
  return inner_->operators.commit(commit_obstacle(snapshot(false)));
}

result<> sync_session::reverse() {
  {
    const std::scoped_lock lock(inner_->mutex);
    if (auto taken = inner_->operators.reverse(inner_->settings.reversible); taken.has_error()) return taken;
    inner_->swap_sides();
    inner_->settings.reversed = true;
    inner_->settings.copy.reset = false;
    // COMMITTED is told a moment before the run has ended.
    inner_->reversal_waits = inner_->working;
    if (inner_->working) return ok();
  }
  inner_->launch();
  return ok();
}

progress sync_session::snapshot(bool with_collections) const {
  progress taken = inner_->board.snapshot(with_collections);
  taken.now = inner_->operators.now();
  const bool may_ask = taken.now == state::running || taken.now == state::paused;
  taken.can_commit = may_ask && inner_->operators.wanted() != wish::commit && commit_obstacle(taken).empty();
  {
    const std::scoped_lock lock(inner_->mutex);
    taken.reversible = inner_->settings.reversible;
  }
  const bool drained = taken.now == state::paused || taken.now == state::committed;
  if (drained && taken.follow.lag_seconds) taken.follow.lag_seconds = 0;
  return taken;
}

result<> sync_session::wait() {
  std::unique_lock lock(inner_->mutex);
  inner_->ended.wait(lock, [this] { return inner_->outcome.has_value(); });
  return *inner_->outcome;
}

void sync_session::stop() {
  boost::asio::post(inner_->control.context(), [this] { inner_->scope.cancel(); });
}

}  // namespace sluice::session
