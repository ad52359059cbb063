// A command of the catalog that an election must not take back.
#pragma once

#include <string>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

/// Runs it with w: majority. Errors: the server's; a write concern that could not be satisfied.
[[nodiscard]] task<result<>> run_by_majority(wire::connection& to, std::string database, bson::document command);

}  // namespace sluice::cluster
