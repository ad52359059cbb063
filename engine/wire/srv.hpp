// mongodb+srv:// names turned into members, without blocking the lane.
#pragma once

#include "engine/runtime/result.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::wire {

/// The members behind an SRV name with the options of its TXT record; the same string when it is none. Errors: network,
/// naming the SRV host. DNS cannot be cancelled: at worst it takes the resolver's own time limits.
[[nodiscard]] task<result<connection_string>> resolve_srv(connection_string uri);

}  // namespace sluice::wire
