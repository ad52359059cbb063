// The checkpoint: one small database on the destination, the only state that outlives the process.
//
//   __mdb_internal_sluice.run         one document: what is copied, how far the run is, who owns it
//   __mdb_internal_sluice.partitions  one document a partition: what it is and where its copy stands
//   __mdb_internal_sluice.refused     documents that the destination would not take
//   __mdb_internal_sluice.catalog     one document a collection: what the source was when the run began
//   __mdb_internal_sluice.mapped      one document a collection: where it lives on the destination by now
//   __mdb_internal_sluice.accounts    one document a user or role that the run makes, noted before it does
//   __mdb_internal_sluice.apply       one document: up to where the source's changes are on the destination
//
// A run that has a name among several (checkpoint_name.hpp) has that in its database's.
//
// Every write here is w: majority. Its reply's term is what fences the w: 1 writes of the data path (correctness: a
// majority write of a term makes all earlier writes of that term durable).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "bson/document.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/mutex.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/checkpoint_name.hpp"
#include "engine/state/lease.hpp"
#include "engine/state/owner.hpp"
#include "engine/state/run_document.hpp"
#include "engine/wire/bulk_write.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::state {

/// Up to where the source's changes are on the destination, and from where a capture must read again to go on from
/// there (earlier, when a transaction was open).
struct position {
  bson::timestamp applied;
  bson::timestamp resume_from;
  friend bool operator==(const position&, const position&) = default;
};

/// Lives on the control lane. Several coroutines of that lane may call at once: the calls are served one after another.
/// Every call survives elections and lost connections: it is repeated on the new primary for as long as the connector
/// is patient. Cancelled by the scope that it was made with.
class checkpoint {
 public:
  /// Opens a connection to the destination's current primary.
  using connector = std::function<task<result<std::unique_ptr<wire::connection>>>()>;

  /// `patience`: for how long a command that meets elections and lost connections is repeated.
  checkpoint(connector connect, runtime::cancel_scope& scope,
             std::chrono::milliseconds patience = limits::retry_time_default,
             std::chrono::milliseconds lease_time = limits::lease_time,
             std::string database = std::string(checkpoint_database))
      : connect_(std::move(connect)),
        scope_(scope),
        patience_(patience),
        database_(std::move(database)),
        lease_(lease_time) {}

  // --- the run ---

  /// Takes ownership of the run that is there, or begins one. Errors (refused): another pair or configuration, with the
  /// difference; another process that owns it, with host, pid and how long; another version's checkpoint.
  [[nodiscard]] task<result<opened_run>> open(run_parameters mine, process_identity self);
  /// Whether a checkpoint is there at all, without taking it.
  [[nodiscard]] task<result<bool>> exists();
  /// Forgets everything that is in the database. Needs no ownership.
  [[nodiscard]] task<result<>> drop();
  /// The same for the run of anybody, whatever it was told. Error (refused): the process that owns it lives.
  [[nodiscard]] task<result<>> drop_unless_owned(process_identity self);

  // The document of the run; only its owner writes it. Error (refused): somebody else owns the run now.
  [[nodiscard]] task<result<>> set_phase(run_phase phase);
  [[nodiscard]] run_phase phase() const noexcept { return phase_; }
  /// "run", "pause" or "commit".
  [[nodiscard]] task<result<>> set_wish(std::string wish);
  /// Each field replaces the fact of that name; other facts stay. Names hold no dots.
  [[nodiscard]] task<result<>> set_facts(bson::document facts);

  // --- the lease ---

  /// Extends the lease and notes which flush of positions is known to be fenced. Error (refused): somebody else owns
  /// the run now; nothing may be written any more.
  [[nodiscard]] task<result<>> renew(std::int64_t confirmed_flush);
  /// Renews the lease every third of its time until `until` is cancelled, which is no error. Returns once a renewal
  /// that is under way has ended. Errors: as renew.
  [[nodiscard]] task<result<>> keep_lease(runtime::cancel_scope& until);
  /// Whether the run is still ours by the clock of this machine, with some time in hand. From any thread, without
  /// waiting: whoever writes to the destination asks before each command, so that a process which was frozen for longer
  /// than its lease writes nothing when it wakes up.
  [[nodiscard]] bool lease_is_fresh() const noexcept { return lease_.is_fresh(); }
  /// Another process was found to own the run: what it has set up meanwhile is not ours to undo.
  [[nodiscard]] bool is_taken_over() const noexcept { return taken_over_; }
  /// Ends the lease of `self`, so that the next process need not wait; nothing happens when somebody else owns the run.
  /// Needs no open() before: whose reply to open() got lost does not know whether it owns the run.
  [[nodiscard]] task<result<>> release(process_identity self);

  // --- positions of applying; after open() ---

  /// Stores `at`; everything written to the destination since the last durable position was acknowledged in
  /// `written_in` (unknown: nothing was written since; or through a mongos, which tells no terms and where this is the
  /// best that can be said). True: durable. False: the destination's term changed since, what was written after the
  /// last durable position may be gone; apply again from there before storing another one.
  /// Error (refused): somebody else owns the run now; nothing was stored.
  [[nodiscard]] task<result<bool>> store_position(position at, wire::write_term written_in);
  /// The newest position that is known to be durable; nothing when there is none. `now`: the destination's present
  /// term, as opened_run.term; a position that only its term proves does not count when `now` is an older one.
  [[nodiscard]] task<result<std::optional<position>>> load_position(wire::write_term now);

  /// Adds or replaces documents of "mapped" by their `_id`s (collection_map writes them), and removes those of the
  /// collections that have these source UUIDs. What is in both stays; of several for one `_id` the last one counts.
  [[nodiscard]] task<result<>> store_mapped(std::vector<bson::document> mapped,
                                            std::vector<std::vector<std::byte>> unmapped);

  // --- any collection ---

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
  // Every *_now is one call's work, done while it is that call's turn. They use each other, never the public ones.
  template <class T>
  [[nodiscard]] task<result<T>> in_turn(task<result<T>> work) {
    SLUICE_CO_TRY(const auto turn, co_await turn_.lock(scope_));
    auto outcome = co_await std::move(work);
    co_return outcome;
  }

  // checkpoint.cpp
  [[nodiscard]] task<result<opened_run>> open_now(run_parameters mine, process_identity self);
  [[nodiscard]] task<result<bool>> exists_now();
  [[nodiscard]] task<result<>> begin(run_parameters mine);
  [[nodiscard]] task<result<bson::document>> take_ownership(process_identity self);
  [[nodiscard]] task<result<std::optional<bson::document>>> load_run();
  [[nodiscard]] task<result<>> drop_now(bool all);
  [[nodiscard]] task<result<>> drop_unless_owned_now(process_identity self);
  [[nodiscard]] task<result<std::vector<std::string>>> collection_names();
  [[nodiscard]] task<result<wire::write_term>> change_run(bson::document update);
  [[nodiscard]] task<result<>> set_phase_now(run_phase phase);
  [[nodiscard]] task<result<>> set_now(bson::document fields);
  [[nodiscard]] task<result<>> renew_now(std::optional<std::int64_t> confirmed_flush);
  [[nodiscard]] task<result<>> release_now(process_identity self);
  [[nodiscard]] error taken_over();

  // checkpoint_position.cpp
  struct claimed;
  [[nodiscard]] task<result<claimed>> claim_positions();
  [[nodiscard]] result<> settle_positions(const claimed& claim, wire::write_term now);
  [[nodiscard]] task<result<bool>> store_position_now(position at, wire::write_term written_in);
  [[nodiscard]] task<result<std::optional<position>>> load_position_now(wire::write_term now);
  [[nodiscard]] task<result<>> store_mapped_now(std::vector<bson::document> mapped,
                                                std::vector<std::vector<std::byte>> unmapped);

  // checkpoint_data.cpp
  [[nodiscard]] task<result<>> connected();
  [[nodiscard]] std::string where() const;  // for messages, while connected
  [[nodiscard]] task<result<wire::reply>> run(bson::document command);
  /// Write errors with the code `expected` are none.
  [[nodiscard]] task<result<wire::reply>> run_write(bson::document command, std::int32_t expected = 0);
  [[nodiscard]] task<result<wire::reply>> run_with_array(bson::document head, std::string array_name,
                                                         bson::document array, std::int32_t expected = 0);
  [[nodiscard]] task<result<>> store_now(std::string_view collection, std::vector<bson::document> documents);
  [[nodiscard]] task<result<std::vector<bson::document>>> load_now(std::string_view collection);
  [[nodiscard]] task<result<std::vector<bson::document>>> load_once(std::string_view collection);
  [[nodiscard]] task<result<wire::write_term>> write_now(std::string_view collection, std::vector<change> changes);
  [[nodiscard]] task<result<>> remove_now(std::string_view collection, std::vector<std::string> ids);
  [[nodiscard]] task<result<>> add_now(std::string_view collection, std::vector<bson::document> documents);

  connector connect_;
  runtime::cancel_scope& scope_;
  std::chrono::milliseconds patience_;
  std::string database_;
  runtime::mutex turn_;
  std::unique_ptr<wire::connection> connection_;
  boot_clock::time_point sent_at_{};  // when the command that was answered last was sent
  run_phase phase_ = run_phase::planning;
  std::string owner_;       // the token under which this object owns the run
  std::int64_t epoch_ = 0;  // counts the run's owners: what an earlier one still sends is told by it
  lease lease_;
  bool taken_over_ = false;

  bool positions_claimed_ = false;
  std::int64_t position_number_ = 0;  // of the position stored last; counted over all restarts
  std::optional<position> durable_;   // the newest one known to be
  std::int64_t durable_number_ = 0;   // its number; 0: it is nobody's `now`
};

}  // namespace sluice::state
