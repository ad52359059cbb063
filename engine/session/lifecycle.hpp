// Which call is taken in which state, and what the run is asked for by it: the state machine of the HTTP API, without
// threads or clocks. The run asks it what to do next and tells it what has come about.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"

namespace sluice::session {

/// What the operator wants of a run.
enum class wish : std::uint8_t { run, pause, commit };

class lifecycle {
 public:
  [[nodiscard]] state now() const noexcept { return now_; }
  [[nodiscard]] wish wanted() const noexcept { return wanted_; }

  // Calls of the operator. Error kind refused: the state does not allow it; the message names the state and what is
  // allowed in it.
  [[nodiscard]] result<> start();
  [[nodiscard]] result<> pause();
  [[nodiscard]] result<> resume();
  /// `can_commit`: what progress shows; `obstacle` says why not.
  [[nodiscard]] result<> commit(bool can_commit, const std::string& obstacle);
  [[nodiscard]] result<> reverse(bool reversible);

  // What the run tells.
  void initializing() noexcept;          // looks for a run that an earlier process left
  void ready() noexcept;                 // INITIALIZING, or a start that was refused → IDLE
  void restored(wish earlier) noexcept;  // a restart found a run that was paused or committing
  /// The same, before anything was begun here; false: somebody has begun a run.
  [[nodiscard]] bool takes_up(wish earlier) noexcept;
  void paused() noexcept;  // drained, or the copy has stopped
  void committed() noexcept;
  void reversed() noexcept;  // the other direction is followed
  /// A commit that met something to be repaired first: the run goes on following.
  void commit_refused() noexcept;
  void failed() noexcept;

 private:
  state now_ = state::idle;
  wish wanted_ = wish::run;
};

}  // namespace sluice::session
