// A lane: one thread and one io_context on its own ring, with everything that lives on it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include "engine/runtime/result.hpp"

namespace sluice::runtime {

/// What this build waits with: "io_uring" or "epoll".
[[nodiscard]] std::string_view backend_name() noexcept;

/// The thread starts with start() and ends with stop() (or the destructor), which lets running handlers return but
/// does not wait for coroutines: end those first (task_group, cancel_scope). Whatever lives on a lane is touched on its
/// thread only; others post.
class lane {
 public:
  /// `name` is the thread's name, at most 15 characters.
  explicit lane(std::string name);
  ~lane();
  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;

  void start();
  void stop();

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] boost::asio::any_io_executor executor() noexcept { return context_.get_executor(); }

 private:
  std::string name_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace sluice::runtime
