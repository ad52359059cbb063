// The command line that an assessed migration begins with, without passwords.
#pragma once

#include <string>

#include "engine/session/settings.hpp"

namespace sluice::assess {

/// For a shell. Passwords in URIs are "***". What was asked for is said again; on a slow way (`ping_ms` to the
/// destination) there are more connections.
[[nodiscard]] std::string run_command(const session::sync_settings& run, double ping_ms);

}  // namespace sluice::assess
