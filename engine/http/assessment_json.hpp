// An assessment as JSON: what `sluice assess --json` prints and what /api/v1/assess answers with.
#pragma once

#include <string>

#include "engine/assess/findings.hpp"

namespace sluice::http {

/// Raised when a field changes its meaning. New checks, and new fields, do not raise it.
inline constexpr int assessment_format_version = 1;

/// One object, on one line, without a newline.
[[nodiscard]] std::string assessment_json(const assess::report& of);

}  // namespace sluice::http
