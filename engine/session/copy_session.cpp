#include "engine/session/copy_session.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/copy_run.hpp"

namespace sluice::session {

namespace {

constexpr auto sample_interval = std::chrono::milliseconds(500);

}  // namespace

struct copy_session::inner {
  inner(copy_settings given, labels called) : settings(std::move(given)), names(std::move(called)) {}

  copy_settings settings;
  labels names;
  copy_board board;
  runtime::lane control{"sluice-control"};
  runtime::cancel_scope scope;  // touched on the control lane only

  std::mutex mutex;
  std::condition_variable ended;
  bool started = false;
  std::optional<result<>> outcome;

  task<result<>> keep_sampling(runtime::cancel_scope& until) {
    for (;;) {
      board.sample();
      const bool go_on = co_await runtime::sleep_for(sample_interval, until);
      if (!go_on) co_return ok();
    }
  }

  task<void> main() {
    result<> how = ok();
    {
      runtime::cancel_scope sampling_scope;
      runtime::task_group sampling(control.executor(), sampling_scope);
      sampling.spawn(keep_sampling(sampling_scope));
      copy_run run(control.executor(), settings, names, board, scope);
      how = co_await run.run();
      sampling_scope.cancel();
      auto sampled = co_await sampling.join();
      (void)sampled;
    }
    if (how.has_error()) {
      board.set_failure(how.error());
      if (how.error().kind != error_kind::cancelled) {
        log(log_level::error, "session", "The copy failed", {{"cause", how.error().message}});
      }
    } else {
      log(log_level::info, "session", "The copy is complete");
    }
    {
      const std::scoped_lock lock(mutex);
      outcome = std::move(how);
    }
    ended.notify_all();
  }
};

copy_session::copy_session(copy_settings settings, labels names)
    : inner_(std::make_unique<inner>(std::move(settings), std::move(names))) {
  inner_->board.set_state(state::idle);
  inner_->control.start();
}

copy_session::~copy_session() {
  bool running = false;
  {
    const std::scoped_lock lock(inner_->mutex);
    running = inner_->started;
  }
  if (running) {
    stop();
    auto how = wait();
    (void)how;
  }
  inner_->control.stop();
}

result<> copy_session::start(const start_request& request) {
  if (request.build_indexes.value_or(index_building::after_data_copy) != index_building::after_data_copy) {
    return failure(error_kind::configuration,
                   "buildIndexes: a one-shot copy builds the indexes after the data; leave it out");
  }
  if (request.block_writes.value_or(write_blocking::none) != write_blocking::none) {
    return failure(error_kind::configuration,
                   "enableUserWriteBlocking: a one-shot copy blocks no writes; keep other writers off the destination "
                   "yourself, and leave it out");
  }
  {
    const std::scoped_lock lock(inner_->mutex);
    if (!inner_->started && request.source == inner_->names.destination) {
      std::swap(inner_->names.source, inner_->names.destination);
      std::swap(inner_->settings.source_uri, inner_->settings.destination_uri);
    }
  }
  return start_now();
}

result<> copy_session::pause() {
  return failure(error_kind::refused, "this is a one-shot copy; it can be interrupted and started again");
}

result<> copy_session::resume() {
  return pause();
}

result<> copy_session::commit() {
  return failure(error_kind::refused, "this is a one-shot copy; there is nothing to commit");
}

result<> copy_session::reverse() {
  return failure(error_kind::refused, "this is a one-shot copy; there is nothing to commit");
}

result<> copy_session::start_now() {
  {
    const std::scoped_lock lock(inner_->mutex);
    if (inner_->started) {
      return failure(error_kind::refused, "start is taken in state IDLE only; this run is in state " +
                                              std::string(to_string(inner_->board.current_state())));
    }
    inner_->started = true;
    // At once, so that the caller's next progress call does not find IDLE.
    inner_->board.set_state(state::running);
  }
  boost::asio::co_spawn(inner_->control.context(), inner_->main(), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  return ok();
}

progress copy_session::snapshot(bool with_collections) const {
  return inner_->board.snapshot(with_collections);
}

result<> copy_session::wait() {
  std::unique_lock lock(inner_->mutex);
  inner_->ended.wait(lock, [this] { return inner_->outcome.has_value(); });
  return *inner_->outcome;
}

void copy_session::stop() {
  boost::asio::post(inner_->control.context(), [this] { inner_->scope.cancel(); });
}

}  // namespace sluice::session
