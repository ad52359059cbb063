// `sluice install-service`: the systemd unit that runs the server confined, as text. Writes no file and asks nothing of
// the machine: where the unit goes, and when it starts, stays with the operator.
#pragma once

#include <string>

#include "engine/runtime/result.hpp"

namespace sluice::tools {

struct service_options {
  std::string name = "sluice";  // of the unit: its state and its credentials go by it
  std::string program = "/usr/bin/sluice";
  std::string config;  // empty: the URIs come from /etc/NAME/cluster0 and cluster1
};

/// Error (configuration): a name or a path that a unit could not hold as it is.
[[nodiscard]] result<std::string> service_unit(const service_options& options);

}  // namespace sluice::tools
