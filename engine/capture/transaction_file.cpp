#include "engine/capture/transaction_file.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bson/validate.hpp"

namespace sluice::capture {

namespace {

error disk_failure(const std::filesystem::path& folder, std::string_view doing, int cause) {
  return failure(error_kind::storage, "a transaction larger than memory cannot be " + std::string(doing) + " " +
                                          folder.string() + ": " + std::generic_category().message(cause) +
                                          "; free the disk or choose another --spool-dir, then start again");
}

/// Opened by a name that is taken away at once: O_TMPFILE would do it in one step, but not on every file system.
int open_unnamed(const std::filesystem::path& folder) {
  static std::atomic<std::uint64_t> made{0};
  for (;;) {
    const auto path =
        folder / ("transaction-" + std::to_string(::getpid()) + "-" + std::to_string(made.fetch_add(1)) + ".part");
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
      ::unlink(path.c_str());
      return descriptor;
    }
    if (errno != EEXIST) return -1;
  }
}

}  // namespace

result<std::unique_ptr<transaction_file>> transaction_file::make(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return disk_failure(folder, "kept in", errno);
  const int descriptor = open_unnamed(folder);
  if (descriptor < 0) return disk_failure(folder, "kept in", errno);
  return std::unique_ptr<transaction_file>(new transaction_file(descriptor, folder));
}

transaction_file::~transaction_file() {
  ::close(descriptor_);
}

result<> transaction_file::append(bson::bytes_view document) {
  std::size_t done = 0;
  while (done < document.size()) {
    const ::ssize_t wrote =
        ::pwrite(descriptor_, document.data() + done, document.size() - done, static_cast<::off_t>(written_ + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return disk_failure(folder_, "written to", wrote < 0 ? errno : ENOSPC);
    done += static_cast<std::size_t>(wrote);
  }
  written_ += done;
  return ok();
}

result<> transaction_file::read_at(std::size_t offset, std::byte* to, std::size_t bytes) const {
  std::size_t done = 0;
  while (done < bytes) {
    const ::ssize_t got = ::pread(descriptor_, to + done, bytes - done, static_cast<::off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return disk_failure(folder_, "read from", got < 0 ? errno : EIO);
    done += static_cast<std::size_t>(got);
  }
  return ok();
}

result<std::vector<std::byte>> transaction_file::take() {
  std::int32_t length = 0;
  if (unread_bytes() < sizeof length) return disk_failure(folder_, "read from", EIO);
  SLUICE_TRYV(read_at(read_, reinterpret_cast<std::byte*>(&length), sizeof length));
  if (length < 5 || static_cast<std::size_t>(length) > unread_bytes()) return disk_failure(folder_, "read from", EIO);
  std::vector<std::byte> document(static_cast<std::size_t>(length));
  SLUICE_TRYV(read_at(read_, document.data(), document.size()));
  if (bson::validate(document, {.depth_max = bson::validate_depth_limit, .check_utf8 = false}))
    return disk_failure(folder_, "read from", EIO);
  read_ += document.size();
  return document;
}

}  // namespace sluice::capture
