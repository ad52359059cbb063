#include "tools/signal_watch.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace sluice::tools {

signal_watch::signal_watch() : signals_(-1), notifications_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGTERM, SIGWINCH, SIGUSR1}) ::sigaddset(&watched, signal);
  ::pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe or socket is an error of the write that met it
  signals_ = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0 || notifications_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
}

signal_watch::~signal_watch() {
  ::close(signals_);
  ::close(notifications_);
}

signal_watch::event signal_watch::wait(std::chrono::milliseconds at_most) {
  std::array<pollfd, 2> both{pollfd{signals_, POLLIN, 0}, pollfd{notifications_, POLLIN, 0}};
  // io_uring's completions may interrupt any call of a thread that has submitted something; a short wait is harmless.
  if (::poll(both.data(), both.size(), static_cast<int>(at_most.count())) <= 0) return event::timeout;
  signalfd_siginfo got{};
  if (::read(signals_, &got, sizeof got) == static_cast<ssize_t>(sizeof got)) {
    switch (got.ssi_signo) {
      case SIGWINCH:
        return event::resize;
      case SIGUSR1:
        return event::rotate_log;
      default:
        return event::interrupt;
    }
  }
  std::uint64_t count = 0;
  if (::read(notifications_, &count, sizeof count) == static_cast<ssize_t>(sizeof count)) return event::notified;
  return event::timeout;
}

void signal_watch::notify() {
  const std::uint64_t one = 1;
  while (::write(notifications_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

}  // namespace sluice::tools
