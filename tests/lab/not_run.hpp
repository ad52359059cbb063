// For the few tests that need a program which no registry has (mongos): says that the test did not run, and why.
// tools/test counts it apart from those that passed. Never for anything that tools/bootstrap can fetch.
#pragma once

#include <string>

#include <gtest/gtest.h>

namespace sluice::lab {

/// Return from the test after it.
inline void not_run(const std::string& reason) {
  ::testing::Test::RecordProperty("not_run", reason);
}

}  // namespace sluice::lab
