// The comparison of one collection's documents: a merge of two cursors that needs no knowledge of MongoDB's order.
#pragma once

#include "tests/lab/oracle.hpp"

namespace sluice::lab {

enum class read_order : std::uint8_t { by_id, natural };

/// Adds counts to `entry`, and what differs to `verdict`.
void compare_documents(client& source, client& destination, const std::string& database, const std::string& collection,
                       read_order order, compared_namespace& entry, comparison& verdict);

}  // namespace sluice::lab
