// One client's connection: requests in, replies out, one after the other. Never knows what a request means.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "engine/http/api.hpp"
#include "engine/http/event_feed.hpp"
#include "engine/http/server.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::http {

class connection {
 public:
  using answer = std::function<response(const request_view&)>;
  /// The reply to a request that was answered with `begins`; nothing: not yet.
  using outcome = std::function<std::optional<response>()>;

  virtual ~connection() = default;
  /// Until the client leaves, breaks the protocol or a limit (it is told which), or close() is called. The caller keeps
  /// the connection alive until this returns; so for refuse(). Who is answered with `events` is told those of `feed`
  /// until it leaves, or does not take one in time.
  [[nodiscard]] virtual task<void> converse(answer to, outcome of_start, event_feed& feed) = 0;
  /// Says "too many connections" and closes.
  [[nodiscard]] virtual task<void> refuse() = 0;
  /// Ends both of the above, as soon as a reply that is on its way has gone out. On the lane.
  virtual void close() = 0;
  /// The same at once.
  virtual void abort() = 0;
  /// Since when it has been waiting for (the rest of) a request; nothing while it is being answered. On the lane.
  [[nodiscard]] virtual std::optional<std::chrono::steady_clock::time_point> waiting_since() const = 0;
};

/// With a TLS context it begins with a handshake; without one it is plain.
[[nodiscard]] std::unique_ptr<connection> make_connection(boost::asio::ip::tcp::socket socket,
                                                          const server_limits& bounds, boost::asio::ssl::context* tls);

}  // namespace sluice::http
