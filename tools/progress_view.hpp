// How far a copy is, as lines of text: a pure function of the numbers and of the terminal's size.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "engine/session/progress.hpp"

namespace sluice::tools {

struct terminal_size {
  std::size_t width = 80;
  std::size_t height = 24;
};

/// At most height - 1 lines of at most width - 1 columns, so that neither scrolls nor wraps: phase, total, and as many
/// of the collections under way (then of the largest waiting ones) as fit.
[[nodiscard]] std::vector<std::string> progress_lines(const session::progress& now, std::chrono::seconds elapsed,
                                                      terminal_size size);

/// A bar of exactly `width` columns; `fraction` is from 0 to 1 and taken as the nearer of them outside.
[[nodiscard]] std::string bar(double fraction, std::size_t width);

}  // namespace sluice::tools
