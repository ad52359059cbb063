// The reply of GET /api/v1/progress. Field names and shapes are those that operators' scripts read; never change one.
#pragma once

#include <string>

#include "engine/session/progress.hpp"

namespace sluice::http {

/// {"progress":{...},"success":true}. Until a run has started every field but state and canCommit is null.
[[nodiscard]] std::string progress_json(const session::progress& now);

}  // namespace sluice::http
