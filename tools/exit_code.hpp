// What the program says to the shell; documented in --help, never renumbered.
#pragma once

namespace sluice::tools {

enum class exit_code : int {
  everything_is_there = 0,
  failed = 1,
  usage = 2,
  refused = 3,          // before anything was written to the destination
  condition_holds = 4,  // a --fail-if of a bench
  interrupted = 130,
};

}  // namespace sluice::tools
