// A place in a server's oplog: when, and in whose reign. Orders as the oplog does.
#pragma once

#include <compare>
#include <cstdint>

#include "bson/document_view.hpp"

namespace sluice::wire {

struct optime {
  bson::timestamp at;
  std::int64_t term = -1;  // of the replica set; -1 where unknown
  friend bool operator==(const optime&, const optime&) = default;
  friend auto operator<=>(const optime& a, const optime& b) { return a.at <=> b.at; }
};

}  // namespace sluice::wire
