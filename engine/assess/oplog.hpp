// How far the source's oplog reaches back, how fast it grows, and whether that is enough. Judges; asks nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/assess/findings.hpp"

namespace sluice::assess {

struct oplog_facts {
  std::string problem;     // why it could not be read; empty: it was
  bool of_shards = false;  // through a mongos nobody sees them
  std::int64_t window_seconds = 0;
  std::optional<double> size_bytes;      // of its entries
  std::optional<double> size_bytes_max;  // as it is configured
  // Of the last minutes; nothing where they could not be counted in time.
  std::optional<double> entries_per_second;
  std::optional<double> bytes_per_second;
};

/// What is captured goes to the spool at once, so that the window need only outlast an outage of Sluice, unless the
/// changes of the whole copy do not fit into the spool: then capturing waits, and the oplog has to reach back.
struct oplog_demand {
  double copy_seconds = 0;     // with the pessimistic end of the estimate; 0: not known
  double spool_bytes_max = 0;  // 0: no bound
  double spool_free_bytes = 0;
};

[[nodiscard]] findings judge_oplog(const oplog_facts& facts, const oplog_demand& needs);

}  // namespace sluice::assess
