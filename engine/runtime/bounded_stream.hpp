// Values handed from one coroutine to another on the same lane, at most so many at a time.
#pragma once

#include <cassert>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::runtime {

/// One producer side and one consumer side (each may be several coroutines), all on one lane. The producer ends the
/// stream with close(): what was pushed before is still delivered. abandon() is the consumer's "no more": pushes then
/// fail and buffered values are destroyed. Every wait ends when `scope` is cancelled.
template <class T>
class bounded_stream {
 public:
  bounded_stream(boost::asio::any_io_executor lane, std::size_t capacity, cancel_scope& scope)
      : capacity_(capacity),
        scope_(scope),
        readable_(lane),
        writable_(lane),
        hook_(scope.on_cancel([this] { wake_all(); })) {
    assert(capacity > 0);
    never(readable_);
    never(writable_);
  }

  /// Waits while the stream is full. False: nobody wants it any more (abandoned or cancelled).
  [[nodiscard]] task<bool> push(T value) {
    while (values_.size() >= capacity_ && !abandoned_ && !scope_.cancelled()) co_await wait(writable_);
    if (abandoned_ || scope_.cancelled()) co_return false;
    assert(!closed_);
    values_.push_back(std::move(value));
    readable_.cancel_one();
    co_return true;
  }

  /// Waits while the stream is empty. Nothing: closed and drained, or cancelled.
  [[nodiscard]] task<std::optional<T>> pop() {
    while (values_.empty() && !closed_ && !scope_.cancelled()) co_await wait(readable_);
    if (values_.empty() || scope_.cancelled()) co_return std::nullopt;
    std::optional<T> value(std::move(values_.front()));
    values_.pop_front();
    writable_.cancel_one();
    co_return value;
  }

  void close() {
    closed_ = true;
    wake_all();
  }
  void abandon() {
    abandoned_ = true;
    values_.clear();
    wake_all();
  }
  [[nodiscard]] bool abandoned() const noexcept { return abandoned_; }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }

 private:
  static void never(boost::asio::steady_timer& timer) {
    timer.expires_at(std::chrono::steady_clock::time_point::max());
  }
  static task<void> wait(boost::asio::steady_timer& timer) {
    boost::system::error_code woken;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }
  void wake_all() {
    readable_.cancel();
    writable_.cancel();
  }

  std::size_t capacity_;
  cancel_scope& scope_;
  std::deque<T> values_;
  bool closed_ = false;
  bool abandoned_ = false;
  boost::asio::steady_timer readable_;
  boost::asio::steady_timer writable_;
  cancel_scope::hook hook_;
};

}  // namespace sluice::runtime
