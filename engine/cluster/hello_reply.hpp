// What a server says of itself when it is asked with `hello`. Reads the reply; draws no conclusion (topology.hpp does).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bson/document_view.hpp"

namespace sluice::cluster {

struct hello_reply {
  std::string set_name;              // empty: no member of an initiated replica set
  std::string me;                    // the address under which the set knows this member
  std::string primary;               // whom this member takes for the primary; empty when it knows none
  std::vector<std::string> members;  // `hosts` and `passives`: they hold data (arbiters do not, and know no users)
  bool is_mongos = false;            // msg: "isdbgrid"
  bool is_uninitiated = false;       // started with --replSet, but has no configuration (yet)
  bool is_config_server = false;     // a member of a sharded cluster's configuration replica set
  bool is_writable_primary = false;
  bool is_secondary = false;  // readable; false also in RECOVERING, STARTUP2 and ROLLBACK
  bool is_arbiter = false;
  std::optional<bson::object_id> election;  // of this primary; grows with the term
};

[[nodiscard]] hello_reply read_hello(bson::document_view reply);

/// Orders elections: the later one has the greater id (it starts with 0x7fffffff and ends with the term).
[[nodiscard]] bool is_older_election(const bson::object_id& a, const bson::object_id& b) noexcept;

}  // namespace sluice::cluster
