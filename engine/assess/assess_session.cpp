#include "engine/assess/assess_session.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "engine/runtime/lane.hpp"
#include "engine/session/namespace_choice.hpp"
#include "engine/session/sync_session.hpp"

namespace sluice::assess {

struct assess_session::inner {
  mutable std::mutex mutex;
  std::condition_variable ended;
  bool started = false;  // the lane: a server that is never asked has no thread for it
  bool under_way = false;
  std::optional<result<report>> last;

  runtime::lane control{"sluice-assess"};
  runtime::cancel_scope scope;  // touched on the lane only

  task<void> main(assess_settings settings) {
    auto how = co_await assess(control.executor(), std::move(settings), scope);
    {
      const std::scoped_lock lock(mutex);
      last = std::move(how);
      under_way = false;
    }
    ended.notify_all();
  }
};

assess_session::assess_session() : inner_(std::make_unique<inner>()) {}

assess_session::~assess_session() {
  stop();
  {
    std::unique_lock lock(inner_->mutex);
    inner_->ended.wait(lock, [this] { return !inner_->under_way; });
  }
  inner_->control.stop();
}

result<> assess_session::begin(assess_settings settings) {
  {
    const std::scoped_lock lock(inner_->mutex);
    if (inner_->under_way) return failure(error_kind::refused, "an assessment is under way; wait for its end");
    inner_->under_way = true;
    if (!std::exchange(inner_->started, true)) inner_->control.start();
  }
  boost::asio::co_spawn(inner_->control.context(), inner_->main(std::move(settings)), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  return ok();
}

service_state assess_session::look() const {
  const std::scoped_lock lock(inner_->mutex);
  return {inner_->under_way, inner_->last};
}

result<report> assess_session::wait() {
  std::unique_lock lock(inner_->mutex);
  inner_->ended.wait(lock, [this] { return !inner_->under_way && inner_->last.has_value(); });
  return *inner_->last;
}

void assess_session::stop() {
  boost::asio::post(inner_->control.context(), [this] { inner_->scope.cancel(); });
}

served_assessments::served_assessments(session::sync_settings run, session::labels names, std::string why_epoll)
    : run_(std::move(run)), names_(std::move(names)), why_epoll_(std::move(why_epoll)) {}

result<> served_assessments::begin(const std::optional<session::start_request>& wanted) {
  session::sync_settings asked = run_;
  if (wanted) {
    asked = session::with_request(std::move(asked), *wanted);
    if (wanted->source == names_.destination) std::swap(asked.copy.source_uri, asked.copy.destination_uri);
  }
  SLUICE_TRYV(session::choose_namespaces(asked));
  return at_work_.begin({std::move(asked), why_epoll_});
}

service_state served_assessments::look() const {
  return at_work_.look();
}

}  // namespace sluice::assess
