// What GET /metrics says: a run's progress as Prometheus reads it. A plain function of a snapshot; keeps nothing
// between two scrapes. docs/operating.md has a table of all names, which a test compares with what is written here.
#pragma once

#include <string>
#include <string_view>

#include "engine/session/progress.hpp"

namespace sluice::http {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// Names beginning with sluice_ are ours; those with mongosync_ are the original's, where they mean the same here. What
/// is not known yet (a lag before anything is followed) is left out.
[[nodiscard]] std::string metrics_text(const session::progress& now);

}  // namespace sluice::http
