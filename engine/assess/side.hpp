// One of the two deployments as an assessment meets it: found, looked at, and then asked further over one connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/assess/findings.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/cancel_scope.hpp"

namespace sluice::assess {

/// Lives on its lane.
struct side {
  explicit side(cluster::role which) : as(which) {}

  cluster::role as;
  std::unique_ptr<wire::connection> node;    // the primary, or a mongos; nothing: not reached
  std::optional<cluster::deployment> known;  // nothing: it was reached, and would not tell what it is

  std::string address;  // of the node
  double ping_ms = 0;   // of the primary
  findings found;       // hosts, privileges, topology, versions

  [[nodiscard]] std::string name() const { return std::string(to_string(as)); }
  /// Whether anything further may be asked.
  [[nodiscard]] bool usable() const { return known && node && node->is_open(); }
};

/// Finds the deployment and judges hosts, users and members. Fails only when cancelled.
[[nodiscard]] task<result<>> look_at(side& of, wire::connection_string uri, runtime::cancel_scope& scope);

/// For reports.
[[nodiscard]] side_name name_of(const side& of);

}  // namespace sluice::assess
