// The small HTTP endpoint: progress and start under /api/v1, /healthz. Localhost only, limits on everything.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

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
  /// For a whole request to arrive, and for a whole reply to be taken.
  std::chrono::steady_clock::duration idle_timeout = limits::http_idle_timeout;
};

/// Serves on 127.0.0.1:`port` (0 picks a free one) on the given lane until destroyed. `controls` must outlive it. The
/// lane must run when it is destroyed, for the destructor (on another thread) waits until its last connection is
/// closed.
class server {
 public:
  /// Errors: configuration if the port is taken or not allowed. May be called before the lane runs, from any thread.
  [[nodiscard]] static result<std::unique_ptr<server>> listen(boost::asio::any_io_executor lane, std::uint16_t port,
                                                              session::controls& controls,
                                                              server_limits bounds = server_limits{});
  virtual ~server() = default;
  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
  /// Stops accepting and closes every connection; once it has returned `controls` is not touched any more. Thread-safe.
  virtual void stop() = 0;
};

}  // namespace sluice::http
