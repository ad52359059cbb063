// A file that a coroutine reads and writes without blocking its lane: through the lane's own ring where the build has
// one, everything else (opening, truncating, syncing; with epoll also reading and writing) on a disk lane, a lane whose
// thread may wait for a disk. Never cached, never buffered here: what is handed in is what the kernel gets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

#include "engine/runtime/result.hpp"

namespace sluice::runtime {

/// "<path>: <doing>: <cause> (<what to do>)", kind storage. `cause` is an errno.
[[nodiscard]] error storage_failure(const std::filesystem::path& path, std::string_view doing, int cause);

/// Lives on the lane that it was opened for. One operation at a time and place: the caller sees to it that a range is
/// not read and written at once. Nothing interrupts an operation: a disk answers, and the memory must stay until then.
/// Errors (storage) name the path, the cause and what to do.
class file {
 public:
  enum class access : std::uint8_t {
    read,    // must exist
    write,   // must exist
    create,  // must not exist; mode 0600
  };
  /// `disk_lane` must outlive the file and have no other duty than blocking.
  [[nodiscard]] static task<result<file>> open(boost::asio::any_io_executor lane,
                                               boost::asio::any_io_executor disk_lane, std::filesystem::path path,
                                               access how);
  file(file&&) noexcept;
  file& operator=(file&&) noexcept;
  ~file();

  /// Reads until `into` is full or the file ends; how much it was.
  [[nodiscard]] task<result<std::size_t>> read_at(std::uint64_t offset, std::span<std::byte> into);
  /// Writes all of it; after an error any part of it may have been written.
  [[nodiscard]] task<result<>> write_at(std::uint64_t offset, std::span<const std::byte> from);
  [[nodiscard]] task<result<>> truncate(std::uint64_t bytes);
  /// What was written survives a loss of power from here on (fdatasync). After an error what was written before may be
  /// gone although it can still be read.
  [[nodiscard]] task<result<>> sync();

  [[nodiscard]] const std::filesystem::path& path() const noexcept;

 private:
  struct inner;
  explicit file(std::unique_ptr<inner> opened);
  std::unique_ptr<inner> inner_;
};

}  // namespace sluice::runtime
