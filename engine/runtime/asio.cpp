// Asio's non-template code, compiled here once per backend and nowhere else.
#if defined(SLUICE_BACKEND_IO_URING)
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
#endif

#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
