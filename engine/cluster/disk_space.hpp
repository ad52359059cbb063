// Whether what is to be migrated fits on a destination's disk: what servers tell of sizes and disks, and the sum.
#pragma once

#include <optional>

#include "engine/runtime/result.hpp"

namespace sluice::wire {
class connection;
}

namespace sluice::cluster {

struct catalog;

/// As data lies on a server's disk: compressed.
struct stored_sizes {
  double data_bytes = 0;
  double index_bytes = 0;
};

/// Of the node that was asked; nothing where it does not tell.
struct disk_space {
  std::optional<double> free_bytes;
  std::optional<double> oplog_bytes;      // that its oplog takes now
  std::optional<double> oplog_bytes_max;  // as it is configured
};

struct disk_demand {
  double data_bytes = 0;
  double index_bytes = 0;
  double oplog_bytes = 0;
  [[nodiscard]] double whole_bytes() const noexcept { return data_bytes + index_bytes + oplog_bytes; }
};

/// What `of` will take there: data and indexes as on the source, and the destination's own oplog, which gets each
/// inserted document once (compressed about as the data is) and grows until it is full.
[[nodiscard]] disk_demand demand_on(const disk_space& there, const stored_sizes& of) noexcept;

/// dbStats, and the size of the oplog (nothing where `local` may not be read, or through a mongos). Errors: the
/// server's.
[[nodiscard]] task<result<disk_space>> read_disk_space(wire::connection& node);

/// dbStats of each database of the catalog, in the proportion in which the catalog (with its sizes) takes of a
/// database's documents. Nothing where that takes too long: more than 200 databases, or 3 s; dbStats looks at each
/// collection's files. Errors: the server's.
[[nodiscard]] task<result<std::optional<stored_sizes>>> read_stored_sizes(wire::connection& source, const catalog& of);

/// Error (refused): it does not fit, with both numbers. What is not known is no error. Without any margin: what does
/// not even fit so is certain to fail.
[[nodiscard]] result<> check_disk_space(const disk_space& there, const stored_sizes& of);

}  // namespace sluice::cluster
