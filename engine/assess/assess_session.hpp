// An assessment as a program sees it: a lane of its own, begun and looked at from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/assess/assessment.hpp"
#include "engine/assess/service.hpp"
#include "engine/session/sides.hpp"

namespace sluice::assess {

/// One at a time. Every member may be called from any thread; none but wait() and the destructor blocks.
class assess_session {
 public:
  assess_session();
  ~assess_session();  // ends one that is under way
  assess_session(const assess_session&) = delete;
  assess_session& operator=(const assess_session&) = delete;

  /// Error (refused): one is under way.
  [[nodiscard]] result<> begin(assess_settings settings);
  [[nodiscard]] service_state look() const;
  /// Blocks until the one that was begun has ended.
  [[nodiscard]] result<report> wait();
  /// Not for signal handlers.
  void stop();

 private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

/// What the HTTP API begins and looks at. Sees neither the run beside it nor that run's connections.
class served_assessments final : public service {
 public:
  /// `run` and `names` as the session has them that is served beside this.
  served_assessments(session::sync_settings run, session::labels names, std::string why_epoll);

  [[nodiscard]] result<> begin(const std::optional<session::start_request>& wanted) override;
  [[nodiscard]] service_state look() const override;

 private:
  session::sync_settings run_;
  session::labels names_;
  std::string why_epoll_;
  assess_session at_work_;
};

}  // namespace sluice::assess
