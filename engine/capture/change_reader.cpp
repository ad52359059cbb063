#include "engine/capture/change_reader.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "bson/validate.hpp"
#include "engine/capture/oplog_entry.hpp"
#include "engine/capture/oplog_entry_filter.hpp"
#include "engine/capture/transaction_store.hpp"

namespace sluice::capture {

namespace {

change_kind kind_of_change(entry_kind kind) noexcept {
  switch (kind) {
    case entry_kind::insert:
      return change_kind::insert;
    case entry_kind::update:
      return change_kind::update;
    case entry_kind::remove:
      return change_kind::remove;
    default:
      return change_kind::command;
  }
}

error not_known(const oplog_entry& entry) {
  return failure(error_kind::protocol,
                 "the oplog holds an operation that this version does not know, so what it does "
                 "cannot be repeated: " +
                     describe(entry.whole) + "; exclude its namespace, or migrate with a version that knows it");
}

error begun_before(const oplog_entry& entry, bson::timestamp before) {
  return failure(error_kind::protocol, "the transaction that commits at " + describe(entry.at) +
                                           " began before what was read of the oplog (its entry of " +
                                           describe(before) +
                                           " is missing): reading must begin at its first entry; start the migration "
                                           "anew");
}

}  // namespace

struct change_reader::inner {
  explicit inner(reader_options given)
      : filter(std::move(given.filter)),
        applied(given.applied),
        reached(given.applied),
        underway(given.applied),
        store(given.transaction_bytes_max, std::move(given.spill_folder)) {}

  // --- one level of applyOps that is being walked; inner ones lie on top ---
  struct level {
    bson::document_view::iterator at;
    bson::document_view::iterator end;
  };

  result<std::optional<change>> next() {
    for (;;) {
      if (!levels.empty()) {
        SLUICE_TRY(auto found, next_operation());
        if (found) return found;
      } else if (committing) {
        SLUICE_TRYV(next_piece());
      } else if (!chunk) {
        return std::optional<change>{};
      } else if (offset == chunk->entries.size()) {
        SLUICE_TRYV(finish_chunk());
      } else {
        SLUICE_TRY(auto found, next_entry());
        if (found) return found;
      }
    }
  }

  /// The entry at `offset`, checked: everything behind this walks it unchecked.
  result<oplog_entry> read_at_offset() {
    const bson::bytes_view rest = bson::bytes_view(chunk->entries).subspan(offset);
    std::int32_t length = 0;
    if (rest.size() >= sizeof length) std::memcpy(&length, rest.data(), sizeof length);
    const auto place = [this] { return " (entry " + std::to_string(entries) + " of its chunk)"; };
    if (length < 5 || static_cast<std::size_t>(length) > rest.size())
      return failure(error_kind::protocol, "a captured oplog entry has an impossible length" + place());
    const auto bytes = rest.first(static_cast<std::size_t>(length));
    // Documents nest up to 180 levels (200 inside the server), and an entry adds four around them.
    if (const auto fault = bson::validate(bytes, {.depth_max = bson::validate_depth_limit, .check_utf8 = false}))
      return failure(error_kind::protocol,
                     "a captured oplog entry is no valid BSON" + place() + ": " + std::string(fault->reason));
    SLUICE_TRY(auto entry, read_entry(bson::document_view(bytes.data())));
    if (entry.at < newest)
      return failure(error_kind::protocol, "the oplog goes back from " + describe(newest) + " to " +
                                               describe(entry.at) + ": it was not captured in order");
    newest = entry.at;
    offset += bytes.size();
    ++entries;
    return entry;
  }

  result<std::optional<change>> next_entry() {
    SLUICE_TRY(const auto entry, read_at_offset());
    // Entries of one time (a change stream gives a transaction's that way) are given out together or not at all, so
    // what is underway counts only when something later is seen.
    if (entry.at > underway) {
      reached = std::max(reached, underway);
      underway = entry.at;
    }
    time = entry.at;
    current_owner = chunk_owner;
    const auto command = entry.kind == entry_kind::command ? kind_of_command(entry.o) : command_kind::unknown;
    if (command == command_kind::apply_ops) {
      SLUICE_TRYV(take_apply_ops(entry));
    } else if (command == command_kind::commit_transaction) {
      SLUICE_TRYV(commit(entry));
    } else if (command == command_kind::abort_transaction) {
      store.abort(entry);
    } else if (entry.at > applied) {
      return take(entry);
    }
    return std::optional<change>{};
  }

  /// An entry or inner operation that stands for itself.
  result<std::optional<change>> take(const oplog_entry& entry) {
    switch (entry.kind) {
      case entry_kind::nothing:
        return std::optional<change>{};
      case entry_kind::insert:
      case entry_kind::update:
      case entry_kind::remove: {
        SLUICE_TRY(const bool taken, filter.takes_data(entry));
        if (!taken) return std::optional<change>{};
        break;
      }
      case entry_kind::command: {
        const auto command = kind_of_command(entry.o);
        if (command == command_kind::harmless) return std::optional<change>{};
        if (command != command_kind::catalog) return refuse_unless_elsewhere(entry);
        SLUICE_TRY(const bool taken, filter.takes_command(entry));
        if (!taken) return std::optional<change>{};
        break;
      }
      case entry_kind::unknown:
        return refuse_unless_elsewhere(entry);
    }
    // fromMigrate is no reason to leave one out: convertToCapped sets it on a replica set too (4.4 - 6.0), and the
    // oplogs of shards, where it marks documents that only move, are never read.
    return std::optional<change>(change{.kind = kind_of_change(entry.kind),
                                        .at = time,
                                        .ns = entry.ns,
                                        .uuid = entry.uuid,
                                        .o = entry.o,
                                        .o2 = entry.o2,
                                        .whole = entry.whole});
  }

  result<std::optional<change>> refuse_unless_elsewhere(const oplog_entry& entry) {
    const auto database = entry.ns.substr(0, entry.ns.find('.'));
    if (database.empty()) return not_known(entry);
    SLUICE_TRY(const bool may_be_ours, filter.may_take_from(database));
    if (!may_be_ours) return std::optional<change>{};
    return not_known(entry);
  }

  // --- transactions ---

  result<> take_apply_ops(const oplog_entry& entry) {
    SLUICE_TRY(const auto holds, read_apply_ops(entry));
    if (entry.multi_op_type != 0 && entry.multi_op_type != 1) return not_known(entry);
    // Of a chain: everything in a session but inserts that are retryable one by one (7.0), and large writes outside of
    // any session (7.1). What is left are applyOps commands of clients and small batches: they stand for themselves.
    const bool chained = entry.multi_op_type == 0 && (entry.txn_number || entry.previous != bson::timestamp{});
    if (entry.multi_op_type == 0 && (holds.partial || holds.prepare)) return store.keep(entry, holds.prepare);
    if (chained && entry.previous != bson::timestamp{}) {
      SLUICE_TRYV(commit(entry));
      tail = entry.at > applied ? std::optional(holds.operations) : std::nullopt;
      return ok();
    }
    if (chained) {
      SLUICE_TRYV(store.session_begins_anew(entry));
    }
    if (entry.at > applied) enter(holds.operations);
    return ok();
  }

  /// `entry` is the last of its transaction: what was held back comes out, unless it did in an earlier process.
  result<> commit(const oplog_entry& entry) {
    SLUICE_TRY(committing, store.commit(entry));
    if (entry.at <= applied) {
      committing.reset();
      return ok();
    }
    if (!committing) return begun_before(entry, entry.previous);
    if (!committing->whole()) return begun_before(entry, committing->before());
    return ok();
  }

  result<> next_piece() {
    SLUICE_TRY(auto piece, committing->take_piece());
    if (piece) {
      SLUICE_TRY(const auto entry, read_entry(bson::document_view(piece->data())));
      SLUICE_TRY(const auto holds, read_apply_ops(entry));
      enter(holds.operations);
      current_owner = std::shared_ptr<const void>(std::move(piece));
      return ok();
    }
    committing.reset();
    current_owner = chunk_owner;
    if (tail) enter(*std::exchange(tail, std::nullopt));
    return ok();
  }

  void enter(bson::document_view operations) { levels.push_back({operations.begin(), operations.end()}); }

  result<std::optional<change>> next_operation() {
    auto& top = levels.back();
    if (top.at == top.end) {
      levels.pop_back();
      return std::optional<change>{};
    }
    const auto operation = *top.at->as_document();  // read_apply_ops has looked
    ++top.at;
    SLUICE_TRY(const auto entry, read_entry(operation, true));
    if (entry.kind == entry_kind::command && kind_of_command(entry.o) == command_kind::apply_ops) {
      SLUICE_TRY(const auto holds, read_apply_ops(entry));
      enter(holds.operations);
      return std::optional<change>{};
    }
    return take(entry);
  }

  result<> finish_chunk() {
    if (entries != chunk->count)
      return failure(error_kind::protocol, "a chunk of captured oplog entries says that it holds " +
                                               std::to_string(chunk->count) + ", and holds " + std::to_string(entries));
    newest = std::max(newest, chunk->seen_until);
    underway = std::max(underway, newest);
    reached = underway;
    chunk.reset();
    return ok();
  }

  oplog_entry_filter filter;
  bson::timestamp applied;
  bson::timestamp reached;   // every change at or before was given out
  bson::timestamp underway;  // the newest time whose changes have begun to come out; never below reached
  bson::timestamp newest;    // read; below the others while only transactions' beginnings are read
  bson::timestamp time;      // of the changes that come out now

  shared_chunk chunk;  // null when used up
  std::shared_ptr<const void> chunk_owner;
  std::shared_ptr<const void> current_owner;
  std::size_t offset = 0;
  std::uint32_t entries = 0;

  transaction_store store;
  std::unique_ptr<transaction> committing{};  // goes before the store does
  std::optional<bson::document_view> tail;    // operations of the entry that commits it
  std::vector<level> levels;
};

change_reader::change_reader(reader_options options) : inner_(std::make_unique<inner>(std::move(options))) {}
change_reader::~change_reader() = default;

void change_reader::give(shared_chunk chunk) {
  assert(!inner_->chunk && inner_->levels.empty() && !inner_->committing);
  inner_->chunk_owner = chunk;
  inner_->chunk = std::move(chunk);
  inner_->offset = 0;
  inner_->entries = 0;
}

result<std::optional<change>> change_reader::next() {
  return inner_->next();
}

const std::shared_ptr<const void>& change_reader::owner() const noexcept {
  return inner_->current_owner;
}

bson::timestamp change_reader::position() const noexcept {
  return inner_->reached;
}

bson::timestamp change_reader::resume_from() const noexcept {
  bson::timestamp from = inner_->reached;
  if (const auto oldest = inner_->store.oldest()) from = std::min(from, *oldest);
  if (inner_->committing) from = std::min(from, inner_->committing->first());
  return from;
}

change_reader::open_transactions change_reader::open() const noexcept {
  const auto& usage = inner_->store.usage();
  return {inner_->store.count() + (inner_->committing ? 1U : 0U), usage.memory_bytes, usage.file_bytes};
}

}  // namespace sluice::capture
