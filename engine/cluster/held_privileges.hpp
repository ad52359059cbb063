// What a server says that the user of a connection may do.
#pragma once

#include <optional>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

/// `authenticatedUserPrivileges` of connectionStatus, an array: roles of every kind arrive expanded. Nothing when the
/// connection came without a user.
[[nodiscard]] task<result<std::optional<bson::document>>> read_held_privileges(wire::connection& node);

}  // namespace sluice::cluster
