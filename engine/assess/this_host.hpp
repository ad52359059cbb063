// The machine that Sluice itself is to run on: files, kernel, memory, the spool's disk. Judges what read_this_host()
// reads; the files that it reads are below a root that a test may make.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/assess/findings.hpp"

namespace sluice::assess {

struct this_host_facts {
  std::uint64_t open_files_max = 0;              // of this process: ulimit -n
  std::string kernel;                            // "6.1.0"
  std::string backend;                           // "io_uring", "epoll"
  std::string why_epoll;                         // why io_uring is not used; empty where it is, or by choice
  std::uint32_t cores = 0;                       // that this process may use
  std::optional<double> memory_available_bytes;  // of the machine
  std::optional<double> memory_limit_bytes;      // of the control group (container, systemd unit)
  std::string spool_dir;
  std::string spool_problem;  // why it cannot be used; empty: it can
  double spool_free_bytes = 0;
};

struct this_host_demand {
  std::size_t memory_bytes = 0;  // --memory-mb
  bool spools = true;            // a live sync; a copy has no spool
};

[[nodiscard]] findings judge_this_host(const this_host_facts& facts, const this_host_demand& needs);

/// What can be seen without asking a server. `root` is "/" but in tests. Makes nothing: of a spool's folder that does
/// not exist yet the nearest one that does is looked at.
[[nodiscard]] this_host_facts read_this_host(const std::filesystem::path& spool_dir,
                                             const std::filesystem::path& root = "/");

}  // namespace sluice::assess
