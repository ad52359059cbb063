// What an assessment finds: values that name a check, judge it, and say what to do. Everything that is shown of an
// assessment, on a terminal or as JSON, is made of these. Knows no server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::assess {

enum class level : std::uint8_t {
  fine,
  warning,  // it would work; worth knowing, or worth doing something about
  failure,  // a migration that begins now would fail, or be refused
};
[[nodiscard]] std::string_view to_string(level l) noexcept;  // "ok", "warning", "failure"

/// In the order in which reports have them.
enum class heading : std::uint8_t {
  hosts,
  privileges,
  versions,
  topology,
  settings,
  oplog,
  disk,
  this_host,
  catalog,
  data,
  estimate,
};
inline constexpr std::size_t heading_count = 11;
[[nodiscard]] std::string_view to_string(heading h) noexcept;  // "hosts", ..., "thisHost", ...
[[nodiscard]] std::string_view title_of(heading h) noexcept;   // "Hosts", ..., "This host", ...

/// A figure behind a sentence, its unit in the name: {"windowSeconds", 86400}.
struct figure {
  std::string name;
  double value = 0;
};

struct finding {
  std::string check;  // "oplog.window": stays the same from version to version, for scripts
  level how = level::fine;
  heading under = heading::hosts;
  std::string subject;                // "source", "destination db2:27017", "shop.orders", "this host"
  std::string what;                   // a sentence without its full stop
  std::string advice{};               // what to do; never empty but with level::fine
  std::vector<std::string> commands;  // lines to paste into a shell of the server, as they are
  std::vector<figure> figures;
};

using findings = std::vector<finding>;

/// One check of one subject. `advice` belongs to what is not fine.
struct check_name {
  const char* check;
  heading under;
};
[[nodiscard]] finding fine(check_name of, std::string subject, std::string what, std::vector<figure> figures = {});
[[nodiscard]] finding warning(check_name of, std::string subject, std::string what, std::string advice,
                              std::vector<figure> figures = {});
[[nodiscard]] finding problem(check_name of, std::string subject, std::string what, std::string advice,
                              std::vector<figure> figures = {});
/// What could not be looked at: no reason to stop, but nobody knows now.
[[nodiscard]] finding not_known(check_name of, std::string subject, const std::string& cause,
                                std::string advice = "grant the role clusterMonitor, or look yourself");

/// A deployment as reports name it.
struct side_name {
  std::string name;     // "rs0 (db1:27017)", or an address alone; empty: it was not reached
  std::string version;  // "6.0.27"; empty with those below: it was reached, and does not tell
  std::string fcv;      // "6.0"
  std::string kind;     // "replicaSet", "shardedCluster"
};

/// How long a copy may take; made by estimate.hpp.
struct copy_estimate {
  double bytes = 0;
  double documents = 0;
  double seconds = 0;      // indexes included
  double seconds_min = 0;  // if all goes well
  double seconds_max = 0;
  double index_seconds = 0;  // of `seconds`
  double bytes_per_second = 0;
  std::string limited_by;  // "source", "destination", "network"
};

/// The whole of it.
struct report {
  std::string began;  // ISO 8601, UTC
  double seconds = 0;
  side_name source;
  side_name destination;
  findings found;
  std::optional<copy_estimate> time;
  std::string command;  // what to start a migration with; empty where none can be told
};

[[nodiscard]] std::size_t count(const findings& of, level how) noexcept;
/// The worst that was found.
[[nodiscard]] level verdict_of(const report& of) noexcept;

/// "a, b, c and 7 more".
[[nodiscard]] std::string listed(const std::vector<std::string>& names, std::size_t shown = 5);
/// "1 index", "3 indexes".
[[nodiscard]] std::string counted(std::int64_t count, std::string_view one, std::string_view several);

}  // namespace sluice::assess
