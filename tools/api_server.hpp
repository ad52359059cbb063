// The HTTP API beside a run, as `sluice run` and the server open it.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/http/server.hpp"
#include "engine/runtime/lane.hpp"
#include "tools/api_access.hpp"

namespace sluice::tools {

/// Listens; see http::server::listen. The caller starts the lane.
[[nodiscard]] result<std::unique_ptr<http::server>> open_api(runtime::lane& lane, std::uint16_t port,
                                                             const api_access& access, session::controls& controls,
                                                             assess::service* assessing = nullptr);

}  // namespace sluice::tools
