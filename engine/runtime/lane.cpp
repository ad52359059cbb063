#include "engine/runtime/lane.hpp"

#include <boost/asio/steady_timer.hpp>
#include <pthread.h>
#include <signal.h>

#include "engine/runtime/lane_roll.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/out_of_memory.hpp"

namespace sluice::runtime {

namespace {

constexpr auto ring_patience = std::chrono::seconds(10);

}  // namespace

std::string_view backend_name() noexcept {
#if defined(SLUICE_BACKEND_IO_URING)
  return "io_uring";
#else
  return "epoll";
#endif
}

// One thread runs the context, so its own locks can go (hint 1); other threads post, which stays safe with hint 1.
lane::lane(std::string name) : name_(std::move(name)), context_(1), work_(context_.get_executor()) {
  // Asio opens a context's ring with the first object that needs it, wherever that is: here it can be tried again.
  try {
    retry_out_of_memory([this] { const boost::asio::steady_timer opens_the_ring(context_); }, ring_patience);
  } catch (const std::exception& fault) {
    log(log_level::fatal, "runtime",
        "The kernel gives no ring for another lane; free some memory, or run with --io epoll",
        {{"lane", name_}, {"cause", std::string_view(fault.what())}});
    throw;
  }
}

lane::~lane() {
  stop();
}

void lane::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), name_.c_str());
    // Signals belong to the main thread.
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    context_.run();
  });
  enter_roll(name_, context_);
}

void lane::stop() {
  leave_roll(context_);
  work_.reset();
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace sluice::runtime
