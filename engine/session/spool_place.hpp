// Where on the local disk a run's spool lies.
#pragma once

#include <filesystem>
#include <string>

#include "engine/runtime/result.hpp"

namespace sluice::session {

/// `$XDG_STATE_HOME/sluice/spool`, else `~/.local/state/sluice/spool`, else a folder below the current one.
[[nodiscard]] std::filesystem::path default_spool_dir();

/// The folder of one run in `dir`: each pair of deployments has its own, and in it each run. Makes the folders above
/// it; removes those of earlier runs of the same pair, which the checkpoint has forgotten. Error (storage): cannot be
/// made, with path and cause. Waits for the disk: on no data lane.
[[nodiscard]] result<std::filesystem::path> spool_folder_of(const std::filesystem::path& dir,
                                                            const std::string& source_identity,
                                                            const std::string& destination_identity,
                                                            const std::string& run);

}  // namespace sluice::session
