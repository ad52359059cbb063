// Users and custom roles as a step of a run: looked at before anything is copied, made when everything else is there.
#pragma once

#include "engine/cluster/migration_scope.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/copy_board.hpp"
#include "engine/session/settings.hpp"
#include "engine/session/sides.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::session {

/// Whether both sides would let us, and what would come over now. Writes nothing.
[[nodiscard]] task<result<>> look_at_accounts(sides& between, cluster::migration_scope scope);

/// Makes them; what is skipped goes to the log, line by line, and to the board. May be repeated.
[[nodiscard]] task<result<>> bring_accounts(sides& between, const copy_settings& settings,
                                            cluster::migration_scope scope, sluice::state::checkpoint& notes,
                                            copy_board& board, runtime::cancel_scope& until);

}  // namespace sluice::session
