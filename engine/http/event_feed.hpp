// The newest event and who waits for it. A listener that is slow misses those between, so that nothing piles up for it.
// Never touches a socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "engine/runtime/result.hpp"

namespace sluice::http {

/// On one lane.
class event_feed {
 public:
  explicit event_feed(const boost::asio::any_io_executor& lane);

  void publish(std::string text);
  /// Every next() ends with nothing, from now on.
  void close();

  class listener {
   public:
    explicit listener(event_feed& of) : feed_(of), seen_(of.number_) { ++feed_.listeners_; }
    ~listener() { --feed_.listeners_; }
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    /// The newest one since it began to listen that it has not had; waits while there is none. Nothing: the feed is
    /// closed.
    [[nodiscard]] task<std::shared_ptr<const std::string>> next();

   private:
    event_feed& feed_;
    std::uint64_t seen_;
  };
  [[nodiscard]] std::size_t listeners() const noexcept { return listeners_; }

 private:
  boost::asio::steady_timer changed_;
  std::shared_ptr<const std::string> newest_;
  std::uint64_t number_ = 0;
  std::size_t listeners_ = 0;
  bool closed_ = false;
};

}  // namespace sluice::http
