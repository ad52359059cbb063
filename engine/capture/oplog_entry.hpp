// One entry of an oplog, taken apart into views: nothing is copied or allocated. Knows the shapes that servers write,
// decides nothing about them.
//
//   {ts, t, op: "i" | "u" | "d", ns: "db.c", ui, o, o2}
//   {ts, t, op: "c", ns: "db.$cmd", ui, o: {create: "c", ...}, o2}
//   {ts, t, op: "c", ns: "admin.$cmd", lsid, txnNumber, prevOpTime,
//    o: {applyOps: [{op, ns, ui, o, o2}, ...], partialTxn | prepare | count}}
//   {ts, t, op: "n", ...}                                                       a note, a heartbeat, an image
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

enum class entry_kind : std::uint8_t {
  nothing,  // n
  insert,
  update,
  remove,
  command,
  unknown,  // an operation that this version has never heard of
};

/// Valid while the bytes that it was read from are.
struct oplog_entry {
  entry_kind kind = entry_kind::unknown;
  bson::timestamp at;  // ts; {0, 0} in an operation inside of applyOps
  std::string_view ns;
  bson::bytes_view uuid;  // empty where there is none
  bson::document_view o;
  bson::document_view o2;
  bson::document_view whole;

  // Of operations in a session (transactions and retryable writes).
  bson::bytes_view session;                // lsid's bytes; empty where there is none
  std::optional<std::int64_t> txn_number;  // which of the session's
  bson::timestamp previous;                // prevOpTime.ts; {0, 0} where there is none
  /// multiOpType, from 7.0 on: 0 is a transaction, 1 inserts that are retryable one by one. Nobody knows of others.
  std::int64_t multi_op_type = 0;
};

/// `entry` is validated. `inner`: an operation inside of applyOps, which has no time of its own. Error (protocol): a
/// field is missing or has another type than every server gives it; the entry is in the message.
[[nodiscard]] result<oplog_entry> read_entry(bson::document_view entry, bool inner = false);

/// What the command in an entry is, by its name (the first field of `o`).
enum class command_kind : std::uint8_t {
  catalog,             // DDL
  harmless,            // changes neither documents nor catalog
  apply_ops,           // operations, in place or of a transaction
  commit_transaction,  // of a prepared transaction
  abort_transaction,
  unknown,
};
[[nodiscard]] command_kind kind_of_command(bson::document_view o) noexcept;

/// What an applyOps entry holds.
struct apply_ops {
  bson::document_view operations;  // an array's bytes; each element is a document (checked)
  bool partial = false;            // more entries of this transaction follow
  bool prepare = false;            // it takes effect at commitTransaction
};
/// Error (protocol): `o` has no such array; the entry is in the message.
[[nodiscard]] result<apply_ops> read_apply_ops(const oplog_entry& entry);

/// For messages: extended JSON, cut after a few hundred characters.
[[nodiscard]] std::string describe(bson::document_view entry);
/// "Timestamp(1700000000, 3)".
[[nodiscard]] std::string describe(bson::timestamp at);

}  // namespace sluice::capture
