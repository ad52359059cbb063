// The comparison of one collection's documents: a merge of two cursors that needs no knowledge of MongoDB's order.
#pragma once

#include "tests/lab/oracle.hpp"

namespace sluice::lab {

enum class read_order : std::uint8_t { by_id, natural };

/// One collection, as each side calls it.
struct place {
  std::string database;
  std::string collection;
  std::string there_database;
  std::string there_collection;
};

/// Adds counts to `entry`, and what differs to `verdict`.
void compare_documents(client& source, client& destination, const place& where, read_order order,
                       compared_namespace& entry, comparison& verdict);

}  // namespace sluice::lab
