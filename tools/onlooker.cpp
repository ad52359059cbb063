#include "tools/onlooker.hpp"

#include <algorithm>
#include <thread>

#include <unistd.h>

#include "tools/exit_code.hpp"
#include "tools/progress_log.hpp"
#include "tools/progress_view.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto redraw_interval = 200ms;  // quick enough for a bar, a thousandth of a core
constexpr auto line_interval = 5s;

}  // namespace

onlooker::onlooker(const char* component, const session_calls& run, signal_watch& signals, log_output& log_to,
                   bool live)
    : component_(component), run_(run), signals_(signals), log_to_(log_to) {
  if (live) {
    display_.emplace(STDERR_FILENO);
    log_to_.write_lines_through([this](std::string_view line) { display_->print_above(line); });
  }
}

onlooker::~onlooker() {
  if (!display_) return;
  log_to_.write_lines_through(nullptr);
  display_->clear();
}

void onlooker::watch() {
  for (;;) {
    const auto until_next = std::chrono::ceil<std::chrono::milliseconds>(next_ - clock::now());
    switch (signals_.wait(std::max(until_next, 0ms))) {
      case signal_watch::event::notified:
        return;
      case signal_watch::event::interrupt:
        interrupt();
        break;
      case signal_watch::event::resize:
        next_ = clock::now();
        break;
      case signal_watch::event::rotate_log:
        log_to_.rotate();
        break;
      case signal_watch::event::timeout:
        break;
    }
    if (clock::now() >= next_) tell();
  }
}

void onlooker::tell() {
  const clock::time_point now = clock::now();
  if (display_) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now - begin_);
    display_->show(progress_lines(run_.snapshot(true), elapsed, display_->size()));
    next_ = now + redraw_interval;
    return;
  }
  if (now > begin_ + line_interval / 2) {
    log_progress(component_, run_.snapshot(false));
  }
  next_ = now + line_interval;
}

void onlooker::interrupt() {
  if (interrupted_) {
    if (display_) display_->clear();
    ::_exit(static_cast<int>(exit_code::interrupted));
  }
  interrupted_ = true;
  log(log_level::warn, component_,
      "Stopping; what is done is kept for the next run with the same flags. Interrupt again to end at once");
  run_.stop();
}

watched_end watch_until_end(const char* component, const session_calls& run, signal_watch& signals, log_output& log_to,
                            bool live) {
  watched_end end;
  end.outcome = run.start();
  if (!end.outcome) return end;
  onlooker eyes(component, run, signals, log_to, live);
  std::thread waiting([&] {
    end.outcome = run.wait();
    signals.notify();
  });
  eyes.watch();
  waiting.join();
  end.interrupted = eyes.interrupted();
  return end;
}

}  // namespace sluice::tools
