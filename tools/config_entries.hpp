// A configuration file as a flat list of keys, whichever language it was written in. For config.cpp only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/runtime/result.hpp"
#include "tools/config.hpp"

namespace sluice::tools {

enum class entry_kind : std::uint8_t {
  text,     // certainly a string: quoted in YAML, a string in JSON
  bare,     // number or boolean in JSON
  plain,    // unquoted in YAML: what it is depends on what is wanted
  nothing,  // null, or no value at all
  nested,   // a list or a mapping; its value is written as JSON
};

struct config_entry {
  std::string key;
  std::size_t line = 0;  // counted from 1
  entry_kind kind = entry_kind::nothing;
  std::string value;  // as written; empty for `nothing`
};

/// "name:line: message", of kind configuration.
[[nodiscard]] error config_error(const std::string& name, std::size_t line, const std::string& message);

[[nodiscard]] result<std::vector<config_entry>> yaml_entries(std::string_view text, const std::string& name);
[[nodiscard]] result<std::vector<config_entry>> json_entries(std::string_view text, const std::string& name);

}  // namespace sluice::tools
