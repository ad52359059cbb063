// One table of what each server version can do; everything that depends on a version asks here.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cluster {

struct server_version {
  std::int32_t major = 0;
  std::int32_t minor = 0;
  std::int32_t patch = 0;
  friend auto operator<=>(const server_version&, const server_version&) = default;
  [[nodiscard]] std::string to_string() const;
};

/// "6.0.27", "7.0", "8.0.1-rc2": the leading numbers; at least major and minor must be there.
[[nodiscard]] std::optional<server_version> parse_server_version(std::string_view text) noexcept;

/// Measured on real servers (docs/compatibility notes in the .cpp): which version, and whether behind a mongos.
struct capabilities {
  bool natural_resume = false;            // $_requestResumeToken / $_resumeAfter; not through mongos
  bool find_by_uuid = false;              // not through mongos
  bool exhaust_cursors = false;           // mongos answers without moreToCome
  bool bypass_empty_timestamp = false;    // bypassEmptyTsReplacement on insert and update (probed)
  bool clustered_collections = false;     // 5.3+
  bool timeseries = false;                // 5.0+
  bool pre_and_post_images = false;       // 6.0+ (5.0: recordPreImages)
  bool coll_mod_capped_size = false;      // 6.0+
  bool prepare_unique = false;            // 6.0+
  bool user_write_block = false;          // 6.0+
  bool write_replies_carry_term = false;  // opTime and electionId; not through mongos
};

[[nodiscard]] capabilities capabilities_of(server_version version, bool is_mongos) noexcept;

}  // namespace sluice::cluster
