// Where a bench keeps files on this machine while it applies changes: a folder that names its process, so that a later
// bench knows what a killed one has left.
#pragma once

#include <filesystem>
#include <string>

namespace sluice::measure {

/// "<temporary directory>/sluice-bench-<process>-<bench>"; not made yet.
[[nodiscard]] std::filesystem::path new_local_folder(const std::string& bench);
/// Removes the folders of processes that are gone.
void remove_local_leftovers();

}  // namespace sluice::measure
