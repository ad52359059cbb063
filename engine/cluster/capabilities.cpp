#include "engine/cluster/capabilities.hpp"

#include <charconv>

namespace sluice::cluster {

namespace {

constexpr server_version v4_4{4, 4, 0};
constexpr server_version v5_0{5, 0, 0};
constexpr server_version v5_3{5, 3, 0};
constexpr server_version v6_0{6, 0, 0};

}  // namespace

std::string server_version::to_string() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

std::optional<server_version> parse_server_version(std::string_view text) noexcept {
  server_version version;
  std::int32_t* const parts[] = {&version.major, &version.minor, &version.patch};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    if (i > 0) {
      if (at == end || *at != '.') return i >= 2 ? std::optional(version) : std::nullopt;
      ++at;
    }
    const auto [next, fault] = std::from_chars(at, end, *parts[i]);
    if (fault != std::errc{} || *parts[i] < 0) return std::nullopt;
    at = next;
  }
  return version;
}

capabilities capabilities_of(server_version version, bool is_mongos) noexcept {
  capabilities can;
  // Measured on 4.4.2, 5.0.4, 6.0.5 and 6.0.27, and through a mongos 5.0. A mongos refuses resume tokens ("Queries on
  // mongoS may not request or provide a resume token") and UUIDs, does not stream, and answers writes without opTime.
  can.natural_resume = version >= v4_4 && !is_mongos;
  can.find_by_uuid = !is_mongos;
  can.exhaust_cursors = !is_mongos;
  can.write_replies_carry_term = !is_mongos;
  // By patch release (6.0.5 no, 6.0.27 yes): discover() asks the server.
  can.bypass_empty_timestamp = false;
  can.timeseries = version >= v5_0;
  can.clustered_collections = version >= v5_3;
  can.pre_and_post_images = version >= v6_0;
  can.coll_mod_capped_size = version >= v6_0;
  can.prepare_unique = version >= v6_0;
  can.user_write_block = version >= v6_0;
  return can;
}

}  // namespace sluice::cluster
