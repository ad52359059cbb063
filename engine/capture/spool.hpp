// The spool: captured changes waiting to be applied. While they are few they wait in memory; while the copy runs, and
// when the applier falls behind, they are written to append-only segments on local disk, so that the source's oplog
// window stops mattering. Never reorders, never loses what it has acknowledged to have written, never guesses: a
// segment is read up to its first bad record.
//
//   <folder>/000001.segment ...   records back to back, see spool_record.hpp
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "bson/document_view.hpp"
#include "engine/capture/change_chunk.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

struct spool_options {
  std::filesystem::path folder;      // made if missing (its parent must exist), mode 0700
  std::string run;                   // identity of the run: segments of another run are refused with the difference
  std::uint64_t disk_bytes_max = 0;  // --spool-gb
  std::uint64_t memory_bytes_max = std::uint64_t{16} * 1024 * 1024;  // of chunks waiting in memory
  std::uint64_t segment_bytes = std::uint64_t{64} * 1024 * 1024;
};

/// Lives on one lane (the capture lane); other lanes use runtime::call_on. One producer, one consumer.
class spool {
 public:
  /// Opens the folder, reads what an earlier process left: segments are checked when they are read, the newest one at
  /// once (to know where it ends). Errors (storage): missing parent, no permission, read-only, another run's segments:
  /// named with the path and what to do.
  [[nodiscard]] static task<result<std::unique_ptr<spool>>> open(boost::asio::any_io_executor lane,
                                                                 spool_options options, runtime::cancel_scope& scope);
  virtual ~spool() = default;

  /// The last time that is safely in the spool from before: capture goes on behind it. Nothing: the spool is empty.
  [[nodiscard]] virtual std::optional<wire::optime> resume_after() const = 0;

  /// While true (from the beginning) every chunk is written to disk, and on it within about a second; when false,
  /// chunks wait in memory as long as they fit and the consumer keeps up.
  virtual void keep_on_disk(bool always) = 0;

  /// Takes a chunk (also an empty one that only moves seen_until). Waits while disk_bytes_max is reached. Errors:
  /// storage (disk full, I/O error): nothing of the chunk counts as taken, the caller may try again later; cancelled.
  [[nodiscard]] virtual task<result<>> push(change_chunk chunk) = 0;

  /// Where the consumer begins: entries before `from` are skipped by whole chunks (the chunk that holds `from` is given
  /// whole). Called once, before the first next(). Error (storage): the spool begins later than `from` and does not
  /// follow from it: both times are named.
  [[nodiscard]] virtual task<result<>> seek(bson::timestamp from) = 0;
  /// The next chunk in order; waits until there is one. Errors: storage: a damaged record (segment, offset) with
  /// undamaged ones behind it; cancelled.
  [[nodiscard]] virtual task<result<shared_chunk>> next() = 0;
  /// The same without waiting: nothing when there is none at hand in memory or on disk.
  [[nodiscard]] virtual task<result<std::optional<shared_chunk>>> next_if_any() = 0;

  /// Nothing at or before this time is needed any more (a durable checkpoint says so): whole segments go.
  virtual void release(bson::timestamp up_to) = 0;
  /// Removes every segment and the folder: the run is over.
  [[nodiscard]] virtual task<result<>> remove() = 0;
  /// Waits for what is being written, closes files. Before the lane ends.
  [[nodiscard]] virtual task<void> close() = 0;

  /// May be read from any thread.
  struct usage {
    std::uint64_t disk_bytes = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t entries_waiting = 0;
    bool full = false;  // push waits for room
    std::string fault;  // the last storage error; empty when writing works
  };
  [[nodiscard]] virtual usage current() const = 0;

 protected:
  spool() = default;
  spool(const spool&) = delete;
  spool& operator=(const spool&) = delete;
};

}  // namespace sluice::capture
