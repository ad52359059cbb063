// The memory of the data path, and its backpressure: no free bytes, no read.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "engine/runtime/buffer.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::runtime {

/// Buffers of one lane within a fixed byte budget. Memory is mapped and pre-faulted on first use, handed out again
/// afterwards (fresh pages cost 0.6 s per GB in faults and zeroing), and given back to the kernel only when another
/// size needs the room. Requests are served in order of arrival, so a large one is not starved by small ones.
///
/// Used on its lane only. Buffers must be released before the pool is destroyed (asserted).
class buffer_pool final : public buffer_owner {
 public:
  /// `budget_bytes` is raised to what one largest message needs (limits.hpp) if it is smaller.
  buffer_pool(boost::asio::any_io_executor lane, std::size_t budget_bytes);
  ~buffer_pool();
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  /// Waits until `capacity_bytes` (rounded up to a size class) fit into the budget. Errors: cancelled; protocol if the
  /// request is larger than the whole budget. Cancelled by `scope`.
  [[nodiscard]] task<result<buffer>> acquire(std::size_t capacity_bytes, cancel_scope& scope);

  struct usage {
    std::size_t budget_bytes = 0;
    std::size_t mapped_bytes = 0;  // resident, in use or kept for reuse
    std::size_t in_use_bytes = 0;
    std::size_t waiting = 0;  // coroutines that wait for memory
    std::uint64_t maps = 0;   // times that memory was taken from the kernel; constant in the steady state
  };
  [[nodiscard]] usage current() const noexcept;

  void release(std::byte* data, std::size_t capacity) noexcept override;

 private:
  struct waiter;
  /// 64 KiB, 256 KiB, 1 MiB, 4 MiB, 17 MiB, 34 MiB: a power of four apart, then what the two largest replies need
  /// (a cursor batch; a compressed one beside what it unpacks to).
  static constexpr std::size_t class_count = 6;

  [[nodiscard]] std::byte* take(std::size_t size_class) noexcept;
  void serve_waiters();

  boost::asio::any_io_executor lane_;
  std::size_t budget_bytes_;
  std::size_t mapped_bytes_ = 0;
  std::size_t in_use_bytes_ = 0;
  std::uint64_t maps_ = 0;
  std::array<std::vector<std::byte*>, class_count> free_;
  std::deque<waiter*> waiters_;
};

}  // namespace sluice::runtime
