// Named places where a debug build dies on request, so that tests can prove that a restart goes on from there.
#pragma once

#include <string_view>

namespace sluice::runtime {

/// With SLUICE_FAILURE_POINTS and the environment variable SLUICE_KILL_AT=<name>[:<n>] the process gets SIGKILL when it
/// comes here for the n-th time (default: first). In other builds nothing.
#if defined(SLUICE_FAILURE_POINTS)
void failure_point(std::string_view name);
#else
inline void failure_point(std::string_view) {}
#endif

}  // namespace sluice::runtime
