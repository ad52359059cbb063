// What each HTTP call answers, as a plain function of the request and of the session. Never touches a socket.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/session/progress.hpp"

namespace sluice::http {

/// Views into the parsed request; all of them live as long as the call.
struct request_view {
  std::string_view method;  // "GET"
  std::string_view target;  // path and query as received
  std::string_view body{};
  std::optional<std::string_view> host{};    // the Host header; nothing only when HTTP/1.0 sent none
  std::optional<std::string_view> origin{};  // the Origin header: what a browser adds for a page's script
};

struct response {
  unsigned status = 200;
  std::string body;
  std::string allow{};                                 // the Allow header of a 405
  std::string_view content_type = "application/json";  // a constant's
};

/// {"success":false,"error":name,"errorDescription":description} with that status.
[[nodiscard]] response refusal(unsigned status, std::string_view name, std::string_view description);

/// Under /api/v1: GET progress and namespaces, POST start, pause, resume and commit; GET /metrics, /healthz (the
/// process lives) and /readyz (it can do its work); HEAD wherever GET. Everything else is refused, and so is whatever a
/// web page may have sent: a foreign Host (421, DNS rebinding) or Origin (403).
[[nodiscard]] response handle(const request_view& request, session::controls& controls);

}  // namespace sluice::http
