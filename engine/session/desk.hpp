// Where the operator's calls and the run meet: the lifecycle, for all threads.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "engine/session/lifecycle.hpp"

namespace sluice::session {

/// Any thread. After a call that changed what is wanted `wake` is called, on the caller's thread, without a lock.
class desk {
 public:
  explicit desk(std::function<void()> wake) : wake_(std::move(wake)) {}

  [[nodiscard]] state now() const {
    const std::scoped_lock lock(mutex_);
    return lifecycle_.now();
  }
  [[nodiscard]] wish wanted() const {
    const std::scoped_lock lock(mutex_);
    return lifecycle_.wanted();
  }

  // See lifecycle.
  [[nodiscard]] result<> start() {
    return call([](lifecycle& of) { return of.start(); });
  }
  [[nodiscard]] result<> pause() {
    return call([](lifecycle& of) { return of.pause(); });
  }
  [[nodiscard]] result<> resume() {
    return call([](lifecycle& of) { return of.resume(); });
  }
  [[nodiscard]] result<> commit(const std::string& obstacle) {
    return call([&obstacle](lifecycle& of) { return of.commit(obstacle.empty(), obstacle); });
  }
  [[nodiscard]] result<> reverse(bool reversible) {
    return call([reversible](lifecycle& of) { return of.reverse(reversible); });
  }
  void initializing() {
    tell([](lifecycle& of) { of.initializing(); });
  }
  void ready() {
    tell([](lifecycle& of) { of.ready(); });
  }
  void restored(wish earlier) {
    tell([earlier](lifecycle& of) { of.restored(earlier); });
  }
  [[nodiscard]] bool takes_up(wish earlier) {
    const std::scoped_lock lock(mutex_);
    return lifecycle_.takes_up(earlier);
  }
  void paused() {
    tell([](lifecycle& of) { of.paused(); });
  }
  void committed() {
    tell([](lifecycle& of) { of.committed(); });
  }
  void reversed() {
    tell([](lifecycle& of) { of.reversed(); });
  }
  void commit_refused() {
    tell([](lifecycle& of) { of.commit_refused(); });
  }
  void failed() {
    tell([](lifecycle& of) { of.failed(); });
  }

 private:
  template <class What>
  void tell(What what) {
    const std::scoped_lock lock(mutex_);
    what(lifecycle_);
  }
  template <class What>
  result<> call(What what) {
    result<> answer = ok();
    {
      const std::scoped_lock lock(mutex_);
      answer = what(lifecycle_);
    }
    if (answer) wake_();
    return answer;
  }

  mutable std::mutex mutex_;
  lifecycle lifecycle_;
  std::function<void()> wake_;
};

}  // namespace sluice::session
