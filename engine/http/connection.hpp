// One client's connection: requests in, replies out, one after the other. Never knows what a request means.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "engine/http/api.hpp"
#include "engine/http/server.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::http {

class connection {
 public:
  using answer = std::function<response(const request_view&)>;

  virtual ~connection() = default;
  /// Until the client leaves, breaks the protocol or a limit (it is told which), or close() is called. The caller keeps
  /// the connection alive until this returns; so for refuse().
  [[nodiscard]] virtual task<void> converse(answer to) = 0;
  /// Says "too many connections" and closes.
  [[nodiscard]] virtual task<void> refuse() = 0;
  /// Ends both of the above, as soon as a reply that is on its way has gone out. On the lane.
  virtual void close() = 0;
  /// The same at once.
  virtual void abort() = 0;
};

[[nodiscard]] std::unique_ptr<connection> make_connection(boost::asio::ip::tcp::socket socket,
                                                          const server_limits& bounds);

}  // namespace sluice::http
