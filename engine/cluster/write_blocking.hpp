// The server's own switch that refuses the writes of users (setUserWriteBlockMode, 6.0 and newer): what it stands at,
// whether we may turn it and write past it, and turning it. Must never decide whether to: the commit does.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/cluster/deployment.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

enum class write_blocking_support : std::uint8_t {
  available,
  unsupported,  // the deployment is older than 6.0, or its feature compatibility version is
};

/// What stands on a deployment now. The server does not keep who set it: one that is on before a run has turned it on
/// was set by somebody else (an operator, an earlier run) and is not the run's to turn off, so whoever turns it on
/// writes that down first.
struct write_blocking_status {
  write_blocking_support support = write_blocking_support::unsupported;
  std::optional<bool> on;   // nothing where the server does not say (mongos; no clusterMonitor)
  bool may_set = false;     // our user holds setUserWriteBlockMode (role restore)
  bool may_bypass = false;  // and bypassWriteBlockingMode (role restore)
  bool has_users = true;    // false: nobody is told apart, so that our own writes would be refused too
};

[[nodiscard]] task<result<write_blocking_status>> read_write_blocking(wire::connection& node, const deployment of);

/// Whether we may turn it on there and, where `writes_go_on` (the destination's: we write to it meanwhile), go on.
/// Error (refused): what lacks and which built-in role holds it.
[[nodiscard]] result<> check_write_blocking(const write_blocking_status& status, const deployment& of,
                                            bool writes_go_on);

/// Sets it for the whole deployment, acknowledged by a majority; what it already stands at is no error. Open
/// transactions of users are ended by turning it on. Where it is unsupported: turning it off is done, turning it on
/// is refused. Errors: the server's. For the caller to repeat after elections.
[[nodiscard]] task<result<>> set_write_blocking(wire::connection& primary, const deployment of, bool on);

}  // namespace sluice::cluster
