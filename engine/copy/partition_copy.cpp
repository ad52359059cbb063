#include "engine/copy/partition_copy.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "bson/raw_array.hpp"
#include "engine/copy/batch_insert.hpp"
#include "engine/runtime/bounded_stream.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/task_group.hpp"

namespace sluice::copy {

namespace {

/// Batches read ahead of the one being written: one, so that the destination never waits for the source.
constexpr std::size_t batches_ahead = 1;

struct writer_state {
  position reached;
  wire::write_term term;
  bool torn = false;
};

task<result<>> write_batches(worker& w, const assignment& mine, collection_counters& counters,
                             runtime::bounded_stream<positioned_batch>& in, const on_advance& advanced,
                             writer_state& state) {
  for (;;) {
    auto next = co_await in.pop();
    if (!next) co_return ok();
    const auto begin = std::chrono::steady_clock::now();
    auto outcome = co_await insert_batch(w, *mine.what, next->data.documents);
    if (outcome.has_error()) {
      in.abandon();
      co_return outcome.error();
    }
    const batch_outcome& done = outcome.value();
    runtime::failure_point("batch_acknowledged");
    const auto overhead = bson::array_overhead_bytes(static_cast<std::size_t>(done.documents));
    const auto bytes = static_cast<std::int64_t>(next->data.documents.size()) - static_cast<std::int64_t>(overhead);
    if (w.measured != nullptr) {
      w.measured->writes.add_since(begin);
      w.measured->batch_documents.add(done.documents);
      w.measured->batch_bytes.add(bytes);
    }
    const bool another_term = state.term.known() && done.term.known() && !(state.term == done.term);
    if (mine.torn->load() || another_term || done.mixed_terms) {
      state.torn = true;
      in.abandon();
      co_return ok();
    }
    if (done.term.known()) state.term = done.term;
    state.reached.documents += done.documents;
    state.reached.bytes += bytes;
    if (next->behind) state.reached.behind = std::move(next->behind);
    counters.documents.fetch_add(done.documents, std::memory_order_relaxed);
    counters.bytes.fetch_add(bytes, std::memory_order_relaxed);
    counters.duplicates.fetch_add(done.duplicates, std::memory_order_relaxed);
    counters.refused.fetch_add(done.refused, std::memory_order_relaxed);
    advanced(state.reached, done.term);
  }
}

}  // namespace

task<result<partition_end>> copy_partition(worker& w, assignment mine, collection_counters& counters,
                                           on_advance advanced) {
  const auto lane = co_await boost::asio::this_coro::executor;
  runtime::bounded_stream<positioned_batch> batches(lane, batches_ahead, w.scope);
  writer_state state;
  state.reached = mine.from;
  std::optional<result<read_end>> read;
  std::optional<result<>> written;

  // Neither side cancels the other's scope: a failed writer abandons the stream, a failed reader closes it, and both
  // then end by themselves.
  runtime::cancel_scope pair;
  runtime::task_group group(lane, pair);
  auto reading = [&]() -> task<result<>> {
    read = co_await read_partition(w, *mine.what, mine.from.behind, batches);
    co_return ok();
  };
  auto writing = [&]() -> task<result<>> {
    written = co_await write_batches(w, mine, counters, batches, advanced, state);
    // The reader may be waiting for a server that streams; nothing else ends that wait.
    if ((written->has_error() || state.torn) && w.from) w.from->close();
    co_return ok();
  };
  group.spawn(reading());
  group.spawn(writing());
  SLUICE_CO_TRYV(co_await group.join());

  if (written->has_error()) co_return written->error();
  if (state.torn) co_return partition_end::torn;
  if (read->has_error()) co_return read->error();
  switch (read->value()) {
    case read_end::gone:
      co_return partition_end::gone;
    case read_end::overtaken:
      co_return partition_end::overtaken;
    case read_end::moved:
      co_return partition_end::moved;
    case read_end::given_up:
      co_return failure(error_kind::cancelled, "cancelled while copying " + mine.what->ns.to_string());
    case read_end::whole:
      break;
  }
  if (w.scope.cancelled()) {
    co_return failure(error_kind::cancelled, "cancelled while copying " + mine.what->ns.to_string());
  }
  state.reached.done = true;
  advanced(state.reached, state.term);
  co_return partition_end::written;
}

}  // namespace sluice::copy
