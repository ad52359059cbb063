// An assessment for a terminal: a line for each check under its heading, and what to do below those that are not fine.
#pragma once

#include <cstddef>
#include <string>

#include "engine/assess/findings.hpp"

namespace sluice::tools {

/// Lines to paste are never broken, however wide they are.
[[nodiscard]] std::string assess_text(const assess::report& of, std::size_t terminal_columns);

}  // namespace sluice::tools
