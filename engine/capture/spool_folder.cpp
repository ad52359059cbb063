#include "engine/capture/spool_folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "engine/runtime/file.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::capture {

namespace {

using runtime::storage_failure;

constexpr std::string_view suffix = ".segment";
constexpr std::size_t read_bytes = limits::mib;

/// A descriptor that closes itself.
class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int let_go() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::filesystem::path lock_path(const std::filesystem::path& folder) {
  return folder / "lock";
}

/// As much as there is, at most `into`.
result<std::size_t> read_at(const descriptor& from, const std::filesystem::path& path, std::uint64_t offset,
                            std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto bytes = ::pread(from.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return storage_failure(path, "cannot read", errno);
    if (bytes == 0) break;
    done += static_cast<std::size_t>(bytes);
  }
  return done;
}

/// "000012.segment" is 12; other names are nothing of ours.
std::optional<std::uint64_t> segment_number(const std::string& name) {
  if (name.size() <= suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::uint64_t number = 0;
  const auto* end = name.data() + name.size() - suffix.size();
  const auto [stopped, why] = std::from_chars(name.data(), end, number);
  if (why != std::errc{} || stopped != end || number == 0) return std::nullopt;
  return number;
}

struct found_segment {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;  // of the file
  segment_kind kind = segment_kind::foreign;
  segment_header header;
};

result<found_segment> look_at(const std::filesystem::path& folder, const std::string& run, std::uint64_t number) {
  const auto path = segment_path(folder, number);
  const descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.get() < 0) return storage_failure(path, "cannot open", errno);
  segment_header_image image;
  SLUICE_TRY(const auto bytes, read_at(opened, path, 0, image));
  auto found = decode_segment_header(std::span(image).first(bytes));
  if (found.kind == segment_kind::foreign) {
    return failure(error_kind::refused,
                   path.string() + " is no segment of a spool: give a folder of its own to the spool (--spool-dir)");
  }
  if (found.kind == segment_kind::other_version) {
    return failure(error_kind::refused, path.string() + " has format " + std::to_string(found.version) +
                                            " of another version, this one writes format " +
                                            std::to_string(spool_format_version) +
                                            ": go on with that version, or remove the folder to read the changes again "
                                            "from the source's oplog");
  }
  if (found.kind == segment_kind::ours && found.header.run != run) {
    return failure(error_kind::refused,
                   path.string() + " belongs to the run \"" + found.header.run + "\", this is the run \"" + run +
                       "\": give another folder (--spool-dir), or remove this one if that run is over");
  }
  // A copy under another name is as good as damaged: its records would be refused one by one.
  if (found.kind == segment_kind::ours && found.header.number != number) found.kind = segment_kind::damaged;
  struct stat info {};
  if (::fstat(opened.get(), &info) != 0) return storage_failure(path, "cannot read", errno);
  return found_segment{number, static_cast<std::uint64_t>(info.st_size), found.kind, std::move(found.header)};
}

struct whole_part {
  std::uint64_t bytes = segment_header_bytes;
  std::uint64_t entries = 0;
  std::optional<wire::optime> last;
};

/// How far the records of a segment are whole.
result<whole_part> scan(const std::filesystem::path& folder, const found_segment& segment,
                        std::vector<std::byte>& room) {
  const auto path = segment_path(folder, segment.number);
  const descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.get() < 0) return storage_failure(path, "cannot open", errno);
  whole_part whole;
  auto follows = segment.header.follows;
  const auto run = run_hash(segment.header.run);
  const std::unique_ptr<XXH3_state_t, decltype(&::XXH3_freeState)> state(::XXH3_createState(), &::XXH3_freeState);
  for (;;) {
    record_header_image image;
    SLUICE_TRY(const auto bytes, read_at(opened, path, whole.bytes, image));
    if (bytes < image.size()) return whole;
    const auto header = decode_record_header(image, {run, segment.number, whole.bytes});
    if (!header || header->follows != follows) return whole;
    const auto end = whole.bytes + record_header_bytes + header->payload_bytes;
    if (end > segment.bytes) return whole;
    ::XXH3_64bits_reset(state.get());
    for (auto at = whole.bytes + record_header_bytes; at < end;) {
      const auto wanted = std::min<std::uint64_t>(end - at, read_bytes);
      SLUICE_TRY(const auto got, read_at(opened, path, at, std::span(room).first(static_cast<std::size_t>(wanted))));
      if (got == 0) return whole;
      ::XXH3_64bits_update(state.get(), room.data(), got);
      at += got;
    }
    if (::XXH3_64bits_digest(state.get()) != header->payload_checksum) return whole;
    whole.bytes = end;
    whole.entries += header->count;
    whole.last = header->last;
    follows = header->last.at;
  }
}

result<> cut(const std::filesystem::path& path, std::uint64_t bytes) {
  const descriptor opened(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (opened.get() < 0) return storage_failure(path, "cannot open", errno);
  if (::ftruncate(opened.get(), static_cast<off_t>(bytes)) != 0) return storage_failure(path, "cannot truncate", errno);
  // The next segment is going to say that it continues this one: a loss of power must not bring the bad end back.
  if (::fdatasync(opened.get()) != 0) return storage_failure(path, "cannot sync", errno);
  return ok();
}

/// The newest segment that holds a whole record, cut behind its last one; segments that hold none are removed. False:
/// there is none.
result<bool> find_end(const std::filesystem::path& folder, std::vector<found_segment>& found, whole_part& whole) {
  std::vector<std::byte> room(read_bytes);
  while (!found.empty()) {
    const auto& newest = found.back();
    const auto path = segment_path(folder, newest.number);
    whole = {};
    if (newest.kind == segment_kind::ours) {
      SLUICE_TRY(whole, scan(folder, newest, room));
    }
    if (whole.last && whole.bytes == newest.bytes) return true;
    log(log_level::warn, "capture", "The spool ends in an unfinished record; it is cut off and read again",
        {{"path", path.string()},
         {"offset", whole.last ? whole.bytes : 0},
         {"bytes", newest.bytes - (whole.last ? whole.bytes : 0)}});
    if (whole.last) {
      SLUICE_TRYV(cut(path, whole.bytes));
      found.back().bytes = whole.bytes;
      return true;
    }
    SLUICE_TRYV(remove_segment(folder, newest.number));
    found.pop_back();
  }
  return false;
}

result<std::vector<std::uint64_t>> list(const std::filesystem::path& folder) {
  std::vector<std::uint64_t> numbers;
  std::error_code why;
  for (std::filesystem::directory_iterator at(folder, why), end; !why && at != end; at.increment(why)) {
    if (const auto number = segment_number(at->path().filename().string())) numbers.push_back(*number);
  }
  if (why) return storage_failure(folder, "cannot list", why.value());
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number) {
  std::array<char, 40> name{};
  std::snprintf(name.data(), name.size(), "%06llu.segment", static_cast<unsigned long long>(number));
  return folder / name.data();
}

folder_lock::folder_lock(folder_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

folder_lock& folder_lock::operator=(folder_lock&& other) noexcept {
  if (this != &other) {
    release();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

folder_lock::~folder_lock() {
  release();
}

void folder_lock::release() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

result<folder_lock> folder_lock::take(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return storage_failure(folder, "cannot make the spool's folder", errno);
  }
  const auto path = lock_path(folder);
  descriptor opened(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (opened.get() < 0) return storage_failure(path, "cannot open", errno);
  std::array<char, 32> text{};
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return storage_failure(path, "cannot lock", errno);
    const auto bytes = ::pread(opened.get(), text.data(), text.size() - 1, 0);
    std::string_view owner(text.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
    owner = owner.substr(0, owner.find('\n'));
    return failure(error_kind::refused, folder.string() + " is in use by " +
                                            (owner.empty() ? "another process" : "process " + std::string(owner)) +
                                            ": stop that one, or give another folder (--spool-dir)");
  }
  // Only for the message above: that it cannot be written is no reason to stop here.
  const int length = std::snprintf(text.data(), text.size(), "%ld\n", static_cast<long>(::getpid()));
  if (::ftruncate(opened.get(), 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(opened.get(), text.data(), static_cast<std::size_t>(length), 0);
  }
  folder_lock lock;
  lock.descriptor_ = opened.let_go();
  return lock;
}

result<left_behind> recover(const std::filesystem::path& folder, const std::string& run) {
  SLUICE_TRY(const auto numbers, list(folder));
  std::vector<found_segment> found;
  // All are looked at before anything is changed: a folder of another run stays as it is.
  for (const auto number : numbers) {
    SLUICE_TRY(auto segment, look_at(folder, run, number));
    found.push_back(std::move(segment));
  }
  left_behind left;
  left.newest_number = numbers.empty() ? 0 : numbers.back();
  whole_part end;
  SLUICE_TRY(const bool any, find_end(folder, found, end));
  if (!any) return left;
  left.newest = end.last;
  left.entries = found.back().header.entries_before + end.entries;

  auto first = found.size() - 1;
  while (first > 0 && found[first].header.continues && found[first - 1].kind == segment_kind::ours &&
         found[first - 1].number + 1 == found[first].number) {
    --first;
  }
  for (std::size_t i = 0; i < first; ++i) left.apart.push_back(found[i].number);
  for (auto i = first; i < found.size(); ++i) {
    const auto& header = found[i].header;
    segment_on_disk segment{found[i].number, found[i].bytes, end.entries, header.continues,
                            header.follows,  header.first,   end.last->at};
    if (i + 1 < found.size()) {
      const auto& next = found[i + 1].header;
      segment.entries = next.entries_before - header.entries_before;
      segment.last = next.follows;
    }
    left.segments.push_back(segment);
  }
  return left;
}

result<> remove_segment(const std::filesystem::path& folder, std::uint64_t number) {
  const auto path = segment_path(folder, number);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return storage_failure(path, "cannot remove", errno);
  return ok();
}

result<> sync_folder(const std::filesystem::path& folder) {
  const descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) return storage_failure(folder, "cannot open", errno);
  // Some file systems have nothing to sync here and say so.
  if (::fsync(opened.get()) != 0 && errno != EINVAL) return storage_failure(folder, "cannot sync", errno);
  return ok();
}

result<> remove_folder(const std::filesystem::path& folder) {
  const auto path = lock_path(folder);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return storage_failure(path, "cannot remove", errno);
  if (::rmdir(folder.c_str()) != 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST) {
    return storage_failure(folder, "cannot remove", errno);
  }
  return ok();
}

}  // namespace sluice::capture
