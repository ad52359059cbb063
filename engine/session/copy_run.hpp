// The sequence of one copy, from the first hello to the last view. Runs on the control lane; everything it decides is
// in the checkpoint, so that killed at any instruction it goes on when it is run again.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/balancer_stop.hpp"
#include "engine/session/copy_board.hpp"
#include "engine/session/copy_stage.hpp"
#include "engine/session/namespace_choice.hpp"
#include "engine/session/settings.hpp"
#include "engine/session/sides.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::session {

class copy_run {
 public:
  copy_run(boost::asio::any_io_executor control, copy_settings settings, labels names, copy_board& board,
           runtime::cancel_scope& scope)
      : control_(control),
        settings_(std::move(settings)),
        names_(std::move(names)),
        board_(board),
        scope_(scope),
        between_(control, settings_, board, scope),
        copying_(control, settings_, {}, between_, board),
        balancer_(between_, board, settings_.retry_time, scope) {}

  /// Until everything is there, or the first error that no retry helps. Cancelled by the scope.
  [[nodiscard]] task<result<>> run();

 private:
  [[nodiscard]] task<result<>> run_steps();
  [[nodiscard]] task<result<>> begin_or_resume();
  [[nodiscard]] task<result<>> plan_or_resume();
  [[nodiscard]] task<result<>> copy_all();
  [[nodiscard]] task<result<>> finish();

  boost::asio::any_io_executor control_;
  copy_settings settings_;
  labels names_;
  copy_board& board_;
  runtime::cancel_scope& scope_;

  sides between_;
  copy_stage copying_;
  balancer_stop balancer_;
  std::unique_ptr<sluice::state::checkpoint> checkpoint_;
  sluice::state::process_identity self_ = sluice::state::this_process();
  sluice::state::opened_run opened_;
  cluster::migration_scope choice_;
  std::vector<std::string> start_warnings_;
  bool lease_wanted_ = false;  // the lease may be this run's
};

}  // namespace sluice::session
