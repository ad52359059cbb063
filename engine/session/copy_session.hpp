// A copy as the program sees it: a control lane, a run on it, and what may be asked of it from other threads.
#pragma once

#include <memory>

#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"
#include "engine/session/settings.hpp"
#include "engine/session/sides.hpp"

namespace sluice::session {

/// Every member may be called from any thread, none but wait() blocks (stop() of the destructor aside).
class copy_session final : public controls {
 public:
  /// IDLE: nothing is connected to before start. `settings.source_uri` belongs to `names.source`.
  copy_session(copy_settings settings, labels names);
  ~copy_session() override;
  copy_session(const copy_session&) = delete;
  copy_session& operator=(const copy_session&) = delete;

  /// The request says which label is the source; the other way round swaps the two.
  [[nodiscard]] result<> start(const start_request& request) override;
  // A one-shot copy neither pauses nor commits.
  [[nodiscard]] result<> pause() override;
  [[nodiscard]] result<> resume() override;
  [[nodiscard]] result<> commit() override;
  [[nodiscard]] result<> reverse() override;
  /// The one-shot copy: starts with the labels as they are.
  [[nodiscard]] result<> start_now();
  [[nodiscard]] progress snapshot(bool with_collections) const override;

  /// Blocks until the run has ended; how it ended.
  [[nodiscard]] result<> wait();
  /// Asks the run to end; wait() then returns `cancelled`. Not for signal handlers.
  void stop();

 private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

}  // namespace sluice::session
