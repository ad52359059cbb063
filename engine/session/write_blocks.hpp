// The writes of users that a run has the servers refuse: on the destination from the beginning to the commit, on the
// source from the commit on. What it turns on is noted in the checkpoint first, and turned off on every way out.
#pragma once

#include <optional>

#include <boost/asio/any_io_executor.hpp>

#include "engine/cluster/write_blocking.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/copy_board.hpp"
#include "engine/session/progress.hpp"
#include "engine/session/sides.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::session {

/// Lives on the control lane.
class write_blocks {
 public:
  write_blocks(boost::asio::any_io_executor control, sides& between, copy_board& board,
               std::chrono::milliseconds patience, runtime::cancel_scope& scope)
      : control_(std::move(control)), between_(between), board_(board), patience_(patience), scope_(scope) {}

  /// What is wanted, against what the deployments allow; `facts` are the run's. Nothing wanted: both, where the user
  /// may, the source only if it is migrated as a `whole` and knows users (without them its applications are whoever
  /// comes). A block that somebody else has set is named. Errors (refused): explicitly wanted and not possible, with
  /// the role that lacks; the destination refuses our own writes.
  [[nodiscard]] task<result<>> decide(std::optional<write_blocking> wanted, bool whole, bson::document facts);

  // Each does nothing where that side is not to be blocked, or is not blocked by us.
  [[nodiscard]] task<result<>> block_destination(sluice::state::checkpoint& notes);
  [[nodiscard]] task<result<>> block_source(sluice::state::checkpoint& notes);
  [[nodiscard]] task<result<>> lift_destination(sluice::state::checkpoint& notes);
  [[nodiscard]] task<result<>> lift_source(sluice::state::checkpoint& notes);
  /// After the commit: the source goes on refusing the writes of users, as with the original; turning that off is the
  /// operator's.
  void keep_source();
  /// For a run that ends without a commit, cancelled or not; what goes wrong is logged.
  [[nodiscard]] task<void> lift_all();

 private:
  [[nodiscard]] task<result<>> turn(cluster::deployment of, bool on);
  [[nodiscard]] task<result<>> block(cluster::deployment of, const char* fact, bool& is_on,
                                     sluice::state::checkpoint& notes);
  [[nodiscard]] task<result<>> lift(cluster::deployment of, const char* fact, bool& is_on,
                                    sluice::state::checkpoint& notes);

  boost::asio::any_io_executor control_;
  sides& between_;
  copy_board& board_;
  std::chrono::milliseconds patience_;
  runtime::cancel_scope& scope_;
  bool destination_wanted_ = false;
  bool source_wanted_ = false;
  bool destination_on_ = false;  // by this run
  bool source_on_ = false;
};

}  // namespace sluice::session
