// What GET /api/v1/progress answers, for people. Takes the reply as it came over the wire, from any version: what it
// lacks is left out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::tools {

/// The progress of a reply, as far as a client decides by it.
struct told_progress {
  std::string state;
  std::string info;
  std::string waiting_for;  // why a pause or commit is not there yet
  std::string last_warning;
  std::string error;  // of a failed run
};

/// Nothing when the body is no progress reply.
[[nodiscard]] std::optional<told_progress> parse_progress(std::string_view body);

/// "name   value" lines; empty when the body is no progress reply.
[[nodiscard]] std::string status_text(std::string_view body);

/// The "errorDescription" of a refusal; "HTTP status 500" when there is none.
[[nodiscard]] std::string refusal_text(unsigned status, std::string_view body);

}  // namespace sluice::tools
