// The small HTTP endpoint: progress and start under /api/v1, /healthz. Localhost only, limits on everything.
#pragma once

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>

namespace sluice::http {

/// Serves on 127.0.0.1:`port` (0 picks a free one) on the given lane until destroyed. `controls` must outlive it.
class server {
 public:
  [[nodiscard]] static result<std::unique_ptr<server>> listen(boost::asio::any_io_executor lane, std::uint16_t port,
                                                              session::controls& controls);
  virtual ~server() = default;
  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
  /// Stops accepting and closes every connection.
  virtual void stop() = 0;
};

}  // namespace sluice::http
