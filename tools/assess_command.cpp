#include "tools/assess_command.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <thread>

#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/assess/assess_session.hpp"
#include "engine/http/assessment_json.hpp"
#include "tools/assess_text.hpp"
#include "tools/io_backend.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto wait_interval = 10s;  // nothing is done in between; poll just wants a number
constexpr std::size_t columns_without_terminal = 100;

std::size_t output_columns() {
  winsize size{};
  const bool known = ::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : columns_without_terminal;
}

/// True: it was interrupted, and told to stop.
bool wait_for_the_end(assess::assess_session& at_work, signal_watch& signals, log_output& log_to) {
  bool interrupted = false;
  for (;;) {
    switch (signals.wait(wait_interval)) {
      case signal_watch::event::notified:
        return interrupted;
      case signal_watch::event::interrupt:
        interrupted = true;
        at_work.stop();
        break;
      case signal_watch::event::rotate_log:
        log_to.rotate();
        break;
      case signal_watch::event::resize:
      case signal_watch::event::timeout:
        break;
    }
  }
}

}  // namespace

exit_code run_assess(const assess_options& options, signal_watch& signals, log_output& log_to) {
  assess::assess_session at_work;
  const result<> begun = at_work.begin({options.settings, why_epoll()});
  static_cast<void>(begun);  // nobody else has begun one
  std::optional<result<assess::report>> outcome;
  std::thread waiting([&] {
    outcome = at_work.wait();
    signals.notify();
  });
  const bool interrupted = wait_for_the_end(at_work, signals, log_to);
  waiting.join();
  if (outcome->has_error()) {
    if (interrupted) return exit_code::interrupted;
    std::cerr << "sluice: " << outcome->error().message << "\n";
    return outcome->error().kind == error_kind::configuration ? exit_code::usage : exit_code::failed;
  }
  const assess::report& found = outcome->value();
  std::fputs((options.json ? http::assessment_json(found) + "\n" : "\n" + assess_text(found, output_columns())).c_str(),
             stdout);
  std::fflush(stdout);
  return verdict_of(found) == assess::level::failure ? exit_code::failed : exit_code::everything_is_there;
}

}  // namespace sluice::tools
