// What each HTTP call answers, as a plain function of the request and of the session. Never touches a socket.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/assess/service.hpp"
#include "engine/http/access.hpp"
#include "engine/session/progress.hpp"

namespace sluice::http {

class history;

/// Views into the parsed request; all of them live as long as the call.
struct request_view {
  std::string_view method;  // "GET"
  std::string_view target;  // path and query as received
  std::string_view body{};
  std::optional<std::string_view> host{};    // the Host header; nothing only when HTTP/1.0 sent none
  std::optional<std::string_view> origin{};  // the Origin header: what a browser adds for a page's script
  std::optional<std::string_view> authorization{};
};

struct response {
  unsigned status = 200;
  std::string body;
  std::string allow{};                                 // the Allow header of a 405
  std::string_view content_type = "application/json";  // a constant's
  std::string_view page_policy{};                      // of a page: its Content-Security-Policy; a constant's
  bool authenticate = false;                           // a 401 says how: with a bearer token
  bool events = false;  // no body: from now on the client is told every event, in a reply without an end
  bool begins = false;  // to be told is what comes of the start: see started()
};

/// {"success":false,"error":name,"errorDescription":description} with that status.
[[nodiscard]] response refusal(unsigned status, std::string_view name, std::string_view description);

/// What a reply is made of beside the session.
struct context {
  access_rules access{};
  const history* past = nullptr;         // nothing: none is kept
  assess::service* assessing = nullptr;  // nothing: this program assesses nothing
};

struct served_route {
  std::string_view path;
  std::string_view method;
};
/// All of them; HEAD goes wherever GET does.
[[nodiscard]] std::vector<served_route> served_routes();

/// What engine/http/page/openapi.json describes, and HEAD wherever GET. Everything else is refused, and so are
/// strangers: see refuse_stranger().
[[nodiscard]] response handle(const request_view& request, session::controls& controls, const context& with = {});

/// The answer to a start that was taken; nothing as long as the deployments are still looked at.
[[nodiscard]] std::optional<response> started(session::controls& controls);

}  // namespace sluice::http
