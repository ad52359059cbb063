// A run's metrics over time in files, for whoever has no Prometheus beside it. A JSON object a line, as the original
// writes them and the vendor's viewer reads them (mongosync_insights of github.com/mongodb/support-tools):
//
//   {"time":"2026-01-31T12:00:00.000000Z","message":"mongosync_lag_time 2\nmongosync_phase 7\n..."}
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"

namespace sluice::tools {

/// One thread. What cannot be written later (a full disk) is left out and told to the log once.
class metrics_file {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::uintmax_t bytes_max = 32 * limits::mib;
  static constexpr std::size_t older_files_max = 3;

  /// mongosync_metrics.log in `folder`, which is made where it lacks. A file of `bytes_max` is given a name with its
  /// last time, mongosync_metrics-….log, and all but the newest of those are removed.
  /// Error (configuration): nothing can be written there.
  [[nodiscard]] static result<std::unique_ptr<metrics_file>> open(const std::filesystem::path& folder,
                                                                  std::uintmax_t file_bytes_max = bytes_max);
  metrics_file(const metrics_file&) = delete;
  metrics_file& operator=(const metrics_file&) = delete;

  /// Called about once a second; writes every half minute.
  void look(const session::progress& now, clock::time_point at);

 private:
  metrics_file(std::filesystem::path folder, std::uintmax_t file_bytes_max)
      : folder_(std::move(folder)), bytes_max_(file_bytes_max) {}
  void begin_file();
  void put_aside(std::string_view time);
  void tell(const std::string& fault);

  std::filesystem::path folder_;
  std::uintmax_t bytes_max_;
  std::ofstream out_;
  std::uintmax_t size_ = 0;
  clock::time_point due_{};
  bool told_ = false;
};

/// Of `exposition` in Prometheus' text form everything but comments, and but the buckets of histograms that are not the
/// original's: their sums and counts are there.
[[nodiscard]] std::string metrics_line(std::string_view exposition, std::string_view time);

}  // namespace sluice::tools
