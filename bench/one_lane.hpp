// Coroutines for a benchmark: several of them in turn on the calling thread, to their end.
#pragma once

#include <cstddef>
#include <exception>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "engine/runtime/result.hpp"

namespace sluice::bench {

class one_lane {
 public:
  [[nodiscard]] boost::asio::any_io_executor executor() { return context_.get_executor(); }

  /// Returns when all of them have ended; what else lives on the lane (a spool's housekeeping) goes on next time.
  template <class... Tasks>
  void run(Tasks... tasks) {
    std::size_t left = sizeof...(tasks);
    const auto ended = [this, &left](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
      if (--left == 0) context_.stop();
    };
    context_.restart();
    (boost::asio::co_spawn(context_, std::move(tasks), ended), ...);
    context_.run();
  }

 private:
  boost::asio::io_context context_{1};
};

/// What fails here is the benchmark's own mistake: says so and ends the program.
void must(const result<>& outcome);
template <class T>
[[nodiscard]] T must(result<T> outcome) {
  if (outcome.has_error()) must(result<>(std::move(outcome).error()));
  return std::move(outcome).value();
}

}  // namespace sluice::bench
