// Reads local.oplog.rs of one node at a time and delivers the entries that concern us, in their order, each once. Reads
// with majority only: what was delivered is never rolled back, and every later primary has it.
//
// The sketch: with a backlog a reply is up to 16 MiB, streamed; each entry is stepped over (entry_filter) and, if it is
// wanted, copied once into a chunk of 1 MiB. At the oplog's end the server answers within a millisecond or two of each
// majority commit, so that a chunk is what was committed meanwhile.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "engine/capture/capture.hpp"
#include "engine/capture/change_feed.hpp"
#include "engine/capture/chunk_builder.hpp"
#include "engine/capture/delivery.hpp"
#include "engine/capture/entry_filter.hpp"
#include "engine/wire/cursor.hpp"

namespace sluice::capture {

class oplog_tail final : public change_feed {
 public:
  oplog_tail(const capture_job& job, runtime::buffer_pool& pool, delivery& into);

  task<result<>> open(wire::connection& source) override;
  task<result<>> read() override;
  void close() noexcept override { cursor_.reset(); }
  bool caught_up() const noexcept override { return caught_up_; }
  clock::time_point last_news() const noexcept override { return last_entry_; }

 private:
  [[nodiscard]] task<result<>> deliver_all(bson::bytes_view entries);
  [[nodiscard]] task<result<>> deliver_chunk();
  /// Looks at the first entry that a cursor gives.
  [[nodiscard]] result<> check_first(bson::timestamp at) const;

  runtime::buffer_pool& pool_;
  delivery& into_;
  entry_filter filter_;
  chunk_builder chunk_;
  std::optional<wire::cursor> cursor_;
  wire::connection* source_ = nullptr;

  /// The next cursor begins here; `exact_`: this entry was delivered (or is in the spool from before) and must be the
  /// first one that comes.
  bson::timestamp position_;
  bool exact_;
  bool first_is_due_ = true;  // of this cursor
  /// What the reply before said to be committed; see read().
  bson::timestamp committed_before_;
  clock::time_point last_entry_{};
  bool caught_up_ = false;
};

}  // namespace sluice::capture
