// A piece of work that runs beside its owner's coroutine, on the same lane: what it comes to is picked up later.
#pragma once

#include <cassert>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include "engine/runtime/result.hpp"

namespace sluice::apply {

/// One piece at a time. Its end cancels `wake`, the timer that the owner waits with. Must outlive its work.
template <class T>
class background {
 public:
  explicit background(boost::asio::steady_timer& wake) : wake_(wake) {}
  ~background() { assert(!running_); }
  background(const background&) = delete;
  background& operator=(const background&) = delete;

  void start(task<result<T>> work) {
    assert(!running_ && !outcome_);
    running_ = true;
    const auto lane = wake_.get_executor();
    boost::asio::co_spawn(lane, run(this, std::move(work)), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  [[nodiscard]] bool running() const noexcept { return running_; }
  /// Neither running nor ended with something to pick up.
  [[nodiscard]] bool idle() const noexcept { return !running_ && !outcome_; }
  /// What it came to, once.
  [[nodiscard]] std::optional<result<T>> take() { return std::exchange(outcome_, std::nullopt); }

 private:
  static task<void> run(background* self, task<result<T>> work) {
    self->outcome_.emplace(co_await std::move(work));
    self->running_ = false;
    self->wake_.cancel();
  }

  boost::asio::steady_timer& wake_;
  bool running_ = false;
  std::optional<result<T>> outcome_;
};

}  // namespace sluice::apply
