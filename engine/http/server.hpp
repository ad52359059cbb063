// The small HTTP endpoint: progress and calls under /api/v1, metrics, the page. Localhost only unless asked for more,
// limits on everything.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "engine/assess/service.hpp"
#include "engine/http/access.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"

namespace sluice::http {

/// What one client may hold. The values are those of limits.hpp; a test may take smaller ones.
struct server_limits {
  std::size_t header_bytes_max = limits::http_header_bytes_max;
  std::size_t body_bytes_max = limits::http_body_bytes_max;
  std::size_t connections_max = limits::http_connections_max;
  std::size_t listeners_max = 16;  // of those, who listen to events: browsers, mostly
  /// For a whole request to arrive, and for a whole reply to be taken.
  std::chrono::steady_clock::duration idle_timeout = limits::http_idle_timeout;
  /// How long a start waits for what comes of it: longer than servers are looked for. After that progress tells.
  std::chrono::steady_clock::duration start_time_max = std::chrono::seconds(45);
};

/// Where, to whom, and how.
struct server_options {
  std::string address = "127.0.0.1";  // an IP address of this machine; beyond loopback only with a token
  std::uint16_t port = 0;             // 0: a free one
  access_rules access{};
  std::string tls_certificate_key_file{};  // empty: plain HTTP
  assess::service* assessing = nullptr;    // outlives the server; nothing: none is offered
};

/// Serves on the given lane until destroyed. `controls` must outlive it. The
/// lane must run when it is destroyed, for the destructor (on another thread) waits until its last connection is
/// closed.
class server {
 public:
  /// Errors: configuration if the port is taken or not allowed, the address is none or needs a token. May be called
  /// before the lane runs, from any thread.
  [[nodiscard]] static result<std::unique_ptr<server>> listen(boost::asio::any_io_executor lane,
                                                              const server_options& options,
                                                              session::controls& controls,
                                                              server_limits bounds = server_limits{});
  virtual ~server() = default;
  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
  /// "http://localhost:27182"
  [[nodiscard]] virtual std::string url() const = 0;
  /// Stops accepting and closes every connection; once it has returned `controls` is not touched any more. Thread-safe.
  virtual void stop() = 0;
};

}  // namespace sluice::http
