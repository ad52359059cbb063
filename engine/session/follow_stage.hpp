// Applies captured changes from a durable position on, as the operator wishes: goes on, drains and pauses, drains and
// commits. What a commit is made of is the caller's.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include <boost/asio/any_io_executor.hpp>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/apply_side.hpp"
#include "engine/session/copy_board.hpp"
#include "engine/session/desk.hpp"
#include "engine/session/sides.hpp"
#include "engine/session/wakeup.hpp"
#include "engine/session/write_blocks.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::session {

enum class follow_end : std::uint8_t {
  committed,
  torn,  // an election on the destination: begin again from the last durable position
};

/// Lives on the control lane.
class follow_stage {
 public:
  /// What the stage works with; outlives it.
  struct parts {
    sides& between;
    sluice::state::checkpoint& checkpoint;
    write_blocks& blocks;
    desk& operator_desk;
    copy_board& board;
    wakeup& news;  // the operator wants something else, or the run is cancelled
  };
  /// Everything up to the fence is applied and durable: turns the destination into what the source is. False: something
  /// has to be repaired first, and following goes on.
  using finish_commit = std::function<task<result<bool>>(runtime::cancel_scope&)>;

  follow_stage(boost::asio::any_io_executor control, parts with, apply_side& applying,
               std::chrono::milliseconds patience, finish_commit finish, runtime::cancel_scope& scope)
      : with_(with),
        applying_(applying),
        patience_(patience),
        finish_(std::move(finish)),
        scope_(scope),
        group_(std::move(control), scope) {}

  /// Until committed, torn, cancelled or an error.
  [[nodiscard]] task<result<follow_end>> run();

 private:
  [[nodiscard]] task<result<follow_end>> loop();
  [[nodiscard]] task<result<>> apply();
  /// The operator wants everything that is captured now applied, and then something else.
  [[nodiscard]] task<result<>> set_goal(wish wanted);
  /// The goal is reached. True: committed.
  [[nodiscard]] task<result<bool>> at_goal();
  [[nodiscard]] task<result<>> stay_paused();

  parts with_;
  apply_side& applying_;
  std::chrono::milliseconds patience_;
  finish_commit finish_;
  runtime::cancel_scope& scope_;
  runtime::task_group group_;
  std::optional<result<apply::apply_end>> ended_;
  bool goal_set_ = false;
};

}  // namespace sluice::session
