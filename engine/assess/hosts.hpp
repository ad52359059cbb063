// Whether this host reaches every member of a deployment, how fast, and how far their clocks are from ours. The
// judgement of what reading.hpp has asked; asks nobody.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/assess/findings.hpp"

namespace sluice::assess {

struct host_facts {
  std::string address;      // "db1:27017", as the set's configuration or the URI has it
  bool is_primary = false;  // or the mongos that was found
  bool is_arbiter = false;  // knows no users: only its socket is tried
  bool in_set = true;       // false: the URI names it, the set does not
  std::string problem;      // why it is not reached; empty: it is
  double connect_ms = 0;    // name, TCP, TLS and authentication
  double ping_ms = 0;
  std::optional<double> skew_ms;  // its clock before (positive) or behind ours; known to half a ping
};

/// `side` is "source" or "destination".
[[nodiscard]] findings judge_hosts(const std::string& side, const std::vector<host_facts>& hosts);

/// A deployment that was not found at all, with the reason.
[[nodiscard]] finding unreachable(const std::string& side, const std::string& cause);

}  // namespace sluice::assess
