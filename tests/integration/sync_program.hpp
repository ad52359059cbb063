// `sluice run` between two sets, as an operator starts it: again and again with the same arguments.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/sluice_program.hpp"
#include "tests/integration/sync_lane.hpp"

namespace sluice::session::testing {

class operated {
 public:
  explicit operated(const pair_of_sets& sets) : sets_(sets), spool_dir_(sets.spool.path()) {}

  /// Another place for the spool than the pair's: an operator's mistake, or another machine.
  operated& with_spool_dir(std::filesystem::path dir) {
    spool_dir_ = std::move(dir);
    return *this;
  }
  /// A port that the caller knows, for the API.
  operated& with_port(std::uint16_t port) {
    port_ = port;
    return *this;
  }
  /// `before`: see lab::confined().
  std::unique_ptr<lab::sluice_program> run(std::vector<std::string> more = {},
                                           std::vector<std::pair<std::string, std::string>> environment = {},
                                           std::vector<std::string> before = {}) const {
    std::vector<std::string> arguments{
        "run",         "--source",          sets_.source.uri(), "--destination",      sets_.destination.uri(),
        "--spool-dir", spool_dir_.string(), "--port",           std::to_string(port_)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<lab::sluice_program>(std::move(arguments), std::move(environment), std::move(before));
  }
  std::unique_ptr<lab::sluice_program> start(bool commit, const std::string& kill_at = {}) const {
    std::vector<std::string> more;
    if (commit) more.emplace_back("--commit-when-caught-up");
    std::vector<std::pair<std::string, std::string>> environment;
    if (!kill_at.empty()) environment.emplace_back("SLUICE_KILL_AT", kill_at);
    return run(std::move(more), std::move(environment));
  }

 private:
  const pair_of_sets& sets_;
  std::filesystem::path spool_dir_;
  std::uint16_t port_ = 0;  // any
};

}  // namespace sluice::session::testing
