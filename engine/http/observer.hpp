// Looks at a run's progress every second, so that its history can be told, and more often while somebody listens.
#pragma once

#include <functional>
#include <optional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "engine/http/event_feed.hpp"
#include "engine/http/history.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"

namespace sluice::http {

/// On one lane.
class observer {
 public:
  using look = std::function<std::optional<session::progress>()>;

  observer(boost::asio::any_io_executor lane, look at) : feed_(lane), ticking_(lane), look_(std::move(at)) {}

  /// Until close(), or until there is nothing to look at any more. An event is published every second, and when the
  /// state, the phase, or what may be done has changed.
  [[nodiscard]] task<void> run();
  void close();

  /// Somebody begins to listen, and is told at once how things are.
  void greet();

  [[nodiscard]] event_feed& feed() noexcept { return feed_; }
  [[nodiscard]] const history& past() const noexcept { return past_; }

 private:
  event_feed feed_;
  history past_;
  boost::asio::steady_timer ticking_;
  look look_;
  bool greeting_ = false;
  bool closed_ = false;
};

}  // namespace sluice::http
