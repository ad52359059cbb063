// What a run tells about itself: one value, taken as a snapshot, from which the HTTP API and the terminal display are
// fed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document_view.hpp"
#include "engine/accounts/account_report.hpp"
#include "engine/cluster/document_filter.hpp"
#include "engine/cluster/namespace_map.hpp"
#include "engine/cluster/sharding_choice.hpp"
#include "engine/copy/measurements.hpp"
#include "engine/runtime/histogram.hpp"
#include "engine/runtime/host_load.hpp"
#include "engine/runtime/result.hpp"
#include "engine/verify/figures.hpp"

namespace sluice::session {

/// The states of the HTTP API, by the names that operators' scripts test for.
enum class state : std::uint8_t { initializing, idle, running, paused, committing, committed, reversing, failed };
[[nodiscard]] std::string_view to_string(state s) noexcept;  // "INITIALIZING", ...

/// In the order in which a run goes through them.
enum class phase : std::uint8_t {
  uninitialized,
  initializing_collections_and_indexes,
  initializing_partitions,
  collection_copy,
  index_build,
  copy_completed,        // one-shot copies end here
  awaiting_application,  // the copy is there; what an earlier process left under way is waited for
  change_application,    // the destination follows the source
  committing,
  commit_completed,
};
[[nodiscard]] std::string_view to_string(phase p) noexcept;  // "collection copy", ...

struct collection_progress {
  std::string ns;                    // on the source
  std::string destination_ns{};      // on the destination; empty: the same
  std::int64_t documents_total = 0;  // estimate; raised to copied when exceeded
  std::int64_t documents_copied = 0;
  std::int64_t bytes_total = 0;  // estimate, of uncompressed BSON
  std::int64_t bytes_copied = 0;
  std::int32_t indexes_total = 0;
  std::int32_t indexes_built = 0;
  double index_build_fraction = 0;  // of the build under way, from $currentOp; 0 when none runs
  bool copied = false;              // every partition done
};

/// What following the source has come to; everything is zero or absent before it begins.
struct follow_progress {
  std::optional<std::int64_t> lag_seconds;      // how far the destination is behind; 0 when PAUSED (all was drained)
  std::optional<std::int64_t> ddl_lag_seconds;  // of the last catalog change when it was applied; absent before one
  bson::timestamp last_applied;                 // {0, 0} before anything was
  std::int64_t events_applied = 0;              // changes of the source
  std::int64_t inserts = 0, updates = 0, replaces = 0, deletes = 0, commands = 0;
  double changes_per_second = 0;                    // over the last ten seconds
  std::int64_t windows = 0;                         // batches of changes written
  std::int64_t violations = 0;                      // of the consistency check
  bool consistent = false;                          // past the consistency point
  std::optional<std::int64_t> seconds_to_catch_up;  // only while the lag shrinks
  std::optional<std::int64_t> oplog_seconds_left;   // until the source's oplog forgets what is not captured yet
  std::string captured_by;                          // "oplog", "change-stream"; empty before
  std::int64_t captured_entries = 0;
  std::uint64_t spool_disk_bytes = 0;
  std::uint64_t spool_memory_bytes = 0;
  std::int64_t captured_bytes = 0;
  runtime::latency_counts read_latency;    // the source's; it lets a reader wait who has caught up
  runtime::latency_counts write_latency;   // the destination's, for each command
  runtime::latency_counts window_latency;  // from the first write of a batch of changes to its last acknowledgement
  runtime::size_counts window_changes;     // changes in a batch
};

/// Writes that are refused for others, as the original's enableUserWriteBlocking.
enum class write_blocking : std::uint8_t { none, destination_only, source_and_destination };
[[nodiscard]] std::string_view to_string(write_blocking mode) noexcept;  // "none", "destinationOnly", ...

struct progress {
  state now = state::initializing;
  phase at = phase::uninitialized;
  bool can_commit = false;
  bool can_write = false;
  bool reversible = false;       // after the commit reverse() is taken
  std::string source_name;       // "cluster0: host:port"
  std::string destination_name;  // "cluster1: host:port"
  std::int64_t bytes_total = 1;  // 1 before the copy starts, as the original
  std::int64_t bytes_copied = 0;
  bool totals_unknown = false;  // a document filter takes nobody knows how many of what the collections hold
  std::int64_t documents_total = 0;
  std::int64_t documents_copied = 0;
  std::int64_t duplicates_skipped = 0;
  std::int32_t collections_total = 0;
  std::int32_t collections_copied = 0;
  std::int32_t indexes_total = 0;
  std::int32_t indexes_built = 0;
  std::int32_t collections_indexed = 0;  // those of which every index is there
  bool destination_written = false;      // something was created, dropped or inserted there
  double copy_bytes_per_second = 0;      // over the last ten seconds
  copy::measured copying;
  runtime::latency_counts index_commands;           // the destination's, for each createIndexes after the copy
  std::optional<std::int64_t> seconds_to_complete;  // nothing until there is a rate
  std::optional<std::int64_t> source_ping_ms;       // -1: the last ping failed
  std::optional<std::int64_t> destination_ping_ms;
  std::optional<std::int64_t> source_silent_seconds;  // since the last answer, while pings fail
  std::optional<std::int64_t> destination_silent_seconds;
  runtime::latency_counts source_pings, destination_pings;
  std::optional<runtime::host_load> host;  // while a run is under way
  std::int64_t retries = 0;                // of this process: whatever a lost connection or an election ended
  std::int64_t retry_horizon_seconds = 0;  // for so long a deployment may be out of reach before the run ends
  follow_progress follow;
  std::optional<verify::verify_figures> verification;  // of a run that compares both sides
  std::optional<accounts::account_report> accounts;    // once users and roles were brought over
  std::string pausing;                           // why a pause or commit is not there yet; empty when none is under way
  std::vector<std::string> warnings;             // with what to do about each
  std::optional<error> failure;                  // set with state::failed
  std::vector<collection_progress> collections;  // filled only when asked for
};

/// When indexes are built (the original's buildIndexes).
enum class index_building : std::uint8_t {
  after_data_copy,
  before_data_copy,
  exclude_hashed,
  exclude_hashed_after_copy,
  never
};
[[nodiscard]] std::string_view to_string(index_building when) noexcept;  // "afterDataCopy", ...
[[nodiscard]] std::optional<index_building> index_building_from(std::string_view text) noexcept;
[[nodiscard]] std::optional<write_blocking> write_blocking_from(std::string_view text) noexcept;

/// The body of POST /api/v1/start, validated.
struct start_request {
  std::string source;       // "cluster0" or "cluster1"
  std::string destination;  // the other one
  std::optional<index_building> build_indexes;
  std::optional<write_blocking> block_writes;  // nothing: the destination's, if the user may, with a warning if not
  // Rules as text (cluster::parse_rule); nothing: as the settings have it.
  std::optional<std::vector<std::string>> include{}, exclude{};
  std::optional<std::vector<cluster::remap>> remaps{};
  std::optional<cluster::document_filter> documents{};
  std::optional<cluster::sharding_choice> sharding{};  // of a destination that is a sharded cluster
  std::optional<bool> beside_others{};                 // the original's preExistingDestinationData
  std::optional<bool> users{};                         // users and custom roles come over, too
  std::optional<bool> skip_disk_space_check{};
  std::optional<bool> verify{};      // false: both sides are not compared
  std::optional<bool> reversible{};  // after the commit the direction may be turned around
};

/// What the HTTP API and the terminal talk to. Every member may be called from any thread and does not block.
class controls {
 public:
  virtual ~controls() = default;
  [[nodiscard]] virtual progress snapshot(bool with_collections) const = 0;
  /// IDLE → RUNNING. Error kind refused when the state does not allow it.
  [[nodiscard]] virtual result<> start(const start_request& request) = 0;
  /// What came of the last start(): nothing as long as the deployments are looked at; an error when they, or what was
  /// asked for, stood against it before anything was written: it is IDLE again then.
  [[nodiscard]] virtual std::optional<result<>> beginning() const { return ok(); }
  /// RUNNING → PAUSED once everything captured so far is applied (while the copy runs: at once, it goes on where it
  /// stopped). Errors as start's.
  [[nodiscard]] virtual result<> pause() = 0;
  /// PAUSED → RUNNING; FAILED → what it was: it tries again from where it stopped.
  [[nodiscard]] virtual result<> resume() = 0;
  /// RUNNING with can_commit, or PAUSED (which drains first) → COMMITTING → COMMITTED.
  [[nodiscard]] virtual result<> commit() = 0;
  /// COMMITTED, of a run that was begun as reversible → REVERSING → RUNNING, with source and destination swapped.
  [[nodiscard]] virtual result<> reverse() = 0;
};

}  // namespace sluice::session
