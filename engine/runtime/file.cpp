#include "engine/runtime/file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/random_access_file.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "engine/runtime/call_on.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::runtime {

namespace {

/// Bytes, or an errno with a minus before it.
using outcome_bytes = std::int64_t;

/// Larger writes into the page cache cost more than twice the CPU time (bench/spool_bench on ext4, writes of 4 MB:
/// 0.96 s/GB instead of 0.39).
constexpr std::size_t write_bytes_max = limits::mib;

std::string_view advice(int cause) noexcept {
  switch (cause) {
    case ENOSPC:
      return "free space on this file system";
    case EDQUOT:
      return "raise the quota of this user or free some of it";
    case EROFS:
      return "the file system is mounted read-only: remount it or choose another folder";
    case EACCES:
    case EPERM:
      return "give this user the permission or choose another folder";
    case ENOENT:
      return "create the folder above it or choose another one";
    case EFBIG:
      return "the limit for the size of a file is reached: see ulimit -f";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files: see ulimit -n";
    case EIO:
      return "the disk reports an error: look into the kernel's log";
    default:
      return "look into the kernel's log if the cause is not plain";
  }
}

}  // namespace

error storage_failure(const std::filesystem::path& path, std::string_view doing, int cause) {
  std::string message = path.string();
  message.append(": ").append(doing).append(": ").append(std::strerror(cause));
  message.append(" (").append(advice(cause)).append(")");
  return failure(error_kind::storage, std::move(message));
}

struct file::inner {
  inner(boost::asio::any_io_executor on, boost::asio::any_io_executor disk, std::filesystem::path where)
      : lane(std::move(on)),
        disk_lane(std::move(disk)),
        path(std::move(where))
#if defined(BOOST_ASIO_HAS_FILE)
        ,
        ring(lane)
#endif
  {
  }
  ~inner() {
#if defined(BOOST_ASIO_HAS_FILE)
    boost::system::error_code ignored;
    if (ring.is_open()) ring.release(ignored);
#endif
    if (descriptor >= 0) ::close(descriptor);
  }
  inner(const inner&) = delete;
  inner& operator=(const inner&) = delete;

  [[nodiscard]] task<outcome_bytes> read_some(std::uint64_t offset, std::span<std::byte> into);
  [[nodiscard]] task<outcome_bytes> write_some(std::uint64_t offset, std::span<const std::byte> from);

  boost::asio::any_io_executor lane;
  boost::asio::any_io_executor disk_lane;
  std::filesystem::path path;
  int descriptor = -1;
#if defined(BOOST_ASIO_HAS_FILE)
  boost::asio::random_access_file ring;
#endif
};

#if defined(BOOST_ASIO_HAS_FILE)

task<outcome_bytes> file::inner::read_some(std::uint64_t offset, std::span<std::byte> into) {
  const auto [why, bytes] = co_await ring.async_read_some_at(offset, boost::asio::buffer(into.data(), into.size()),
                                                             boost::asio::as_tuple(boost::asio::use_awaitable));
  if (why == boost::asio::error::eof) co_return 0;
  if (why) co_return -why.value();
  co_return static_cast<outcome_bytes>(bytes);
}

task<outcome_bytes> file::inner::write_some(std::uint64_t offset, std::span<const std::byte> from) {
  const auto [why, bytes] = co_await ring.async_write_some_at(offset, boost::asio::buffer(from.data(), from.size()),
                                                              boost::asio::as_tuple(boost::asio::use_awaitable));
  if (why) co_return -why.value();
  co_return static_cast<outcome_bytes>(bytes);
}

#else

task<outcome_bytes> file::inner::read_some(std::uint64_t offset, std::span<std::byte> into) {
  auto work = [fd = descriptor, offset, into]() -> task<outcome_bytes> {
    const auto bytes = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    co_return bytes < 0 ? -errno : bytes;
  };
  co_return co_await call_on(disk_lane, work);
}

task<outcome_bytes> file::inner::write_some(std::uint64_t offset, std::span<const std::byte> from) {
  auto work = [fd = descriptor, offset, from]() -> task<outcome_bytes> {
    const auto bytes = ::pwrite(fd, from.data(), from.size(), static_cast<off_t>(offset));
    co_return bytes < 0 ? -errno : bytes;
  };
  co_return co_await call_on(disk_lane, work);
}

#endif

file::file(std::unique_ptr<inner> opened) : inner_(std::move(opened)) {}
file::file(file&&) noexcept = default;
file& file::operator=(file&&) noexcept = default;
file::~file() = default;

const std::filesystem::path& file::path() const noexcept {
  return inner_->path;
}

task<result<file>> file::open(boost::asio::any_io_executor lane, boost::asio::any_io_executor disk_lane,
                              std::filesystem::path path, access how) {
  auto opened = std::make_unique<inner>(std::move(lane), std::move(disk_lane), std::move(path));
  auto work = [name = opened->path.c_str(), how]() -> task<int> {
    int flags = O_CLOEXEC;
    if (how == access::read) flags |= O_RDONLY;
    if (how == access::write) flags |= O_RDWR;
    if (how == access::create) flags |= O_RDWR | O_CREAT | O_EXCL;
    const int fd = ::open(name, flags, 0600);
    co_return fd < 0 ? -errno : fd;
  };
  const int fd = co_await call_on(opened->disk_lane, work);
  if (fd < 0) co_return storage_failure(opened->path, how == access::create ? "cannot create" : "cannot open", -fd);
  opened->descriptor = fd;
#if defined(BOOST_ASIO_HAS_FILE)
  boost::system::error_code why;
  opened->ring.assign(fd, why);
  if (why) co_return storage_failure(opened->path, "cannot open", why.value());
#endif
  co_return file(std::move(opened));
}

task<result<std::size_t>> file::read_at(std::uint64_t offset, std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto bytes = co_await inner_->read_some(offset + done, into.subspan(done));
    if (bytes == -EINTR || bytes == -EAGAIN) continue;
    if (bytes < 0) co_return storage_failure(inner_->path, "cannot read", static_cast<int>(-bytes));
    if (bytes == 0) break;
    done += static_cast<std::size_t>(bytes);
  }
  co_return done;
}

task<result<>> file::write_at(std::uint64_t offset, std::span<const std::byte> from) {
  std::size_t done = 0;
  while (done < from.size()) {
    const auto piece = from.subspan(done, std::min(from.size() - done, write_bytes_max));
    const auto bytes = co_await inner_->write_some(offset + done, piece);
    if (bytes == -EINTR || bytes == -EAGAIN) continue;
    if (bytes < 0) co_return storage_failure(inner_->path, "cannot write", static_cast<int>(-bytes));
    if (bytes == 0) co_return storage_failure(inner_->path, "cannot write", EIO);
    done += static_cast<std::size_t>(bytes);
  }
  co_return ok();
}

task<result<>> file::truncate(std::uint64_t bytes) {
  auto work = [fd = inner_->descriptor, bytes]() -> task<int> {
    co_return ::ftruncate(fd, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
  };
  const int cause = co_await call_on(inner_->disk_lane, work);
  if (cause != 0) co_return storage_failure(inner_->path, "cannot truncate", cause);
  co_return ok();
}

task<result<>> file::sync() {
  auto work = [fd = inner_->descriptor]() -> task<int> { co_return ::fdatasync(fd) == 0 ? 0 : errno; };
  const int cause = co_await call_on(inner_->disk_lane, work);
  if (cause != 0) co_return storage_failure(inner_->path, "cannot sync", cause);
  co_return ok();
}

}  // namespace sluice::runtime
