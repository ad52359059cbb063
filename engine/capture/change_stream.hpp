// Reads a change stream over all of a replica set, for users who may not read local.oplog.rs, and delivers what its
// events stand for as oplog entries. Costs the source about 16 times as much CPU as its oplog (measured on 6.0.5).
//
// Events of a transaction share one time. A time is handed on only as a whole, so that whoever stops behind a chunk may
// begin again behind its time: the newest one waits until something later, or nothing more, comes.
//
// From 6.0 on only: before, a stream tells nothing of collections that are made and of indexes. Not told either
// (6.0.27): what a client's own applyOps command does to documents atomically.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "bson/document.hpp"
#include "engine/capture/capture.hpp"
#include "engine/capture/change_feed.hpp"
#include "engine/capture/chunk_builder.hpp"
#include "engine/capture/delivery.hpp"
#include "engine/capture/entry_filter.hpp"
#include "engine/wire/cursor.hpp"

namespace sluice::capture {

class change_stream final : public change_feed {
 public:
  change_stream(const capture_job& job, runtime::buffer_pool& pool, delivery& into);

  task<result<>> open(wire::connection& source) override;
  task<result<>> read() override;
  void close() noexcept override { cursor_.reset(); }
  clock::time_point last_news() const noexcept override { return last_news_; }

 private:
  [[nodiscard]] task<result<>> take_all(bson::bytes_view events);
  /// One event, or a piece of one that is larger than a document may be.
  [[nodiscard]] task<result<>> take(bson::document_view event);
  [[nodiscard]] task<result<>> take_whole(bson::document_view event);
  /// Everything of the time that waits is there.
  void complete();
  [[nodiscard]] task<result<>> deliver_chunk();
  [[nodiscard]] error explain(error told) const;

  runtime::buffer_pool& pool_;
  delivery& into_;
  entry_filter filter_;
  chunk_builder chunk_;
  bool can_split_;  // events larger than 16 MiB come in pieces
  std::optional<wire::cursor> cursor_;
  wire::connection* source_ = nullptr;

  /// The next stream begins here; `exact_`: what is of this time was taken.
  bson::timestamp position_;
  bool exact_;
  std::vector<bson::document> waiting_;  // entries of one time
  bson::timestamp waiting_at_;
  std::size_t waiting_bytes_ = 0;
  bson::builder pieces_;

  bson::timestamp told_;  // the newest operationTime of a reply
  clock::time_point last_news_{};
};

/// May one be opened here that tells everything? Errors: refused: with what to do instead; network.
[[nodiscard]] task<result<>> try_change_stream(wire::connection& source);

}  // namespace sluice::capture
