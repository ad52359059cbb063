// The checkpoint: one small database on the destination, the only state that outlives the process.
//
//   __mdb_internal_sluice.run         one document: what is copied, how far the run is, who owns it
//   __mdb_internal_sluice.partitions  one document a partition: what it is and where its copy stands
//   __mdb_internal_sluice.refused     documents that the destination would not take
//
// Every write here is w: majority. Its reply's term is what fences the w: 1 writes of the data path (correctness: a
// majority write of a term makes all earlier writes of that term durable).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/owner.hpp"
#include "engine/wire/bulk_write.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::state {

inline constexpr std::string_view checkpoint_database = "__mdb_internal_sluice";
/// Raised when a stored document changes its meaning; another version's checkpoint is refused.
inline constexpr std::int32_t checkpoint_version = 1;

/// What may not change between restarts of one run; compared field by field, the difference is named.
struct run_parameters {
  std::string source_identity;
  std::string source_name;  // for messages only
  std::string destination_identity;
  std::string destination_name;  // for messages only
  std::vector<std::string> include;
  std::vector<std::string> exclude;
};

/// How far a run is: what a restart begins with.
enum class run_phase : std::uint8_t {
  planning,  // nothing was written to the destination but the checkpoint
  copying,   // partitions are stored; collections may exist
  indexing,  // all partitions are done
  completed,
};
[[nodiscard]] std::string_view to_string(run_phase phase) noexcept;

struct opened_run {
  bool fresh = true;
  run_phase phase = run_phase::planning;
  /// Positions stored by a flush up to this number were fenced. A later one (there is at most one: the process died
  /// right after writing it) is true only if the destination's term is still the one it was acknowledged in.
  std::int64_t confirmed_flush = 0;
  wire::write_term term;  // the destination's term now
};

/// Lives on the control lane; one call at a time. Every call survives elections and lost connections: it is repeated on
/// the new primary for as long as the connector is patient.
class checkpoint {
 public:
  /// Opens a connection to the destination's current primary.
  using connector = std::function<task<result<std::unique_ptr<wire::connection>>>()>;

  /// `patience`: for how long a command that meets elections and lost connections is repeated.
  checkpoint(connector connect, runtime::cancel_scope& scope,
             std::chrono::milliseconds patience = limits::retry_time_default)
      : connect_(std::move(connect)), scope_(scope), patience_(patience) {}

  /// Takes ownership of the run that is there, or begins one. Errors (refused): another pair or configuration, with the
  /// difference; another process that owns it, with host, pid and how long; another version's checkpoint.
  [[nodiscard]] task<result<opened_run>> open(run_parameters mine, process_identity self);
  /// Whether a checkpoint is there at all, without taking it.
  [[nodiscard]] task<result<bool>> exists();
  /// Forgets everything. Needs no ownership.
  [[nodiscard]] task<result<>> drop();

  [[nodiscard]] task<result<>> set_phase(run_phase phase);
  [[nodiscard]] run_phase phase() const noexcept { return phase_; }

  /// Extends the lease and notes which flush of positions is known to be fenced. Error (refused): somebody else owns
  /// the run now; nothing may be written any more.
  [[nodiscard]] task<result<>> renew(std::int64_t confirmed_flush);
  /// Ends the lease of `self`, so that the next process need not wait; nothing happens when somebody else owns the run.
  /// Needs no open() before: whose reply to open() got lost does not know whether it owns the run.
  [[nodiscard]] task<result<>> release(process_identity self);

  /// Replaces the collection's content (partitions are stored once, whole).
  [[nodiscard]] task<result<>> store(std::string_view collection, std::vector<bson::document> documents);
  /// Everything in the collection, by `_id`. A cursor dies with its connection, its node and its idle time: the read
  /// then begins anew.
  [[nodiscard]] task<result<std::vector<bson::document>>> load(std::string_view collection);

  /// One change: {_id: id} gets `set` by $set.
  struct change {
    std::string id;
    bson::document set;
  };
  /// Writes all changes with one majority command (several when they are many); the term of the reply fences every
  /// write that was acknowledged in that term before the call. Unknown term: the destination tells none.
  [[nodiscard]] task<result<wire::write_term>> write(std::string_view collection, std::vector<change> changes);
  /// Removes documents by their `_id`.
  [[nodiscard]] task<result<>> remove(std::string_view collection, std::vector<std::string> ids);
  /// Adds documents (by their `_id`; those that exist are replaced).
  [[nodiscard]] task<result<>> add(std::string_view collection, std::vector<bson::document> documents);

 private:
  [[nodiscard]] task<result<wire::reply>> run(bson::document command);
  /// Write errors with the code `expected` are none.
  [[nodiscard]] task<result<wire::reply>> run_with_array(bson::document head, std::string array_name,
                                                         bson::document array, std::int32_t expected = 0);
  [[nodiscard]] task<result<std::vector<bson::document>>> load_once(std::string_view collection);
  [[nodiscard]] task<result<>> connected();
  [[nodiscard]] task<result<wire::write_term>> take_ownership(process_identity self);
  [[nodiscard]] task<result<>> begin(run_parameters mine);

  connector connect_;
  runtime::cancel_scope& scope_;
  std::chrono::milliseconds patience_;
  std::unique_ptr<wire::connection> connection_;
  run_phase phase_ = run_phase::planning;
  std::string owner_;
};

}  // namespace sluice::state
