// The spool's folder as a process finds it: made, locked, what an earlier process left there, and removing it. Calls
// that wait for the disk: only on a disk lane, never on the lane of a spool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/capture/spool_record.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

[[nodiscard]] std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number);

/// Keeps other processes out of a folder while it lives (flock, so that it ends with the process however that dies).
class folder_lock {
 public:
  folder_lock() = default;
  folder_lock(folder_lock&& other) noexcept;
  folder_lock& operator=(folder_lock&& other) noexcept;
  ~folder_lock();

  /// Makes the folder (0700) unless it is there. Errors: storage: the folder cannot be made or written to; refused:
  /// another process has it, named by its pid.
  [[nodiscard]] static result<folder_lock> take(const std::filesystem::path& folder);
  [[nodiscard]] bool held() const noexcept { return descriptor_ >= 0; }
  void release() noexcept;

 private:
  int descriptor_ = -1;
};

struct segment_on_disk {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;    // of its header and its records
  std::uint64_t entries = 0;  // in its records
  bool continues = false;     // see segment_header
  bson::timestamp follows;
  wire::optime first;
  bson::timestamp last;  // of its last record
};

struct left_behind {
  /// Without a gap from the first to the last record; oldest first.
  std::vector<segment_on_disk> segments;
  /// Older ones, with a gap behind them or unreadable: of no use to anybody.
  std::vector<std::uint64_t> apart;
  std::uint64_t entries = 0;           // what the next segment has before it
  std::optional<wire::optime> newest;  // of the last record
  std::uint64_t newest_number = 0;     // of all segments that there were; 0: there was none
};

/// Reads the header of every segment and the whole newest one, which is truncated at its first bad record (what a
/// process left half written when it died); logs that. Nothing behind the cut is lost for good: the source is asked
/// for it again. Errors: storage: the folder or a file cannot be read, with the path; refused: segments of another run
/// or version, files that are no segments.
[[nodiscard]] result<left_behind> recover(const std::filesystem::path& folder, const std::string& run);

/// A segment that is gone already is removed.
[[nodiscard]] result<> remove_segment(const std::filesystem::path& folder, std::uint64_t number);
/// Makes the names in the folder survive a loss of power.
[[nodiscard]] result<> sync_folder(const std::filesystem::path& folder);
/// The lock file and the folder itself, unless it holds files of others.
[[nodiscard]] result<> remove_folder(const std::filesystem::path& folder);

}  // namespace sluice::capture
