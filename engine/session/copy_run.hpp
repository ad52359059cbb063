// The sequence of one copy, from the first hello to the last view. Runs on the control lane; everything it decides is
// in the checkpoint, so that killed at any instruction it goes on when it is run again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/plan/partitioner.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/copy_board.hpp"
#include "engine/session/settings.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::session {

/// What the operator calls the two sides: "source"/"destination", "cluster0"/"cluster1".
struct labels {
  std::string source = "source";
  std::string destination = "destination";
};

class copy_run {
 public:
  copy_run(boost::asio::any_io_executor control, copy_settings settings, labels names, copy_board& board,
           runtime::cancel_scope& scope)
      : control_(std::move(control)),
        settings_(std::move(settings)),
        names_(std::move(names)),
        board_(board),
        scope_(scope) {}

  /// Until everything is there, or the first error that no retry helps. Cancelled by the scope.
  [[nodiscard]] task<result<>> run();

 private:
  [[nodiscard]] task<result<>> find_both();
  [[nodiscard]] task<result<>> run_steps();
  [[nodiscard]] task<result<>> keep_pinging(runtime::cancel_scope& until);
  /// On every way out but success, which drops the checkpoint: the next process need not wait.
  [[nodiscard]] task<void> release_lease();
  [[nodiscard]] task<result<>> connect();
  [[nodiscard]] task<result<>> begin_or_resume();
  [[nodiscard]] task<result<>> read_source_catalog();
  [[nodiscard]] task<result<>> refuse_or_drop_existing(const std::vector<const cluster::collection_info*>& fresh);
  [[nodiscard]] task<result<>> plan_all();
  [[nodiscard]] task<result<>> resume_plan();
  [[nodiscard]] task<result<std::vector<plan::partition>>> cut(std::vector<const cluster::collection_info*> infos);
  [[nodiscard]] task<result<>> create_collections();
  [[nodiscard]] task<result<>> copy_data();
  /// Drops the copies of collections that the source no longer has: nothing told of those that were dropped behind
  /// their last batch.
  [[nodiscard]] task<result<>> drop_what_is_gone();
  [[nodiscard]] task<result<>> build_indexes();
  [[nodiscard]] task<result<>> create_views();
  [[nodiscard]] task<result<>> finish();
  void prepare_counters();
  void add_entry(plan::partition what, copy::position at);
  [[nodiscard]] std::vector<const cluster::collection_info*> data_collections() const;
  /// Those of them that the source has not lost so far.
  [[nodiscard]] std::vector<const cluster::collection_info*> living_collections() const;
  [[nodiscard]] std::size_t data_memory_bytes() const;
  [[nodiscard]] std::uint32_t lane_count() const;
  [[nodiscard]] std::uint32_t workers_per_lane() const;

  boost::asio::any_io_executor control_;
  copy_settings settings_;
  labels names_;
  copy_board& board_;
  runtime::cancel_scope& scope_;

  cluster::deployment source_;
  cluster::deployment destination_;
  std::unique_ptr<wire::connection> to_source_;
  std::unique_ptr<wire::connection> to_destination_;
  std::unique_ptr<sluice::state::checkpoint> checkpoint_;
  sluice::state::process_identity self_ = sluice::state::this_process();
  sluice::state::opened_run opened_;
  bool lease_wanted_ = false;  // the lease may be this run's
  cluster::catalog catalog_;
  plan::partitioning partitioning_;
  std::vector<copy::ledger::entry> entries_;
  std::vector<index::failed_index> failed_indexes_;
};

}  // namespace sluice::session
