// What a loopback server is told at its start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/loopback/data_set.hpp"
#include "tests/loopback/faults.hpp"

namespace sluice::loopback {

struct server_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: the system chooses
  std::string set_name = "loopback";
  std::string version = "6.0.27";
  data_set_options data{};
  /// Inserts are counted by the size of their first document and dropped in the kernel.
  bool trust_sizes = false;
  /// Databases whose documents are kept and can be found, updated and deleted; everywhere else inserts are swallowed.
  std::vector<std::string> stored_databases{"__mdb_internal_sluice"};
  std::vector<fault> faults{};
};

}  // namespace sluice::loopback
