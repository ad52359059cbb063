// Asio's non-template code, compiled here once per backend and nowhere else; with what Asio 1.24 gets wrong on
// io_uring.
#if defined(SLUICE_BACKEND_IO_URING)
#include <mutex>
#include <vector>

#include <boost/asio/detail/concurrency_hint.hpp>
#include <boost/asio/detail/io_uring_service.hpp>
#include <boost/asio/execution_context.hpp>
#include <liburing.h>

// The answer to a request to cancel is for nobody, but Asio 1.24 leaves it to liburing to say so, and liburing has not
// done that since 2.2: the request then carries the address of whichever operation had its place in the ring 16,384
// requests ago, and that operation is told that it has ended, with the result of the cancelling, while the kernel still
// writes into its memory.
static inline void sluice_prep_cancel(io_uring_sqe* request, void* what, int flags) {
  io_uring_prep_cancel(request, what, flags);
  io_uring_sqe_set_data(request, nullptr);
}
static inline void sluice_prep_timeout_remove(io_uring_sqe* request, __u64 what, unsigned flags) {
  io_uring_prep_timeout_remove(request, what, flags);
  io_uring_sqe_set_data(request, nullptr);
}
#define io_uring_prep_cancel sluice_prep_cancel
#define io_uring_prep_timeout_remove sluice_prep_timeout_remove
#include <boost/asio/detail/impl/io_uring_service.ipp>

// A socket that is closed gives its queues of operations back at once, while the kernel has yet to answer for the one
// that was under way. Taken by the next socket, they hold that operation still, but no longer that it was cancelled: it
// is begun anew, by the number of the descriptor, which by then is the next socket's. The dead connection's read takes
// bytes that are the new one's, and its write sends what nobody there expects. So queues are kept until they are empty.
namespace sluice::runtime {
namespace {

using io_service = boost::asio::detail::io_uring_service;
using io_object = io_service::per_io_object_data;

/// Names private members: access is not checked in an explicit instantiation.
template <class Tag, auto member>
struct reveal {
  friend constexpr auto revealed(Tag) { return member; }
};
struct queues_of_object {
  friend constexpr auto revealed(queues_of_object);
};
struct service_of_object {
  friend constexpr auto revealed(service_of_object);
};
struct operations_of_queue {
  friend constexpr auto revealed(operations_of_queue);
};
template struct reveal<queues_of_object, &io_service::io_object::queues_>;
template struct reveal<service_of_object, &io_service::io_object::service_>;
template struct reveal<operations_of_queue, &io_service::io_queue::op_queue_>;

bool is_under_way(io_object of) {
  for (auto& queue : of->*revealed(queues_of_object())) {
    if (!(queue.*revealed(operations_of_queue())).empty()) return true;
  }
  return false;
}

/// Those of one lane's closed sockets; looked through whenever it closes another one.
class kept_objects final : public boost::asio::execution_context::service {
 public:
  static inline boost::asio::execution_context::id id;
  explicit kept_objects(boost::asio::execution_context& of) : service(of) {}

  void free_ended(io_service& of) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(kept_, [&of](io_object& each) {
      if (is_under_way(each)) return false;
      of.cleanup_io_object(each);
      return true;
    });
  }
  void keep(io_object one) {
    const std::scoped_lock lock(mutex_);
    kept_.push_back(one);
  }

 private:
  void shutdown() override { kept_.clear(); }  // the service frees what it has given out

  std::mutex mutex_;
  std::vector<io_object> kept_;
};

/// `closed` if it may be freed now, else nothing.
io_object& freed_when_ended(io_object& closed) {
  if (closed == nullptr) return closed;
  io_service& of = *(closed->*revealed(service_of_object()));
  auto& kept = boost::asio::use_service<kept_objects>(of.context());
  kept.free_ended(of);
  if (is_under_way(closed)) {
    kept.keep(closed);
    closed = nullptr;
  }
  return closed;
}

}  // namespace
}  // namespace sluice::runtime
#define cleanup_io_object(closed) cleanup_io_object(sluice::runtime::freed_when_ended(closed))
#endif

#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
