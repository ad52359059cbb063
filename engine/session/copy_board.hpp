// The board on which a run writes what it is doing, and from which snapshots are taken: the one place that both the
// control lane and other threads touch.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/cluster/catalog.hpp"
#include "engine/copy/copier.hpp"
#include "engine/copy/refused.hpp"
#include "engine/index/index_builder.hpp"
#include "engine/runtime/histogram.hpp"
#include "engine/session/progress.hpp"

namespace sluice::session {

class copy_board {
 public:
  // Written by the run, on the control lane.
  void set_state(state now);
  void set_phase(phase at);
  void set_names(std::string source, std::string destination);
  /// What a deployment said to the last ping, and for how long it has been silent while pings fail.
  struct reach {
    std::optional<std::int64_t> ping_ms;
    std::optional<std::int64_t> silent_seconds;
  };
  void set_reach(reach source, reach destination, std::chrono::seconds retry_horizon);
  void set_destination_written();
  void set_totals_unknown();
  void set_failure(error cause);
  /// A run begins, perhaps after one that failed: nothing is known of it yet.
  void clear();
  void add_warning(std::string text);
  /// Of this moment: they replace those of the last call, and the lasting ones above stay.
  void set_passing_warnings(std::vector<std::string> texts);
  void set_follow(follow_progress follow);
  /// Why a pause or a commit is not there yet; empty: none is under way.
  void set_waiting_for(std::string what);
  void set_can_write();
  void set_accounts(accounts::account_report report);
  void set_verification(std::optional<verify::verify_figures> figures);
  /// The run plans (anew): nobody looks at the counters any more until publish_catalog().
  void begin_again();
  /// From here on the counters below may be read: the catalog and both maps stay as they are.
  void publish_catalog(const cluster::catalog& catalog);
  /// Takes a point of the throughput; called about once a second.
  void sample();

  // Counted by the lanes.
  copy::counters_by_namespace counters;
  copy::refused_list refused;
  copy::measurements_by_lane measured;
  index::progress_by_namespace builds;
  runtime::latency_histogram index_commands;
  runtime::latency_histogram source_pings, destination_pings;

  [[nodiscard]] progress snapshot(bool with_collections) const;
  [[nodiscard]] state current_state() const;

 private:
  struct planned {
    std::string ns;
    std::string destination_ns;  // empty: the same
    const copy::collection_counters* copied;
    const index::build_progress* built;
    std::int64_t documents;
    std::int64_t bytes;
    std::int32_t indexes;
  };
  void add_collections(progress& to, bool with_collections) const;

  mutable std::mutex mutex_;
  progress told_;
  runtime::host_load_meter host_;
  std::vector<std::string> passing_warnings_;
  std::vector<planned> planned_;
  std::deque<std::pair<std::chrono::steady_clock::time_point, std::int64_t>> points_;  // time, bytes copied
};

}  // namespace sluice::session
