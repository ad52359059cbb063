// The body of POST /api/v1/start: parsed, and every field either obeyed or refused by name.
#pragma once

#include <string_view>
#include <variant>

#include "engine/http/json_body.hpp"
#include "engine/session/progress.hpp"

namespace sluice::http {

/// `body` as received: any bytes at all, any Content-Type; an empty one stands for {}. An option of mongosync whose
/// value asks for what this version does anyway is taken; any other value of it is refused, never ignored.
[[nodiscard]] std::variant<session::start_request, body_refusal> parse_start_body(std::string_view body);

}  // namespace sluice::http
