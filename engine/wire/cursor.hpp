// A server-side cursor as a stream of batches, each the reply's memory and the array in it, untouched.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "bson/document.hpp"
#include "engine/runtime/buffer.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::wire {

/// One reply's documents. Moves with its memory.
struct batch {
  runtime::buffer memory;
  std::span<std::byte> documents;              // a BSON array inside `memory`: framed, its documents not validated
  std::optional<bson::document> resume_token;  // postBatchResumeToken, where the find asked for it
  bson::timestamp operation_time;              // of the reply; {0, 0} where the server gives none
  bson::timestamp cluster_time;                // $clusterTime, likewise
  bool last = false;                           // the cursor is exhausted

  [[nodiscard]] bool empty() const noexcept { return documents.size() <= 5; }
};

struct cursor_options {
  std::int32_t batch_documents = 0;  // at most limits::batch_documents_max
  /// Let the server send replies without being asked: twice as fast on one cursor. Only getMore can do it, so the find
  /// then asks for an empty first batch. A server that does not stream (mongos) is asked request by request instead.
  bool exhaust = false;
  /// Of tailable cursors that await data, and of change streams: how long the server waits for something new before it
  /// answers with an empty batch. Zero: as long as it likes (one second).
  std::chrono::milliseconds await{};
  /// A server that has not answered after this long is given up (the connection is closed, the error is a timeout).
  /// Zero: waits as long as it takes.
  std::chrono::milliseconds reply_within{};
};

/// Borrows its connection while it lives; one cursor a connection. A cursor that is given up before its end while
/// the server streams can only be ended by closing the connection: abandon() does that, or kills it politely.
class cursor {
 public:
  cursor(connection& from, runtime::buffer_pool& pool, std::string database, cursor_options options)
      : from_(from), pool_(pool), database_(std::move(database)), options_(options) {}

  /// `find` without batchSize, which is added (one that is there stays: of the first batch). Any command that answers
  /// with a cursor works (aggregate: pass it whole, with its `cursor` field, and exhaust off).
  [[nodiscard]] task<result<>> open(bson::document find);
  /// The next batch, possibly empty (of a cursor that awaits data: nothing new); nothing after the last. Errors: what
  /// the server says (QueryPlanKilled, CappedPositionLost, CursorNotFound, ...), network, protocol.
  [[nodiscard]] task<result<std::optional<batch>>> next();
  [[nodiscard]] task<void> abandon();

 private:
  [[nodiscard]] result<batch> take(reply from_server, std::string_view array_name);
  [[nodiscard]] bson::document get_more() const;

  connection& from_;
  runtime::buffer_pool& pool_;
  std::string database_;
  cursor_options options_;
  std::string collection_;  // as the reply names it: a find by UUID learns it here
  std::int64_t id_ = 0;
  bool streaming_ = false;  // the server owes a reply that nobody asked for
  bool finished_ = false;
  std::optional<batch> first_;
};

}  // namespace sluice::wire
