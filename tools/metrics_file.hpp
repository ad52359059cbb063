// A run's metrics over time in files, for whoever has no Prometheus beside it: what GET /metrics says, as a JSON object
// a line.
//
//   {"time":"2026-01-31T12:00:00Z","metrics":{"sluice_lag_seconds":0.1,"sluice_ping_seconds{cluster=\"source\"}":0.001}}
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"

namespace spdlog {
class logger;
}

namespace sluice::tools {

/// One thread. What cannot be written later (a full disk) is left out and told to the log once.
class metrics_file {
 public:
  using clock = std::chrono::steady_clock;

  /// metrics.log in `folder`, which is made where it lacks; at 16 MiB it becomes metrics.1.log, and the fourth goes.
  /// Error (configuration): nothing can be written there.
  [[nodiscard]] static result<std::unique_ptr<metrics_file>> open(const std::filesystem::path& folder);
  ~metrics_file();
  metrics_file(const metrics_file&) = delete;
  metrics_file& operator=(const metrics_file&) = delete;

  /// Called about once a second; writes every ten.
  void look(const session::progress& now, clock::time_point at);

 private:
  explicit metrics_file(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}

  std::shared_ptr<spdlog::logger> logger_;
  clock::time_point due_{};
};

/// `exposition` in Prometheus' text form. What is no number in JSON (infinity) is text.
[[nodiscard]] std::string metrics_line(std::string_view exposition, std::string_view time);

}  // namespace sluice::tools
