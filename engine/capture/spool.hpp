// The spool: captured changes waiting to be applied. While they are few they wait in memory; while the copy runs, and
// when the applier falls behind, they are written to append-only segments on local disk, so that the source's oplog
// window stops mattering. Never reorders, never passes over a gap, never guesses: what comes out is what went in, or an
// error that names the segment and the place.
//
//   <folder>/lock                 held by the process that uses it
//   <folder>/000001.segment ...   records back to back, see spool_record.hpp
//
// Written is what the kernel has: that survives the process, however it dies. A loss of power may take the end of the
// newest segment (fdatasync comes at the end of each segment and at close); that end is then read again from the
// source. So nothing here is needed for correctness after a crash: what a spool lacks, the source's oplog has, as long
// as it reaches back to the last checkpoint.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "bson/document_view.hpp"
#include "engine/capture/change_chunk.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

struct spool_options {
  std::filesystem::path folder;      // made if missing (its parent must exist), mode 0700
  std::string run;                   // identity of the run: segments of another run are refused with the difference
  std::uint64_t disk_bytes_max = 0;  // --spool-gb; 0: as much as the disk has
  std::uint64_t memory_bytes_max = std::uint64_t{16} * 1024 * 1024;  // of chunks waiting in memory
  std::uint64_t segment_bytes = std::uint64_t{64} * 1024 * 1024;     // at most a quarter of disk_bytes_max is used
  std::chrono::milliseconds write_within{1000};                      // small chunks are collected for so long
};

/// Lives on one lane (the capture lane); other lanes use runtime::call_on. One producer, one consumer.
class spool {
 public:
  /// Opens the folder and looks at what an earlier process left. The newest segment is read at once and truncated at
  /// its first bad record (a write that the process did not survive), with a line in the log; the others are checked
  /// when they are read. Errors: storage: missing parent, no permission, read-only, an unreadable file, with the path
  /// and what to do; refused: another run's or version's segments, files that are none, another process (its pid).
  /// `scope` must outlive the spool.
  [[nodiscard]] static task<result<std::unique_ptr<spool>>> open(boost::asio::any_io_executor lane,
                                                                 spool_options options, runtime::cancel_scope& scope);
  virtual ~spool() = default;  // after close() or remove() (asserted)

  /// Where this process begins: once, first of all. Every change after `from` (applied up to there, or T0 of a new run)
  /// is wanted. If the spool holds all of them up to some time, without a gap, it is kept: next() begins with the chunk
  /// that holds `from`. Else (it begins later, or memory-only chunks once followed, or it ends before `from`) its
  /// segments are of no use: they are removed with a line in the log, and capture has to begin at `from`. No error: the
  /// source's oplog decides whether that is possible. Errors: storage.
  [[nodiscard]] virtual task<result<>> seek(bson::timestamp from) = 0;
  /// The last entry that seek() has kept: capture goes on behind it. Nothing: capture begins at `from`.
  [[nodiscard]] virtual std::optional<wire::optime> resume_after() const = 0;

  /// While true (from the beginning) every chunk is written to disk, and is in the file within `write_within`; the
  /// consumer gets it from memory if it is still held there. When false, chunks wait in memory only, as long as they
  /// fit and the consumer has read everything that is on disk.
  virtual void keep_on_disk(bool always) = 0;

  /// Takes a chunk (also an empty one that only moves seen_until; of several of those the consumer may see the last
  /// only). Waits while disk_bytes_max is reached. Errors: storage (disk full, I/O error): nothing of the chunk counts
  /// as taken, the caller may offer it again later; cancelled.
  [[nodiscard]] virtual task<result<>> push(shared_chunk chunk) = 0;
  [[nodiscard]] task<result<>> push(change_chunk chunk) {
    return push(std::make_shared<const change_chunk>(std::move(chunk)));
  }
  /// Writes now what waits to be written together.
  [[nodiscard]] virtual task<result<>> flush() = 0;

  /// The next chunk in order; waits until there is one. Errors: storage: a damaged record (segment and offset named);
  /// it stays where it is, so that every further call says the same; cancelled.
  [[nodiscard]] virtual task<result<shared_chunk>> next() = 0;
  /// The same without waiting for the producer: nothing when there is none in memory or on disk.
  [[nodiscard]] virtual task<result<std::optional<shared_chunk>>> next_if_any() = 0;
  /// The next() that waits now ends, with `cancelled`, and no chunk is lost by it: the consumer wants no more for now.
  virtual void stop_waiting() = 0;

  /// Nothing at or before this time is needed any more (a durable checkpoint says so): whole segments go, in their own
  /// time.
  virtual void release(bson::timestamp up_to) = 0;
  /// Instead of close(): removes every segment and the folder: the run is over. Nobody waits in it any more.
  [[nodiscard]] virtual task<result<>> remove() = 0;
  /// Writes what waits in memory to be written, syncs, closes files. Before the lane ends; nobody waits in it any more.
  [[nodiscard]] virtual task<void> close() = 0;

  /// May be read from any thread.
  struct usage {
    std::uint64_t disk_bytes = 0;       // of all segments
    std::uint64_t memory_bytes = 0;     // of entries in chunks that wait in memory, on disk as well or not
    std::uint64_t entries_waiting = 0;  // for the consumer
    bool full = false;                  // push waits for room
    std::string fault;                  // the last storage error; empty when writing works
  };
  [[nodiscard]] virtual usage current() const = 0;

 protected:
  spool() = default;
  spool(const spool&) = delete;
  spool& operator=(const spool&) = delete;
};

}  // namespace sluice::capture
