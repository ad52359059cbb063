// Where a URI comes from: a flag, a file, the environment, the configuration.
#pragma once

#include <optional>
#include <string>

#include "engine/runtime/result.hpp"
#include "tools/command_line.hpp"

namespace sluice::tools {

struct uri_places {
  const char* flag;                         // "--source", for messages
  const char* variable;                     // of the environment
  std::optional<std::string> given;         // by the flag
  std::optional<std::string> file;          // that another flag names
  std::optional<std::string> configured{};  // by the configuration file
  std::optional<std::string> configured_file{};
};

/// The first of: flag, file of a flag, variable, configuration, file of the configuration. Errors (configuration):
/// none of them, an unreadable file, something that is no MongoDB URI; the value itself is never in a message.
[[nodiscard]] result<std::string> find_uri(const uri_places& places, const environment& variables);

}  // namespace sluice::tools
