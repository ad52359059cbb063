#include "engine/http/observer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/http/progress_json.hpp"

namespace sluice::http {
namespace {

constexpr auto tick = std::chrono::seconds(1);
/// While somebody listens: for so long may a change of state stay untold.
constexpr auto quick_tick = std::chrono::milliseconds(250);

/// What an event is sent at once for.
struct standing {
  session::state now{};
  session::phase at{};
  bool can_commit = false;
  bool can_write = false;
  bool operator==(const standing&) const = default;
};

}  // namespace

task<void> observer::run() {
  standing told;
  std::chrono::steady_clock::time_point told_at;
  while (!closed_) {
    const auto now = look_();
    if (!now) co_return;
    past_.add(std::chrono::system_clock::now(), *now);
    const standing stands{now->now, now->at, now->can_commit, now->can_write};
    const auto moment = std::chrono::steady_clock::now();
    const bool listened_to = feed_.listeners() > 0;
    if (listened_to && (greeting_ || stands != told || moment >= told_at + tick)) {
      greeting_ = false;
      told = stands;
      told_at = moment;
      feed_.publish("event: progress\ndata: " + progress_json(*now) + "\n\n");
    }
    ticking_.expires_after(listened_to ? std::chrono::steady_clock::duration(quick_tick) : tick);
    auto [woken] = co_await ticking_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    (void)woken;
  }
}

void observer::greet() {
  greeting_ = true;
  ticking_.cancel();
}

void observer::close() {
  closed_ = true;
  ticking_.cancel();
  feed_.close();
}

}  // namespace sluice::http
