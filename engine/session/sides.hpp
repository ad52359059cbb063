// The two deployments of a run: found, connected to, and pinged as long as it lasts.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
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

/// Lives on the control lane; outlives what it has made.
class sides {
 public:
  sides(boost::asio::any_io_executor control, const copy_settings& settings, copy_board& board,
        runtime::cancel_scope& scope)
      : control_(std::move(control)), settings_(settings), board_(board), scope_(scope) {}

  /// Looks for both, and whether one may be copied into the other. First of all.
  [[nodiscard]] task<result<>> find(labels names);
  /// Opens a connection to each primary, and checks what we may do there. May be repeated.
  [[nodiscard]] task<result<>> connect();
  /// What it meets is shown and never an error.
  [[nodiscard]] task<result<>> keep_pinging(runtime::cancel_scope& until);
  /// Once connected, before anything is written: whether the destination's disk has room for `to_copy` (a catalog with
  /// its sizes), and the source lets it be read. Errors (refused): what is in the way and how to go on.
  [[nodiscard]] task<result<>> check_what_would_fail_later(cluster::catalog to_copy);
  /// Of two sharded clusters: gives each collection of the source's catalog the key that it is sharded by there.
  [[nodiscard]] task<result<>> take_shard_keys(cluster::catalog& into);
  /// A connection to the source's primary of now, with the run's patience.
  [[nodiscard]] task<result<std::unique_ptr<wire::connection>>> open_source();
  [[nodiscard]] task<result<std::unique_ptr<wire::connection>>> open_destination();
  /// Of a destination that is a sharded cluster: to each mongos of its URI that answers at once.
  [[nodiscard]] task<std::vector<std::unique_ptr<wire::connection>>> open_routers();
  [[nodiscard]] std::unique_ptr<sluice::state::checkpoint> make_checkpoint();
  /// On every way out but success: the next process need not wait for the lease's end. With a scope and connections of
  /// its own, since the run's may be cancelled; what goes wrong is told and never the outcome.
  [[nodiscard]] task<void> release_lease(sluice::state::process_identity self);

  cluster::deployment source;
  cluster::deployment destination;
  std::unique_ptr<wire::connection> to_source;
  std::unique_ptr<wire::connection> to_destination;

 private:
  boost::asio::any_io_executor control_;
  const copy_settings& settings_;
  copy_board& board_;
  runtime::cancel_scope& scope_;
};

/// Runs `work` with a scope of its own that is cancelled after `limits::release_time`: for what must be tried on the
/// way out of a run that was cancelled itself.
[[nodiscard]] task<result<>> within_release_time(boost::asio::any_io_executor control,
                                                 std::function<task<result<>>(runtime::cancel_scope&)> work);

}  // namespace sluice::session
