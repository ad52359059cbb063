#include "engine/runtime/buffer_pool.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/mman.h>

#include "engine/runtime/limits.hpp"

namespace sluice::runtime {

namespace {

constexpr std::array<std::size_t, 6> class_bytes{64 * limits::kib, 256 * limits::kib, 1 * limits::mib,
                                                 4 * limits::mib,  17 * limits::mib,  34 * limits::mib};
static_assert(class_bytes[4] > limits::reply_bytes_max && class_bytes[5] > 2 * limits::reply_bytes_max &&
              class_bytes[5] == limits::lane_memory_min_bytes);

constexpr std::size_t page_bytes = 4 * limits::kib;
constexpr std::size_t huge_page_bytes = 2 * limits::mib;

std::size_t class_of(std::size_t bytes) noexcept {
  return static_cast<std::size_t>(std::ranges::lower_bound(class_bytes, bytes) - class_bytes.begin());
}

/// Memory that the kernel has found already, in huge pages as far as it has some: it copies into and out of those for
/// less (docs/performance.md, "Looking inside"). nullptr where there is no memory.
std::byte* map_touched(std::size_t bytes) noexcept {
  const std::size_t border = bytes < huge_page_bytes ? 0 : huge_page_bytes;
  void* mapped = ::mmap(nullptr, bytes + border, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* data = static_cast<std::byte*>(mapped);
  if (border != 0) {
    const std::size_t past = reinterpret_cast<std::uintptr_t>(data) % border;
    const std::size_t before = past == 0 ? 0 : border - past;
    if (before != 0) ::munmap(data, before);
    data += before;
    ::munmap(data + bytes, border - before);
    ::madvise(data, bytes, MADV_HUGEPAGE);  // refused where the kernel has none: nothing to do about it
  }
  // Whatever else it may answer: what it has not found now is found at the first use.
  if (::madvise(data, bytes, MADV_POPULATE_WRITE) != 0 && errno == EINVAL) {  // before Linux 5.14
    for (std::size_t at = 0; at < bytes; at += page_bytes) data[at] = std::byte{0};
  }
  return data;
}

}  // namespace

/// A coroutine in the queue: woken by its timer's cancellation, either with memory or cancelled.
struct buffer_pool::waiter {
  waiter(const boost::asio::any_io_executor& lane, std::size_t wanted) : size_class(wanted), wake(lane) {
    wake.expires_at(std::chrono::steady_clock::time_point::max());
  }
  std::size_t size_class;
  std::byte* granted = nullptr;
  bool cancelled = false;
  boost::asio::steady_timer wake;
};

buffer_pool::buffer_pool(boost::asio::any_io_executor lane, std::size_t budget_bytes)
    : lane_(std::move(lane)), budget_bytes_(std::max(budget_bytes, class_bytes[5])) {}

buffer_pool::~buffer_pool() {
  assert(in_use_bytes_ == 0 && waiters_.empty() && "buffers outlive their pool");
  for (std::size_t size_class = 0; size_class < class_count; ++size_class) {
    for (std::byte* data : free_[size_class]) ::munmap(data, class_bytes[size_class]);
  }
}

task<result<buffer>> buffer_pool::acquire(std::size_t capacity_bytes, cancel_scope& scope) {
  const std::size_t size_class = class_of(capacity_bytes);
  if (size_class >= class_count || class_bytes[size_class] > budget_bytes_) {
    co_return failure(error_kind::protocol, "a message of " + std::to_string(capacity_bytes) +
                                                " bytes does not fit into this lane's memory of " +
                                                std::to_string(budget_bytes_) + " bytes; raise --memory-mb");
  }
  if (scope.cancelled()) co_return failure(error_kind::cancelled, "cancelled while waiting for memory");
  if (waiters_.empty()) {
    if (std::byte* data = take(size_class); data != nullptr) co_return buffer(*this, data, class_bytes[size_class]);
  }

  waiter self(lane_, size_class);
  waiters_.push_back(&self);
  auto hook = scope.on_cancel([this, &self] {
    std::erase(waiters_, &self);
    if (self.granted == nullptr) self.cancelled = true;
    self.wake.cancel();
  });
  boost::system::error_code woken;
  co_await self.wake.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  if (self.granted != nullptr) co_return buffer(*this, self.granted, class_bytes[size_class]);
  std::erase(waiters_, &self);
  serve_waiters();  // this one may have stood in the way of smaller ones
  co_return failure(error_kind::cancelled, "cancelled while waiting for memory");
}

std::byte* buffer_pool::take(std::size_t size_class) noexcept {
  const std::size_t bytes = class_bytes[size_class];
  auto& free = free_[size_class];
  if (!free.empty()) {
    std::byte* data = free.back();  // the most recently used one: still in the cache
    free.pop_back();
    in_use_bytes_ += bytes;
    return data;
  }
  if (in_use_bytes_ + bytes > budget_bytes_) return nullptr;
  // Kept buffers of other sizes make room, the largest first.
  for (std::size_t other = class_count; other-- > 0 && mapped_bytes_ + bytes > budget_bytes_;) {
    while (!free_[other].empty() && mapped_bytes_ + bytes > budget_bytes_) {
      ::munmap(free_[other].back(), class_bytes[other]);
      free_[other].pop_back();
      mapped_bytes_ -= class_bytes[other];
    }
  }
  std::byte* data = map_touched(bytes);
  if (data == nullptr) return nullptr;
  mapped_bytes_ += bytes;
  in_use_bytes_ += bytes;
  ++maps_;
  return data;
}

void buffer_pool::release(std::byte* data, std::size_t capacity) noexcept {
  const std::size_t size_class = class_of(capacity);
  assert(size_class < class_count && class_bytes[size_class] == capacity && in_use_bytes_ >= capacity);
  in_use_bytes_ -= capacity;
  free_[size_class].push_back(data);
  serve_waiters();
}

void buffer_pool::serve_waiters() {
  while (!waiters_.empty()) {
    waiter& first = *waiters_.front();
    std::byte* data = take(first.size_class);
    if (data == nullptr) return;
    waiters_.pop_front();
    first.granted = data;
    first.wake.cancel();
  }
}

buffer_pool::usage buffer_pool::current() const noexcept {
  return {budget_bytes_, mapped_bytes_, in_use_bytes_, waiters_.size(), maps_};
}

}  // namespace sluice::runtime
