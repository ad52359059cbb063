// A session that is whatever a test says it is; calls are taken as the state machine of real sessions takes them.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "engine/session/lifecycle.hpp"
#include "engine/session/progress.hpp"

namespace sluice::http::test {

class fake_controls final : public session::controls {
 public:
  session::progress snapshot(bool with_collections) const override {
    const std::lock_guard guard(mutex_);
    session::progress told = now_;
    if (!with_collections) told.collections.clear();
    return told;
  }
  result<> start(const session::start_request& request) override {
    const std::lock_guard guard(mutex_);
    if (refusal_) return *refusal_;
    auto outcome = done(life_.start());
    if (outcome) started_.push_back(request);
    return outcome;
  }
  result<> pause() override {
    const std::lock_guard guard(mutex_);
    if (refusal_) return *refusal_;
    return done(life_.pause());
  }
  result<> resume() override {
    const std::lock_guard guard(mutex_);
    if (refusal_) return *refusal_;
    return done(life_.resume());
  }
  result<> commit() override {
    const std::lock_guard guard(mutex_);
    if (refusal_) return *refusal_;
    return done(life_.commit(now_.can_commit, "the copy is under way"));
  }

  result<> reverse() override {
    const std::lock_guard guard(mutex_);
    if (refusal_) return *refusal_;
    return done(life_.reverse(now_.reversible));
  }

  /// What a run that was paused, or committed, has come to.
  void drained() {
    const std::lock_guard guard(mutex_);
    life_.paused();
    now_.now = life_.now();
  }
  void committed() {
    const std::lock_guard guard(mutex_);
    life_.committed();
    now_.now = life_.now();
  }
  void commit_refused() {
    const std::lock_guard guard(mutex_);
    life_.commit_refused();
    now_.now = life_.now();
  }
  void can_commit(bool can) {
    const std::lock_guard guard(mutex_);
    now_.can_commit = can;
  }
  void reversible(bool can) {
    const std::lock_guard guard(mutex_);
    now_.reversible = can;
  }
  [[nodiscard]] session::wish wanted() const {
    const std::lock_guard guard(mutex_);
    return life_.wanted();
  }

  void set(session::progress now) {
    const std::lock_guard guard(mutex_);
    now_ = std::move(now);
  }
  void refuse_with(error why) {
    const std::lock_guard guard(mutex_);
    refusal_ = std::move(why);
  }
  [[nodiscard]] std::vector<session::start_request> started() const {
    const std::lock_guard guard(mutex_);
    return started_;
  }

 private:
  result<> done(result<> outcome) {
    if (outcome) now_.now = life_.now();
    return outcome;
  }

  mutable std::mutex mutex_;
  session::lifecycle life_;
  session::progress now_ = [] {
    session::progress idle;
    idle.now = session::state::idle;
    return idle;
  }();
  std::optional<error> refusal_;
  std::vector<session::start_request> started_;
};

}  // namespace sluice::http::test
