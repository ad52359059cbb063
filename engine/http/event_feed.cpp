#include "engine/http/event_feed.hpp"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::http {

event_feed::event_feed(const boost::asio::any_io_executor& lane)
    : changed_(lane, std::chrono::steady_clock::time_point::max()) {}

void event_feed::publish(std::string text) {
  newest_ = std::make_shared<const std::string>(std::move(text));
  ++number_;
  changed_.cancel();
}

void event_feed::close() {
  closed_ = true;
  changed_.cancel();
}

task<std::shared_ptr<const std::string>> event_feed::listener::next() {
  while (!feed_.closed_ && feed_.number_ == seen_) {
    boost::system::error_code woken;
    co_await feed_.changed_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }
  if (feed_.closed_) co_return nullptr;
  seen_ = feed_.number_;
  co_return feed_.newest_;
}

}  // namespace sluice::http
