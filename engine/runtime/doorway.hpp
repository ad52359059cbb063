// The way into a lane from another thread, when the lane may end as soon as it has what it waits for.
#pragma once

#include <mutex>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

namespace sluice::runtime {

/// One of each context. Asio's own post() is not enough here: it wakes the other thread first and looks at the context
/// once more afterwards, when that thread may have ended what it ran, and the context with it. This one lets no context
/// end while somebody stands in its door.
class doorway final : public boost::asio::execution_context::service {
 public:
  using key_type = doorway;
  static inline boost::asio::execution_context::id id;

  explicit doorway(boost::asio::execution_context& of) : service(of) {}

  /// Of `home`'s context. To be asked while that cannot end: on its own thread.
  [[nodiscard]] static doorway& of(const boost::asio::any_io_executor& home) {
    return boost::asio::use_service<doorway>(boost::asio::query(home, boost::asio::execution::context));
  }

  /// From any thread.
  template <class Handler>
  void enter(const boost::asio::any_io_executor& home, Handler what) {
    const std::scoped_lock within(mutex_);
    boost::asio::post(home, std::move(what));
  }

 private:
  void shutdown() noexcept override { const std::scoped_lock empty(mutex_); }

  std::mutex mutex_;
};

}  // namespace sluice::runtime
