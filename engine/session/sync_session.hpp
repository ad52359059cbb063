// A live sync as the program sees it: a control lane, a run on it, and what may be asked of it from other threads.
#pragma once

#include <memory>
#include <optional>

#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"
#include "engine/session/settings.hpp"
#include "engine/session/sides.hpp"

namespace sluice::session {

/// What a call of start says wins over what the program was started with.
[[nodiscard]] sync_settings with_request(sync_settings settings, const start_request& request);

/// Every member may be called from any thread, none but wait() blocks (stop() of the destructor aside).
class sync_session final : public controls {
 public:
  /// IDLE: nothing is connected to before start_now(), start() or look_for_run(). `settings.copy.source_uri` belongs to
  /// `names.source`.
  sync_session(sync_settings settings, labels names);
  ~sync_session() override;
  sync_session(const sync_session&) = delete;
  sync_session& operator=(const sync_session&) = delete;

  /// INITIALIZING, while both deployments are looked at for a run that an earlier process began: that one goes on by
  /// itself, in the direction it had. There is none: IDLE; so while they cannot be asked, which is tried again until
  /// somebody starts a run.
  void look_for_run();

  /// The request says which label is the source; the other way round swaps the two.
  [[nodiscard]] result<> start(const start_request& request) override;
  [[nodiscard]] std::optional<result<>> beginning() const override;
  [[nodiscard]] result<> pause() override;
  [[nodiscard]] result<> resume() override;
  [[nodiscard]] result<> commit() override;
  [[nodiscard]] result<> reverse() override;
  /// Starts with the labels and settings as they are.
  [[nodiscard]] result<> start_now();
  [[nodiscard]] progress snapshot(bool with_collections) const override;

  /// Blocks until the run has ended, by a commit, an error or stop(); one that is begun again after that is waited for
  /// by another call.
  [[nodiscard]] result<> wait();
  /// Asks the run to end; what is done is kept for the next process. wait() then returns `cancelled`. Not for signal
  /// handlers.
  void stop();

 private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

}  // namespace sluice::session
