// Reads a change stream over a sharded cluster through a mongos, and delivers what its events stand for as oplog
// entries, by name. What an event does not tell exactly is read again (sharded_event.hpp says what, and why), so that a
// document may be delivered as it was a little later than its event: what follows brings it there again. Whoever
// applies the entries must not expect of a document to be there, or not.
//
// Replays converge, though documents are read by name, since names are settled by what follows: a collection that was
// dropped meanwhile is dropped, and one that a rename put there is copied as a whole when the rename is applied.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "bson/document.hpp"
#include "engine/capture/capture.hpp"
#include "engine/capture/change_feed.hpp"
#include "engine/capture/delivery.hpp"
#include "engine/capture/document_reader.hpp"
#include "engine/capture/entry_filter.hpp"
#include "engine/capture/sharded_event.hpp"
#include "engine/capture/whole_times.hpp"
#include "engine/wire/cursor.hpp"

namespace sluice::capture {

class sharded_stream final : public change_feed {
 public:
  sharded_stream(const capture_job& job, runtime::buffer_pool& pool, delivery& into)
      : pool_(pool), into_(into), filter_(job.filter), times_(job.from, job.exact) {}

  task<result<>> open(wire::connection& source) override;
  task<result<>> read() override;
  void close() noexcept override { cursor_.reset(); }
  clock::time_point last_news() const noexcept override { return last_news_; }

 private:
  struct told {
    sharded_event event;
    bool wanted = false;
  };

  [[nodiscard]] task<result<>> take_all(bson::bytes_view events);
  [[nodiscard]] result<told> judge(bson::bytes_view event);
  /// Reads again what has to be, in halves where it is too much at once, and hands all of it on in its order.
  [[nodiscard]] task<result<>> hand_on(std::span<const told> events);
  [[nodiscard]] task<result<>> hand_on_with(std::span<const told> events, const read_documents& documents);
  [[nodiscard]] task<result<>> look_further();
  [[nodiscard]] task<result<>> deliver_chunk();
  [[nodiscard]] error explain(error cause) const;

  runtime::buffer_pool& pool_;
  delivery& into_;
  entry_filter filter_;
  whole_times times_;
  std::size_t reads_at_once_ = 1000;  // documents; fewer while they are large
  std::optional<wire::cursor> cursor_;
  wire::connection* source_ = nullptr;

  bson::timestamp newest_;  // that the mongos has told of
  clock::time_point last_news_{};
  clock::time_point woken_{};
};

/// May one be opened here? Errors: refused: with what lacks; network.
[[nodiscard]] task<result<>> try_sharded_stream(wire::connection& source);

}  // namespace sluice::capture
