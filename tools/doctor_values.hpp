// The configuration as it was understood, for a bug report.
#pragma once

#include <string>

#include "tools/serve_values.hpp"

namespace sluice::tools {

/// A JSON object of what was said, by the keys of the configuration file; what is not said is left out. Passwords are
/// out of the URIs; values of a document filter, too.
[[nodiscard]] std::string values_json(const serve_values& values);

}  // namespace sluice::tools
