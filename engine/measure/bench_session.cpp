#include "engine/measure/bench_session.hpp"

#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "engine/runtime/lane.hpp"

namespace sluice::measure {

struct bench_session::inner {
  explicit inner(bench_settings given) : settings(std::move(given)) {}

  bench_settings settings;
  runtime::lane control{"sluice-control"};
  runtime::cancel_scope scope;  // touched on the control lane only

  mutable std::mutex mutex;
  std::condition_variable ended;
  bench_news last;
  std::optional<result<figures>> outcome;

  task<void> main() {
    on_news tell = [this](const bench_news& news) {
      const std::scoped_lock lock(mutex);
      last = news;
    };
    auto how = co_await run_bench(control.executor(), settings, std::move(tell), scope);
    {
      const std::scoped_lock lock(mutex);
      outcome = std::move(how);
    }
    ended.notify_all();
  }
};

bench_session::bench_session(bench_settings settings) : inner_(std::make_unique<inner>(std::move(settings))) {
  inner_->control.start();
}

bench_session::~bench_session() {
  inner_->control.stop();
}

void bench_session::start() {
  boost::asio::co_spawn(inner_->control.context(), inner_->main(), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

bench_news bench_session::news() const {
  const std::scoped_lock lock(inner_->mutex);
  return inner_->last;
}

result<figures> bench_session::wait() {
  std::unique_lock lock(inner_->mutex);
  inner_->ended.wait(lock, [this] { return inner_->outcome.has_value(); });
  return *inner_->outcome;
}

void bench_session::stop() {
  boost::asio::post(inner_->control.context(), [this] { inner_->scope.cancel(); });
}

result<std::vector<std::string>> clean_up_now(bench_settings settings) {
  runtime::lane lane("sluice-control");
  runtime::cancel_scope scope;
  std::promise<result<std::vector<std::string>>> promised;
  auto main = [&]() -> task<void> { promised.set_value(co_await clean_up(settings, scope)); };
  lane.start();
  boost::asio::co_spawn(lane.context(), main(), boost::asio::detached);
  auto outcome = promised.get_future().get();
  lane.stop();
  return outcome;
}

}  // namespace sluice::measure
