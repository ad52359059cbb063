// Asks hosts over connections until topology (the machine that decides) has an answer.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "engine/cluster/topology.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::cluster {

struct search_options {
  std::string whose;     // begins error messages: "source"
  std::string set_name;  // demanded; empty: the first that answers
  std::optional<bson::object_id> newest_election;
  std::chrono::milliseconds patience{};  // zero: each host once
};

/// A connection that was the primary's (or a mongos') a moment ago, and what the search has learnt.
struct located_primary {
  std::unique_ptr<wire::connection> connection;
  hello_reply hello;
  wire::host_port at;
  std::vector<wire::host_port> members;
  std::string set_name;
  bool is_sharded = false;
  std::optional<bson::object_id> newest_election;
};

/// All hosts of `uri` (and the members that they name) are asked at once, those that have no primary to offer again and
/// again. The connection belongs to `scope`, which cancels the search too. Errors: topology::explain(), cancelled.
[[nodiscard]] task<result<located_primary>> search_primary(wire::connection_string uri, search_options options,
                                                           runtime::cancel_scope& scope);

/// `hello` on an open connection. A server that does not answer within the URI's connect timeout counts as gone.
[[nodiscard]] task<result<hello_reply>> ask_hello(wire::connection& node);

}  // namespace sluice::cluster
