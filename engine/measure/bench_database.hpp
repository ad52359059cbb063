// The databases that a bench makes and drops again, one on each side, each with a marker that says whose it is. Nothing
// without such a marker is ever dropped or written to.
#pragma once

#include <string>
#include <vector>

#include "engine/measure/settings.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/owner.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::measure {

/// The marker is renewed this often; without it for `marker_lease` its owner counts as gone. An owner on the same
/// machine whose process has ended counts as gone at once.
inline constexpr auto marker_interval = std::chrono::seconds(5);
inline constexpr auto marker_lease = std::chrono::seconds(60);

/// "sluice_bench_1f6a02c9".
[[nodiscard]] std::string new_database_name(const state::process_identity& self);

/// Error (refused): there is one, by whomever.
[[nodiscard]] task<result<>> refuse_existing_database(wire::connection& node, std::string name);
/// Makes the database by putting the marker into it. Errors: refused: another bench came first; the server's.
[[nodiscard]] task<result<>> claim_database(wire::connection& node, std::string name, state::process_identity self);
[[nodiscard]] task<result<>> renew_marker(wire::connection& node, std::string name);
/// Nothing happens when there is no such database, or its marker is somebody else's.
[[nodiscard]] task<result<>> drop_database(wire::connection& node, std::string name, std::string token);

struct leftovers {
  std::vector<std::string> dropped;  // of benches that were killed
  std::vector<std::string> in_use;   // "sluice_bench_1f6a02c9 (db7, process 4711)": of benches that may still run
};
/// Drops what killed benches have left on this side, a copy's checkpoint included.
[[nodiscard]] task<result<leftovers>> drop_leftovers(wire::connection& node, state::process_identity self);

/// Error (refused): the destination holds the checkpoint of a run that is no bench's; a bench would get in its way.
[[nodiscard]] task<result<>> refuse_foreign_checkpoint(wire::connection& destination);
/// Drops the checkpoint of the copy of `database`, if one is left (the copy drops it itself when it completes).
[[nodiscard]] task<result<>> drop_checkpoint(wire::connection& destination, std::string database);

}  // namespace sluice::measure
