// What flags and the configuration file may say in serve mode, before anything is decided from it. Nothing means
// "not said here".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cluster/document_filter.hpp"
#include "engine/cluster/namespace_map.hpp"
#include "engine/cluster/sharding_choice.hpp"
#include "engine/runtime/log.hpp"
#include "tools/api_access.hpp"

namespace sluice::tools {

enum class log_format : std::uint8_t { automatic, text, json };

struct serve_values {
  std::optional<std::string> cluster0;
  std::optional<std::string> cluster0_file;  // a file that holds the URI
  std::optional<std::string> cluster1;
  std::optional<std::string> cluster1_file;
  std::optional<std::uint16_t> port;
  api_access_values api;
  std::optional<std::string> log_path;
  std::optional<std::string> metrics_path;
  std::optional<bool> disable_metrics_logging;
  std::optional<log_level> verbosity;
  std::optional<log_format> format;
  std::optional<std::uint32_t> load_level;
  std::optional<std::uint32_t> memory_mb;
  std::optional<std::uint32_t> lanes;
  std::optional<std::uint32_t> connections;
  std::optional<std::uint32_t> indexes_per_command;
  std::optional<std::string> migration_name;
  std::optional<std::uint32_t> retry_seconds;
  std::optional<std::string> capture;
  std::optional<std::string> spool_dir;
  std::optional<std::uint32_t> spool_gb;
  cluster::document_filter documents;  // everything: not said here
  std::optional<cluster::sharding_choice> sharding;
  std::optional<bool> disable_write_blocking;
  std::optional<bool> disable_verification;
  std::optional<bool> beside_others;
  std::optional<bool> users;
  std::optional<bool> skip_disk_space_check;
  std::optional<bool> verify_connectivity;  // look, report, and end
  std::optional<bool> exit_on_error;
  std::optional<bool> auto_resume;
  std::vector<std::string> include, exclude;  // empty: not said here
  std::vector<std::string> remap;             // "from=to"; the same
  std::vector<cluster::remap> remaps;         // the same, of a file in the API's form
};

/// TRACE DEBUG INFO WARN ERROR FATAL PANIC, in any case; PANIC is FATAL.
[[nodiscard]] std::optional<log_level> parse_verbosity(std::string_view name);
[[nodiscard]] std::optional<log_format> parse_log_format(std::string_view name);
/// "auto", "oplog" or "change-stream".
[[nodiscard]] bool is_capture_way(std::string_view name) noexcept;

/// {"field": ..., "matchValues": [...]} as JSON; the complaint is a sentence that names `name`.
[[nodiscard]] std::optional<std::string> read_documents(std::string_view name, const std::string& json,
                                                        cluster::document_filter& into);
/// {"shardingEntries": [...]} as JSON; the complaint is a sentence that names "sharding".
[[nodiscard]] std::optional<std::string> read_sharding(const std::string& json,
                                                       std::optional<cluster::sharding_choice>& into);

/// Flags and configuration keys have the same bounds.
namespace bounds {
inline constexpr std::uint32_t load_level_max = 4;
inline constexpr std::uint32_t memory_mb_max = 1U << 20U;  // a tebibyte is a typing error
inline constexpr std::uint32_t lanes_max = 256;
inline constexpr std::uint32_t connections_max = 64;          // a lane
inline constexpr std::uint32_t indexes_per_command_max = 64;  // what a collection may have
inline constexpr std::uint32_t retry_seconds_max = 7 * 24 * 3600;
inline constexpr std::uint32_t spool_gb_max = 1U << 20U;
}  // namespace bounds

}  // namespace sluice::tools
