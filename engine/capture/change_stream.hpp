// Reads a change stream over all of a replica set, for users who may not read local.oplog.rs, and delivers what its
// events stand for as oplog entries. Costs the source about 16 times as much CPU as its oplog (measured on 6.0.5).
//
// From 6.0 on only: before, a stream tells nothing of collections that are made and of indexes. Not told either
// (6.0.27): what a client's own applyOps command does to documents atomically.
#pragma once

#include <chrono>
#include <optional>

#include "bson/document.hpp"
#include "engine/capture/capture.hpp"
#include "engine/capture/change_feed.hpp"
#include "engine/capture/delivery.hpp"
#include "engine/capture/entry_filter.hpp"
#include "engine/capture/whole_times.hpp"
#include "engine/wire/cursor.hpp"

namespace sluice::capture {

class change_stream final : public change_feed {
 public:
  change_stream(const capture_job& job, runtime::buffer_pool& pool, delivery& into);

  task<result<>> open(wire::connection& source) override;
  task<result<>> read() override;
  void close() noexcept override { cursor_.reset(); }
  bool caught_up() const noexcept override { return caught_up_; }
  clock::time_point last_news() const noexcept override { return last_news_; }

 private:
  [[nodiscard]] task<result<>> take_all(bson::bytes_view events);
  /// One event, or a piece of one that is larger than a document may be.
  [[nodiscard]] task<result<>> take(bson::document_view event);
  [[nodiscard]] task<result<>> take_whole(bson::document_view event);
  [[nodiscard]] task<result<>> deliver_chunk();
  [[nodiscard]] error explain(error told) const;

  runtime::buffer_pool& pool_;
  delivery& into_;
  entry_filter filter_;
  whole_times times_;
  bool can_split_;  // events larger than 16 MiB come in pieces
  std::optional<wire::cursor> cursor_;
  wire::connection* source_ = nullptr;
  bson::builder pieces_;

  bson::timestamp told_;  // the newest operationTime of a reply
  clock::time_point last_news_{};
  bool caught_up_ = false;
};

/// May one be opened here that tells everything? Errors: refused: with what to do instead; network.
[[nodiscard]] task<result<>> try_change_stream(wire::connection& source);

}  // namespace sluice::capture
