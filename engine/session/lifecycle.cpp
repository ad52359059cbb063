#include "engine/session/lifecycle.hpp"

#include <string>

namespace sluice::session {

namespace {

std::string_view allowed_in(state now) {
  switch (now) {
    case state::initializing:
      return "only progress, until the program is ready";
    case state::idle:
      return "start";
    case state::running:
      return "pause, and commit once canCommit is true";
    case state::paused:
      return "resume and commit";
    case state::committing:
    case state::reversing:
      return "only progress";
    case state::committed:
      return "only progress, and reverse where the run was begun with \"reversible\"";
    case state::failed:
      return "resume, which goes on where it stopped; the error is in progress";
  }
  return "nothing";
}

error not_in(std::string_view call, state now) {
  return failure(error_kind::refused, std::string(call) + " is not taken in state " + std::string(to_string(now)) +
                                          "; allowed: " + std::string(allowed_in(now)));
}

}  // namespace

result<> lifecycle::start() {
  if (now_ != state::idle) return not_in("start", now_);
  now_ = state::running;
  wanted_ = wish::run;
  return ok();
}

result<> lifecycle::pause() {
  if (now_ != state::running) return not_in("pause", now_);
  wanted_ = wish::pause;  // asking twice changes nothing
  return ok();
}

result<> lifecycle::resume() {
  if (now_ == state::running && wanted_ == wish::pause) {
    return failure(error_kind::refused, "resume is not taken before PAUSED is reached; the pause is still under way");
  }
  if (now_ == state::failed && wanted_ == wish::commit) {
    now_ = state::committing;
    return ok();
  }
  if (now_ != state::paused && now_ != state::failed) return not_in("resume", now_);
  now_ = state::running;
  wanted_ = wish::run;
  return ok();
}

result<> lifecycle::commit(bool can_commit, const std::string& obstacle) {
  if (now_ == state::running && wanted_ == wish::pause) {
    return failure(error_kind::refused, "commit is not taken while a pause is under way; wait for PAUSED");
  }
  if (now_ != state::running && now_ != state::paused) return not_in("commit", now_);
  if (!can_commit) {
    return failure(error_kind::refused, "commit is not possible yet: " + obstacle + "; wait until canCommit is true");
  }
  now_ = state::committing;
  wanted_ = wish::commit;
  return ok();
}

result<> lifecycle::reverse(bool reversible) {
  if (now_ != state::committed) return not_in("reverse", now_);
  if (!reversible) {
    return failure(error_kind::refused,
                   "this run cannot be reversed: it was not begun with \"reversible\": true; to go back, begin another "
                   "run the other way round");
  }
  now_ = state::reversing;
  wanted_ = wish::run;
  return ok();
}

void lifecycle::initializing() noexcept {
  now_ = state::initializing;
}

void lifecycle::ready() noexcept {
  now_ = state::idle;
  wanted_ = wish::run;
}

void lifecycle::restored(wish earlier) noexcept {
  wanted_ = earlier;
  now_ = earlier == wish::commit ? state::committing : state::running;
}

bool lifecycle::takes_up(wish earlier) noexcept {
  if (now_ != state::initializing && now_ != state::idle) return false;
  restored(earlier);
  return true;
}

void lifecycle::paused() noexcept {
  if (wanted_ == wish::pause) now_ = state::paused;
}

void lifecycle::committed() noexcept {
  now_ = state::committed;
}

void lifecycle::reversed() noexcept {
  if (now_ == state::reversing) now_ = state::running;
}

void lifecycle::commit_refused() noexcept {
  now_ = state::running;
  wanted_ = wish::run;
}

void lifecycle::failed() noexcept {
  now_ = state::failed;
}

}  // namespace sluice::session
