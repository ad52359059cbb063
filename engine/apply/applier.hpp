// The applier: takes changes out of the spool in their order, writes them in windows, stops at each catalog change to
// apply that alone, and says how far the destination is. The sequence of the apply phase; the decisions are in window
// (what is written), ddl (what the catalog becomes) and the caller's checkpoint (what is durable).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "engine/apply/checkpointing.hpp"
#include "engine/apply/collection_map.hpp"
#include "engine/apply/ddl.hpp"
#include "engine/apply/window.hpp"
#include "engine/apply/witness.hpp"
#include "engine/apply/writer.hpp"
#include "engine/capture/change_reader.hpp"
#include "engine/capture/spool.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/cluster/migration_scope.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::apply {

/// Where applying stands; read by any thread.
struct apply_position {
  std::atomic<std::uint64_t> applied{0};  // seconds << 32 | increment: every change up to here is on the destination
  std::atomic<bool> consistent{false};    // past the consistency point
  std::atomic<std::int64_t> applied_at_ms{0};  // steady clock: when `applied` last moved
};

struct applier_options {
  capture::reader_options reading;
  window_limits window;
  writer_options writing;
  index_policy indexes;
  cluster::migration_scope scope;
  /// Up to here the destination may already contain changes that are applied again; the free check begins behind it.
  bson::timestamp consistent_from;
  /// False: changes may be of documents as they were later than they say (of a sharded cluster), so that what they find
  /// means nothing.
  bool free_check = true;
  std::chrono::milliseconds checkpoint_every{1000};
  /// Windows begin no closer to each other while there is little to do: at a steady rate one costs as much for a few
  /// changes as for a hundred. A change that comes after quiet does not wait.
  std::chrono::milliseconds gather_time{20};
  /// Told of each change before it happens; outlives the applier. Nobody by default.
  witness* seen_by = nullptr;
};

using make_durable = std::function<task<result<checkpoint_verdict>>(checkpoint_request)>;

enum class apply_end : std::uint8_t {
  reached,  // everything up to the goal is applied and durable
  torn,     // start again from the last durable position
};

/// Lives on its lane. Windows are built while the one before is being written: while the source is slow each is what
/// has come in meanwhile (tens of milliseconds of lag), while it is fast each is full.
///
/// `from` must be at its place (spool::seek) and outlive the applier; `map` is the applier's own while run() runs.
class applier {
 public:
  applier(boost::asio::any_io_executor lane, boost::asio::any_io_executor spool_lane, capture::spool& from,
          cluster::deployment source, cluster::deployment destination, collection_map& map, applier_options options,
          apply_counters& counters, apply_position& position, make_durable checkpoint, runtime::cancel_scope& scope);
  ~applier();

  /// Applies until a goal is set and reached (see stop_at), or an election tears it. May be called again after
  /// `reached`: it goes on where it stopped. After `torn` or an error the applier is of no further use; what was under
  /// way has ended. Errors: those of the spool, the reader, the window, the writer, DDL and the checkpoint; cancelled.
  [[nodiscard]] task<result<apply_end>> run();
  /// run() ends when everything up to `goal` is applied and durable, however much lies behind it: of that little more
  /// than a window is applied, and no catalog change. On the applier's lane.
  void stop_at(bson::timestamp goal);

 private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

}  // namespace sluice::apply
