#include "engine/assess/oplog.hpp"

#include <algorithm>
#include <cmath>

#include "engine/measure/verdict.hpp"

namespace sluice::assess {

namespace {

using measure::size_text;
using measure::time_text;

constexpr check_name window{"oplog.window", heading::oplog};
constexpr check_name rate{"oplog.rate", heading::oplog};
constexpr check_name spool{"oplog.spool", heading::oplog};

/// An outage of Sluice that nobody notices at night.
constexpr double window_seconds_min = 3600;
/// What the destination applies on its own two cores (docs/performance.md): more than this and it may never catch up.
constexpr double entries_per_second_many = 20'000;

finding judge_window(const oplog_facts& facts, const oplog_demand& needs, bool spool_suffices) {
  std::vector<figure> figures{{"windowSeconds", static_cast<double>(facts.window_seconds)}};
  if (facts.size_bytes) figures.push_back({"sizeBytes", *facts.size_bytes});
  if (facts.size_bytes_max) figures.push_back({"sizeBytesMax", *facts.size_bytes_max});
  const auto seconds = static_cast<double>(facts.window_seconds);
  std::string what = "reaches back " + time_text(seconds);
  if (facts.size_bytes_max) what += " in " + size_text(*facts.size_bytes_max);
  // A young oplog that is not full yet reaches back to its beginning and grows.
  const bool is_full = !facts.size_bytes || !facts.size_bytes_max || *facts.size_bytes > 0.9 * *facts.size_bytes_max;
  const double needed = needs.copy_seconds + window_seconds_min;
  const std::string enlarge = "enlarge it: db.adminCommand({replSetResizeOplog: 1, size: " +
                              std::to_string(static_cast<std::int64_t>(2 * needed / std::max(1.0, seconds) *
                                                                       facts.size_bytes_max.value_or(1e9) / (1 << 20)) +
                                             1000) +
                              "}) on every member (size in MB), or minRetentionHours";
  if (is_full && !spool_suffices && seconds < needs.copy_seconds) {
    return problem(window, "source",
                   what + ", but a copy takes up to " + time_text(needs.copy_seconds) +
                       " and what changes meanwhile does not fit into the spool",
                   enlarge + "; or make room for the spool (--spool-dir, --spool-gb)", figures);
  }
  if (is_full && seconds < window_seconds_min) {
    return warning(window, "source", what + ": if Sluice is down for longer, the migration has to begin anew", enlarge,
                   figures);
  }
  if (needs.copy_seconds > 0 && spool_suffices) {
    what += "; a copy takes up to " + time_text(needs.copy_seconds) + ", and what changes meanwhile waits in the spool";
  }
  return fine(window, "source", what, figures);
}

}  // namespace

findings judge_oplog(const oplog_facts& facts, const oplog_demand& needs) {
  findings found;
  if (facts.of_shards) {
    found.push_back(
        not_known(window, "source", "the shards' oplogs are not seen through a mongos",
                  "look at db.getReplicationInfo() on each shard: they have to reach back over an outage of "
                  "Sluice"));
    return found;
  }
  if (!facts.problem.empty()) {
    found.push_back(not_known(window, "source", facts.problem));
    return found;
  }
  const double spooled = facts.bytes_per_second.value_or(0) * needs.copy_seconds;
  const double room =
      needs.spool_bytes_max > 0 ? std::min(needs.spool_bytes_max, needs.spool_free_bytes) : needs.spool_free_bytes;
  const bool spool_suffices = spooled <= room;
  found.push_back(judge_window(facts, needs, spool_suffices));
  if (!facts.entries_per_second) return found;
  const double entries = *facts.entries_per_second;
  const double bytes = facts.bytes_per_second.value_or(0);
  const std::vector<figure> rates{{"entriesPerSecond", entries}, {"bytesPerSecond", bytes}};
  const std::string grows =
      std::to_string(std::llround(entries)) + " changes/s, " + size_text(bytes) + "/s over the last minutes";
  if (entries > entries_per_second_many) {
    found.push_back(warning(rate, "source", grows + ": more than a small destination can apply",
                            "migrate at a quieter hour, or measure what the destination applies with sluice bench",
                            rates));
  } else {
    found.push_back(fine(rate, "source", grows, rates));
  }
  const std::vector<figure> waits{{"spooledBytes", spooled}, {"roomBytes", room}};
  const std::string what =
      "up to " + size_text(spooled) + " of changes wait until the copy is done; there is room for " + size_text(room);
  if (spool_suffices) {
    found.push_back(fine(spool, "this host", what, waits));
  } else {
    found.push_back(warning(spool, "this host",
                            what + ", after which capturing waits and the source's oplog has to last",
                            "put --spool-dir on a larger disk, or raise --spool-gb", waits));
  }
  return found;
}

}  // namespace sluice::assess
