// The steps from the plan to the last index and view, as a one-shot copy and a live sync take them. Everything it
// decides is in the checkpoint, so that killed at any instruction it goes on when it is run again.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/index_spec.hpp"
#include "engine/cluster/migration_scope.hpp"
#include "engine/copy/ledger.hpp"
#include "engine/plan/partitioner.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/copy_board.hpp"
#include "engine/session/settings.hpp"
#include "engine/session/sides.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::session {

/// What the copy is for.
struct copy_purpose {
  /// The source's changes are applied afterwards: bounds of capped collections stay wide, nothing that the source drops
  /// meanwhile is looked for, and indexes are what `indexes` leaves of them.
  bool followed = false;
  cluster::index_policy indexes;
  bool indexes_first = false;
};

/// Lives on the control lane.
class copy_stage {
 public:
  copy_stage(boost::asio::any_io_executor control, const copy_settings& settings, copy_purpose purpose, sides& between,
             copy_board& board)
      : control_(std::move(control)), settings_(settings), purpose_(purpose), between_(between), board_(board) {}

  /// The source's catalog and what of it is migrated; to be called before plan() and resume(), which may change it.
  /// Errors: as cluster::narrow's.
  [[nodiscard]] result<> set_catalog(cluster::catalog catalog, cluster::migration_scope scope);
  [[nodiscard]] const cluster::catalog& catalog() const noexcept { return catalog_; }

  /// Errors (refused): the destination holds collections of the catalog already, or cannot take one of them as it is.
  /// With settings.drop the former are dropped, with settings.drop_gone what the scope covers and the catalog does not
  /// have is, too.
  [[nodiscard]] task<result<>> refuse_or_drop_existing();
  /// Cuts all collections and stores the partitions; the run's phase is `copying` afterwards.
  [[nodiscard]] task<result<>> plan(sluice::state::checkpoint& to);
  /// Goes on with what an earlier process stored.
  [[nodiscard]] task<result<>> resume(sluice::state::checkpoint& from, const sluice::state::opened_run& opened);

  /// Collections, data, indexes, views; the run's phase is `indexing` once the data is there. Cancelled by `scope`;
  /// resume() comes before another try.
  [[nodiscard]] task<result<>> copy(sluice::state::checkpoint& to, const sluice::state::opened_run& opened,
                                    runtime::cancel_scope& scope);
  /// What the destination would not take, of collections that the source still has; empty when everything is there.
  /// While changes are applied, an index is no part of it: the commit builds it.
  [[nodiscard]] std::string missing() const;

 private:
  using infos = std::vector<const cluster::collection_info*>;

  [[nodiscard]] task<result<>> refuse_or_drop(infos fresh);
  [[nodiscard]] task<result<>> drop_gone();
  [[nodiscard]] result<> check_what_sleeps() const;
  [[nodiscard]] task<result<>> check_zones();
  void begin_again();
  [[nodiscard]] task<result<>> choose_partitioning();
  [[nodiscard]] task<result<std::vector<plan::partition>>> cut(infos of);
  [[nodiscard]] task<result<>> create_collections(runtime::cancel_scope& scope);
  /// `step` with a connection to each side, again after elections and lost connections.
  [[nodiscard]] task<result<>> over_both(std::function<task<result<>>(wire::connection&, wire::connection&)> step,
                                         runtime::cancel_scope& scope);
  [[nodiscard]] task<result<>> copy_data(sluice::state::checkpoint& to, const sluice::state::opened_run& opened,
                                         runtime::cancel_scope& scope);
  /// Drops the copies of collections that the source no longer has: nothing told of those that were dropped behind
  /// their last batch.
  [[nodiscard]] task<result<>> drop_what_is_gone(runtime::cancel_scope& scope);
  [[nodiscard]] task<result<>> build_indexes(runtime::cancel_scope& scope);
  [[nodiscard]] task<result<>> create_views(runtime::cancel_scope& scope);
  void prepare_counters();
  void add_entry(plan::partition what, copy::position at);
  [[nodiscard]] infos data_collections() const;
  /// Those of them that the source has not lost so far.
  [[nodiscard]] infos living_collections() const;
  [[nodiscard]] std::size_t data_memory_bytes() const;
  [[nodiscard]] std::uint32_t lane_count() const;
  [[nodiscard]] std::uint32_t workers_per_lane() const;

  boost::asio::any_io_executor control_;
  const copy_settings& settings_;
  copy_purpose purpose_;
  sides& between_;
  copy_board& board_;
  cluster::migration_scope scope_;
  cluster::catalog catalog_;
  plan::partitioning partitioning_;
  std::vector<copy::ledger::entry> entries_;
  std::vector<index::failed_index> failed_indexes_;
  sluice::state::write_permission may_write_;  // of the run whose collections are being copied
};

}  // namespace sluice::session
