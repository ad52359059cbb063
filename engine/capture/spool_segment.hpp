// Writing segments one after another, and reading them again. Knows files and records; what is written when, and which
// segment may go, is decided in spool.cpp.
//
// The sketch, per GB of entries in chunks of 64 KiB: 16,400 records, 1,000 writes of 1 MiB, no allocation while writing
// (one batch, used again), one copy (0.1 s) and one checksum (0.05 s) of each byte on the way in; on the way out one
// read of 1 MiB for 16 records, one checksum, one copy into the chunk's own memory. Chunks larger than the batch are
// written from and read into their own memory.
//
// Writes go through the page cache: the reader is usually close behind and finds them there, and the kernel writes them
// to the disk in its own time. That survives the death of the process; only a loss of power needs fdatasync, which
// happens at the end of each segment and at close (the tail that a loss of power takes is read again from the source).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "engine/capture/change_chunk.hpp"
#include "engine/capture/spool_record.hpp"
#include "engine/runtime/file.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

inline constexpr std::size_t spool_batch_bytes = limits::mib;

/// Where a spool's files are and which lanes they are used from.
struct segment_place {
  boost::asio::any_io_executor lane;
  boost::asio::any_io_executor disk_lane;
  std::filesystem::path folder;
};

/// At most one segment is open. One call at a time.
class segment_writer {
 public:
  explicit segment_writer(segment_place place);

  /// Makes the file of the next segment; its header is written with the first records. The one before must be closed.
  [[nodiscard]] task<result<>> begin(segment_header header);
  /// Takes a record into the batch, which is written when it is full. On an error nothing of this record was taken:
  /// the file ends with a whole record, the batch is as before, and the call may be repeated.
  [[nodiscard]] task<result<>> append(record_header header, std::span<const std::byte> entries);
  /// Writes the batch. On an error it is kept, and the file ends with a whole record.
  [[nodiscard]] task<result<>> flush();
  /// Flush, fdatasync, close. On an error the segment stays open.
  [[nodiscard]] task<result<>> finish();
  /// Forgets the batch and closes the file as it is.
  void abandon() noexcept;

  [[nodiscard]] bool is_open() const noexcept { return file_.has_value(); }
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }  // bytes in the file
  [[nodiscard]] std::uint64_t end() const noexcept { return written_ + batch_.size(); }

 private:
  [[nodiscard]] task<result<>> write(std::uint64_t offset, std::span<const std::byte> bytes);

  segment_place place_;
  std::optional<runtime::file> file_;
  std::uint64_t run_hash_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t written_ = 0;
  std::vector<std::byte> batch_;
};

/// At most one segment is open. One call at a time.
class segment_reader {
 public:
  segment_reader(segment_place place, std::uint64_t run);  // `run`: run_hash()

  /// Goes to the record at `offset` of a segment; the chunk before it ended at `follows`.
  [[nodiscard]] task<result<>> open(std::uint64_t number, std::uint64_t offset, bson::timestamp follows);
  void close() noexcept;

  /// The record at offset(), which is below `end`, up to where the segment is written. Error (storage): it is damaged:
  /// segment and offset named.
  [[nodiscard]] task<result<change_chunk>> next(std::uint64_t end);
  /// Passes over the records that end before `from`, by their headers; returns how many entries they have. Stops at a
  /// damaged record: next() tells it.
  [[nodiscard]] task<result<std::uint64_t>> skip(bson::timestamp from, std::uint64_t end);

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }  // 0: none is open
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] bson::timestamp follows() const noexcept { return follows_; }

 private:
  [[nodiscard]] task<result<std::optional<record_header>>> read_header(std::uint64_t end);
  [[nodiscard]] task<result<bool>> see(std::uint64_t offset, std::size_t bytes, std::uint64_t end);
  [[nodiscard]] std::span<const std::byte> seen(std::uint64_t offset, std::size_t bytes) const noexcept;
  [[nodiscard]] std::uint64_t window_end() const noexcept { return window_from_ + window_bytes_; }
  [[nodiscard]] error damaged(std::string what) const;

  segment_place place_;
  std::uint64_t run_hash_;
  std::optional<runtime::file> file_;
  std::uint64_t number_ = 0;
  std::uint64_t offset_ = 0;
  bson::timestamp follows_;
  std::vector<std::byte> window_;  // bytes of the file from window_from_ on
  std::uint64_t window_from_ = 0;
  std::size_t window_bytes_ = 0;
};

/// What is wrong, and what to do about a spool that cannot be read to its end.
[[nodiscard]] error damaged_spool(const std::filesystem::path& segment, std::uint64_t offset, std::string_view what);

}  // namespace sluice::capture
