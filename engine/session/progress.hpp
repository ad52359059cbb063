// What a run tells about itself: one value, taken as a snapshot, from which the HTTP API and the terminal display are
// fed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/runtime/result.hpp"

namespace sluice::session {

/// The states of the HTTP API, by the names that operators' scripts test for.
enum class state : std::uint8_t { initializing, idle, running, paused, committing, committed, failed };
[[nodiscard]] std::string_view to_string(state s) noexcept;  // "INITIALIZING", ...

/// In the order in which a run goes through them.
enum class phase : std::uint8_t {
  uninitialized,
  initializing_collections_and_indexes,
  initializing_partitions,
  collection_copy,
  index_build,
  copy_completed,
};
[[nodiscard]] std::string_view to_string(phase p) noexcept;  // "collection copy", ...

struct collection_progress {
  std::string ns;
  std::int64_t documents_total = 0;  // estimate; raised to copied when exceeded
  std::int64_t documents_copied = 0;
  std::int64_t bytes_total = 0;  // estimate, of uncompressed BSON
  std::int64_t bytes_copied = 0;
  std::int32_t indexes_total = 0;
  std::int32_t indexes_built = 0;
  double index_build_fraction = 0;  // of the build under way, from $currentOp; 0 when none runs
  bool copied = false;              // every partition done
};

struct progress {
  state now = state::initializing;
  phase at = phase::uninitialized;
  bool can_commit = false;
  bool can_write = false;
  std::string source_name;       // "cluster0: host:port"
  std::string destination_name;  // "cluster1: host:port"
  std::int64_t bytes_total = 1;  // 1 before the copy starts, as the original
  std::int64_t bytes_copied = 0;
  std::int64_t documents_total = 0;
  std::int64_t documents_copied = 0;
  std::int64_t duplicates_skipped = 0;
  std::int32_t collections_total = 0;
  std::int32_t collections_copied = 0;
  std::int32_t indexes_total = 0;
  std::int32_t indexes_built = 0;
  std::int32_t collections_indexed = 0;             // those of which every index is there
  bool destination_written = false;                 // something was created, dropped or inserted there
  double copy_bytes_per_second = 0;                 // over the last ten seconds
  std::optional<std::int64_t> seconds_to_complete;  // nothing until there is a rate
  std::optional<std::int64_t> source_ping_ms;       // -1: the last ping failed
  std::optional<std::int64_t> destination_ping_ms;
  std::vector<std::string> warnings;             // with what to do about each
  std::optional<error> failure;                  // set with state::failed
  std::vector<collection_progress> collections;  // filled only when asked for
};

/// The body of POST /api/v1/start, validated.
struct start_request {
  std::string source;       // "cluster0" or "cluster1"
  std::string destination;  // the other one
};

/// What the HTTP API and the terminal talk to. Every member may be called from any thread and does not block.
class controls {
 public:
  virtual ~controls() = default;
  [[nodiscard]] virtual progress snapshot(bool with_collections) const = 0;
  /// IDLE → RUNNING. Error kind refused when the state does not allow it.
  [[nodiscard]] virtual result<> start(const start_request& request) = 0;
};

}  // namespace sluice::session
