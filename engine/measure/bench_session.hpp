// A bench as the program sees it: a control lane, a run on it, and what may be asked of it from other threads.
#pragma once

#include <memory>

#include "engine/measure/bench_run.hpp"

namespace sluice::measure {

/// Every member may be called from any thread, none but wait() blocks.
class bench_session {
 public:
  explicit bench_session(bench_settings settings);
  ~bench_session();  // after wait()
  bench_session(const bench_session&) = delete;
  bench_session& operator=(const bench_session&) = delete;

  void start();
  /// What it is doing now.
  [[nodiscard]] bench_news news() const;
  /// Blocks until everything is measured and cleaned up.
  [[nodiscard]] result<figures> wait();
  /// Asks for the end: cleans up, then wait() returns `cancelled`. Not for signal handlers.
  void stop();

 private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

/// clean_up() on a lane of its own, to its end.
[[nodiscard]] result<std::vector<std::string>> clean_up_now(bench_settings settings);

}  // namespace sluice::measure
