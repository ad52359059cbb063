// A window: changes that are written together. Groups them by document, makes of each document's changes the one write
// that has the same effect, and gives the writes in an order that keeps everything that must be kept. Plain functions
// of their input: no sockets, no clocks, no knowledge of servers.
//
// What is kept: changes of one document (by the canonical key of its `_id`) in their order; capped collections, and
// string `_id`s in collated ones, wholly in order. What is not: the order between documents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bson/document.hpp"
#include "bson/document_view.hpp"
#include "engine/apply/target.hpp"
#include "engine/capture/change.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::apply {

enum class write_kind : std::uint8_t { insert, replace, update, remove };

/// One write of one document.
struct document_write {
  write_kind kind = write_kind::insert;
  bson::element_view id;  // the `_id`; points into memory that the plan owns
  /// insert, replace: the document. update: either {$set, $unset} or unused (see pipeline). One that is refused with
  /// code 28 is sent again in pieces: see one_field_each().
  bson::document_view document;
  /// update: a pipeline as an array's bytes ([{$_internalApplyOplogUpdate: ...}, ...] or [{$replaceWith: {$literal:
  /// document}}]); empty when `document` is the modifier. At most 1000 stages (the server's limit, 6.0); longer ones
  /// are several writes.
  bson::document_view pipeline;
  bool has_pipeline = false;
  /// How many changes of the source it stands for.
  std::uint32_t changes = 1;
  /// insert: the document must be new; replace, update and remove: it must be there, if the destination is consistent
  /// (the free check). False for the remove that stands for a document's whole life in one window (insert, then
  /// delete), and where the changes contradict each other.
  bool expects_effect = true;
};

/// Writes to one collection that may be sent in any grouping and over any number of connections: no document twice.
/// They stand by kind: inserts as they arrived, replaces, updates, then removes in the server's order of their `_id`s
/// (half the cost, see bson::compare_values). Runs are executed one after another: the next begins when all of this are
/// acknowledged.
struct write_run {
  shared_target to;
  /// One connection, one after the other, as they stand; documents may occur several times. At most one such run for a
  /// collection, its last: capped collections, collated strings, and what would need too many runs.
  bool ordered = false;
  std::vector<document_write> writes;
};

/// All runs of a window. Runs of different collections are independent of each other; those of one collection follow
/// one another in their order. Lives and dies on the window's lane: its arena is used again when it is gone.
struct write_plan {
  std::vector<std::vector<write_run>> collections;
  std::uint64_t changes = 0;                        // of the source; some need no write
  std::uint64_t writes = 0;                         // to the destination
  std::vector<std::shared_ptr<const void>> owners;  // of the bytes that writes point to
  std::shared_ptr<void> arena;                      // of the bytes that were built
};

struct window_limits {
  std::size_t bytes_max = std::size_t{24} * 1024 * 1024;
  std::size_t changes_max = 100'000;
};

/// Costs (bench/window_bench.cpp): no allocation a change once it has seen a window of the size; a few a collection.
class window {
 public:
  explicit window(window_limits limits = {});
  ~window();
  window(window&&) noexcept;
  window& operator=(window&&) noexcept;

  /// Adds an insert, update or remove. One target object a collection. Error (protocol): it has no `_id`, or an update
  /// in a form that is not known; the entry is in the message, the window as before.
  [[nodiscard]] result<> add(const capture::change& what, const shared_target& to,
                             const std::shared_ptr<const void>& owner);

  [[nodiscard]] bool empty() const noexcept;
  [[nodiscard]] bool full() const noexcept;
  [[nodiscard]] std::size_t changes() const noexcept;
  /// Entries held, what was and will be built of them, and the bookkeeping.
  [[nodiscard]] std::size_t bytes() const noexcept;

  /// The writes; the window is empty afterwards.
  [[nodiscard]] write_plan finish();

 private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

}  // namespace sluice::apply
