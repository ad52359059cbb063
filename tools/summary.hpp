// What a copy came to, at its end: for people as a table, for scripts as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"

namespace sluice::tools {

struct copy_summary {
  std::int64_t documents = 0;
  std::int64_t bytes = 0;  // of BSON
  double seconds = 0;
  double cpu_user_seconds = 0;
  double cpu_system_seconds = 0;
  std::int64_t peak_memory_bytes = 0;  // resident
  std::int32_t collections = 0;
  std::int32_t indexes = 0;
  std::int64_t duplicates_skipped = 0;
  std::int64_t changes_applied = 0;  // by a live sync
  std::optional<accounts::account_report> accounts{};
};

/// From the run's last numbers and from what the kernel has counted for this process.
[[nodiscard]] copy_summary summarize(const session::progress& last, std::chrono::duration<double> took);

[[nodiscard]] std::string summary_table(const copy_summary& summary);
[[nodiscard]] std::string summary_json(const copy_summary& summary);

/// Errors (storage): the file that cannot be written, and why.
[[nodiscard]] result<> write_file(const std::string& path, const std::string& text);

}  // namespace sluice::tools
