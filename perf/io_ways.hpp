// What it costs to move bytes from one socket to another, or onto a disk, by each way that Linux offers: the ground on
// which the engine's way was chosen. Knows nothing of MongoDB and nothing of the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <liburing.h>

namespace sluice::perf {

inline constexpr std::size_t message_bytes = std::size_t{16} << 20U;

struct way_cost {
  std::string name;
  std::string why_not;  // the kernel refuses it: nothing was measured
  double wall_seconds = 0;
  double user_seconds = 0;
  double system_seconds = 0;  // of the mover, with the kernel's threads that work for its ring
  std::uint64_t calls = 0;    // system calls of the mover
};

/// Page-aligned memory whose pages are there; huge pages where asked for and given. The mapping goes with the process:
/// a measuring program maps a handful.
class memory {
 public:
  explicit memory(std::size_t bytes, bool huge = false);
  ~memory() = default;
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

 private:
  std::byte* data_;
  std::size_t bytes_;
};

/// A ring that counts how often the kernel is entered. Ends the process with a message when the kernel fails it.
class counting_ring {
 public:
  explicit counting_ring(unsigned flags = 0);
  ~counting_ring();
  counting_ring(const counting_ring&) = delete;
  counting_ring& operator=(const counting_ring&) = delete;

  [[nodiscard]] bool refused() const noexcept { return refused_ != 0; }
  [[nodiscard]] std::string why() const;
  io_uring_sqe* next();
  /// Submits what was prepared and waits for one completion: its user data, result and flags.
  struct completion {
    std::uint64_t id = 0;
    int result = 0;
    unsigned flags = 0;
  };
  completion wait();
  io_uring* get() noexcept { return &ring_; }
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }

 private:
  io_uring ring_{};
  int refused_ = 0;
  std::uint64_t calls_ = 0;
};

/// Seconds of this process so far.
struct process_cpu {
  double user_seconds = 0;
  double system_seconds = 0;
};
[[nodiscard]] process_cpu cpu_now();

/// Every way between two sockets, `bytes` each, `socket_buffer_bytes` (0: the system's) as SO_RCVBUF and SO_SNDBUF.
[[nodiscard]] std::vector<std::string_view> socket_ways();
[[nodiscard]] way_cost move_between_sockets(std::string_view way, std::uint64_t bytes, int socket_buffer_bytes);

/// Every way onto a file in `folder`.
[[nodiscard]] std::vector<std::string_view> file_ways();
[[nodiscard]] way_cost write_to_file(std::string_view way, std::uint64_t bytes, const std::string& folder);

}  // namespace sluice::perf
