// A session that is whatever a test says it is.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "engine/session/progress.hpp"

namespace sluice::http::test {

class fake_controls final : public session::controls {
 public:
  session::progress snapshot(bool /*with_collections*/) const override {
    const std::lock_guard guard(mutex_);
    return now_;
  }
  result<> start(const session::start_request& request) override {
    const std::lock_guard guard(mutex_);
    if (refusal_) return *refusal_;
    if (now_.now != session::state::idle) {
      return failure(error_kind::refused, "start is taken in IDLE only; the state is RUNNING");
    }
    started_.push_back(request);
    now_.now = session::state::running;
    return ok();
  }
  result<> pause() override { return failure(error_kind::refused, "this fake does not pause"); }
  result<> resume() override { return failure(error_kind::refused, "this fake does not resume"); }
  result<> commit() override { return failure(error_kind::refused, "this fake does not commit"); }

  void set(session::progress now) {
    const std::lock_guard guard(mutex_);
    now_ = std::move(now);
  }
  void refuse_start_with(error why) {
    const std::lock_guard guard(mutex_);
    refusal_ = std::move(why);
  }
  [[nodiscard]] std::vector<session::start_request> started() const {
    const std::lock_guard guard(mutex_);
    return started_;
  }

 private:
  mutable std::mutex mutex_;
  session::progress now_ = [] {
    session::progress idle;
    idle.now = session::state::idle;
    return idle;
  }();
  std::optional<error> refusal_;
  std::vector<session::start_request> started_;
};

}  // namespace sluice::http::test
