// The balancer of a destination that is a sharded cluster: it stands still from before the first document until the
// last is written, over restarts.
#pragma once

#include <chrono>

#include "bson/document.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/copy_board.hpp"
#include "engine/session/sides.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::session {

class balancer_stop {
 public:
  balancer_stop(sides& between, copy_board& board, std::chrono::milliseconds patience, runtime::cancel_scope& scope)
      : between_(between), board_(board), patience_(patience), scope_(scope) {}

  /// Stops it, where the destination has one, and notes in the run that this was our doing. `facts` are the run's.
  [[nodiscard]] task<result<>> begin(sluice::state::checkpoint& notes, bson::document facts);
  /// Starts it again, if begin() of this run has ever stopped it. That it cannot be started is a warning.
  [[nodiscard]] task<result<>> end();

 private:
  sides& between_;
  copy_board& board_;
  std::chrono::milliseconds patience_;
  runtime::cancel_scope& scope_;
  bool ours_ = false;
};

}  // namespace sluice::session
