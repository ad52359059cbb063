// The sequence of one live sync: the moment from which changes count, the copy, the indexes, the changes, the commit.
// Runs on the control lane. Everything it decides is in the checkpoint, so that killed at any instruction it goes on
// when it is run again.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "engine/capture/start_time.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/apply_side.hpp"
#include "engine/session/balancer_stop.hpp"
#include "engine/session/capture_side.hpp"
#include "engine/session/copy_stage.hpp"
#include "engine/session/desk.hpp"
#include "engine/session/follow_figures.hpp"
#include "engine/session/follow_stage.hpp"
#include "engine/session/namespace_choice.hpp"
#include "engine/session/sides.hpp"
#include "engine/session/verify_side.hpp"
#include "engine/session/wakeup.hpp"
#include "engine/session/write_blocks.hpp"

namespace sluice::session {

class sync_run {
 public:
  sync_run(boost::asio::any_io_executor control, sync_settings settings, labels names, desk& operator_desk,
           copy_board& board, runtime::cancel_scope& scope);

  /// Until committed, or the first error that no retry helps. Cancelled by the scope.
  [[nodiscard]] task<result<>> run();
  /// The operator wants something else. On the control lane.
  void wake();

 private:
  // sync_run.cpp
  [[nodiscard]] task<result<>> run_steps();
  [[nodiscard]] task<result<>> begin_or_resume();
  [[nodiscard]] task<result<>> begin(bool exists);
  [[nodiscard]] task<result<>> restore();
  [[nodiscard]] task<result<>> remember_accounts();
  [[nodiscard]] task<result<>> remember_verification();
  void be_considerate();
  [[nodiscard]] task<result<>> note_what_is_there();
  [[nodiscard]] task<result<>> load_what_was_there();
  [[nodiscard]] task<result<>> work_until_committed();
  [[nodiscard]] task<result<sluice::state::position>> where_to_begin();
  /// From a durable place in the oplog on; true: committed.
  [[nodiscard]] task<result<bool>> round();
  [[nodiscard]] task<result<>> work(capture_side& captured, sluice::state::position at, runtime::cancel_scope& scope,
                                    std::optional<follow_end>& end);
  [[nodiscard]] task<result<>> copy(runtime::cancel_scope& scope);
  [[nodiscard]] task<result<apply::collection_map>> map_of_what_is_there();
  [[nodiscard]] task<result<>> wait_while_paused(runtime::cancel_scope& scope);
  [[nodiscard]] task<result<follow_end>> follow(capture_side& captured, sluice::state::position at,
                                                runtime::cancel_scope& scope);
  [[nodiscard]] task<result<apply::checkpoint_verdict>> store(apply::checkpoint_request asked);

  // sync_commit.cpp
  [[nodiscard]] task<result<bool>> finish_commit(runtime::cancel_scope& scope);
  [[nodiscard]] task<result<>> compare_what_is_left();
  [[nodiscard]] task<result<>> give_up_commit();

  // sync_verify.cpp
  void begin_verifying();
  [[nodiscard]] bool is_close_behind() const;

  // sync_reverse.cpp
  [[nodiscard]] result<> check_reversible();
  [[nodiscard]] task<result<>> note_way_back();
  [[nodiscard]] task<result<>> begin_reversed(bool opened);
  [[nodiscard]] task<result<>> forget_earlier();

  // sync_figures.cpp
  [[nodiscard]] task<result<>> keep_telling(runtime::cancel_scope& until);
  [[nodiscard]] task<result<>> keep_looking_at_oplog(runtime::cancel_scope& until);
  void tell();
  [[nodiscard]] std::vector<std::string> passing_warnings() const;

  [[nodiscard]] const cluster::namespace_filter& filter() const noexcept { return choice_.filter; }
  [[nodiscard]] sluice::state::run_parameters parameters() const;
  static constexpr const char* map_mark_id = "whole";
  [[nodiscard]] static bson::document map_mark();

  boost::asio::any_io_executor control_;
  sync_settings settings_;
  labels names_;
  desk& desk_;
  copy_board& board_;
  runtime::cancel_scope& scope_;
  wakeup news_;

  sides between_;
  copy_stage copying_;
  write_blocks blocks_;
  balancer_stop balancer_;
  std::unique_ptr<sluice::state::checkpoint> checkpoint_;
  sluice::state::process_identity self_ = sluice::state::this_process();
  sluice::state::opened_run opened_;
  cluster::migration_scope choice_;
  std::vector<std::string> start_warnings_;
  bool lease_wanted_ = false;  // the lease may be this run's
  capture::capture_way way_ = capture::capture_way::automatic;
  capture::start_time begins_;
  std::string run_id_;

  // Counted by the lanes.
  capture::capture_counters captured_;
  apply::apply_counters applied_;
  apply::apply_position position_;
  capture_side* capturing_ = nullptr;  // while there is one
  bool applying_ = false;
  follow_figures figures_;
  std::optional<bson::timestamp> oplog_first_;
  std::vector<std::string> commit_complaints_;  // of the last commit that could not be finished
  std::unique_ptr<verify_side> verifying_;      // from the first changes on, where both sides are compared
};

/// When the operator's choice has indexes built, and which.
[[nodiscard]] copy_purpose purpose_of(index_building when);

}  // namespace sluice::session
