// The body of POST /api/v1/start: parsed, and every field either obeyed or refused by name.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "engine/session/progress.hpp"

namespace sluice::http {

/// Why a body was not taken; goes out as "error" and "errorDescription".
struct body_refusal {
  std::string name;  // "InvalidJSON", "MissingField", "WrongType", "BadValue", "UnknownField", "OptionNotOffered"
  std::string description;
};

/// `body` as received: any bytes at all, any Content-Type; an empty one stands for {}. An option of mongosync whose
/// value asks for what this version does anyway is taken; any other value of it is refused, never ignored.
[[nodiscard]] std::variant<session::start_request, body_refusal> parse_start_body(std::string_view body);

}  // namespace sluice::http
