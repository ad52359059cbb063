// What this binary is and what it was built against.
#pragma once

#include <string>

namespace sluice::tools {

/// Several lines, without a newline at the end.
[[nodiscard]] std::string version_text();

/// "0.1.0": the project's version of CMakeLists.txt, its only place.
[[nodiscard]] std::string version_number();

}  // namespace sluice::tools
