// The file behind --config: YAML, or JSON when its name ends in .json. Keys are the flags without their dashes.
#pragma once

#include <string>
#include <string_view>

#include "engine/runtime/result.hpp"
#include "tools/serve_values.hpp"

namespace sluice::tools {

enum class config_language : std::uint8_t { yaml, json };

/// `name` is only for messages. Errors (configuration): "name:line: what is wrong with which key"; never the value.
[[nodiscard]] result<serve_values> parse_config(std::string_view text, const std::string& name,
                                                config_language language);

/// As above; a file that cannot be read, or larger than a mebibyte, is named.
[[nodiscard]] result<serve_values> read_config(const std::string& path);

}  // namespace sluice::tools
