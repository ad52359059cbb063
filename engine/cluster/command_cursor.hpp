// A command that answers with a cursor, read to its end: the lists of the catalog. Never for data (wire/cursor.hpp is).
#pragma once

#include <string>
#include <vector>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

struct listed_documents {
  std::vector<bson::document> documents;
  bson::timestamp operation_time;  // of the first reply; {0, 0} where the server gives none
};

/// Runs `command` on `database`, then getMore until the cursor is exhausted. Each document is validated and copied
/// once.
[[nodiscard]] task<result<listed_documents>> run_cursor(wire::connection& node, std::string database,
                                                        bson::document command);

}  // namespace sluice::cluster
