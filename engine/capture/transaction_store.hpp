// Transactions that have begun and not ended: their operations are held back until it is known whether they happened.
// In memory as far as allowed, the rest in files. Decides by sessions and times alone and never looks into documents.
//
// A transaction is a chain of applyOps entries: each names the one before it (prevOpTime). One whose first entries were
// never seen is remembered as such: it matters only if it commits.
#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "engine/capture/oplog_entry.hpp"
#include "engine/capture/transaction_file.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

/// The bytes of one applyOps entry, validated.
using transaction_piece = std::shared_ptr<const std::vector<std::byte>>;

/// What all transactions of a store hold; counted as pieces come and go.
struct transaction_usage {
  std::size_t memory_bytes = 0;
  std::size_t file_bytes = 0;
};

/// One chain. Given out by the store when it ends; must not outlive it.
class transaction {
 public:
  transaction(const oplog_entry& begin, bool whole, transaction_usage& usage);
  ~transaction();
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  [[nodiscard]] bson::timestamp first() const noexcept { return first_; }
  /// False: it began before what was read; the entry before its first one that was, is from `before()`.
  [[nodiscard]] bool whole() const noexcept { return whole_; }
  [[nodiscard]] bson::timestamp before() const noexcept { return before_; }
  /// The next piece in order, which then belongs to the caller; null at the end.
  [[nodiscard]] result<transaction_piece> take_piece();

 private:
  friend class transaction_store;
  [[nodiscard]] bool continued_by(const oplog_entry& entry) const noexcept;

  std::vector<std::byte> session_;
  std::optional<std::int64_t> number_;
  bson::timestamp first_;
  bson::timestamp last_;
  bson::timestamp before_;
  bool whole_;
  bool prepared_ = false;
  std::deque<transaction_piece> in_memory_{};
  std::unique_ptr<transaction_file> in_file_{};  // what came after those
  transaction_usage& usage_;
};

class transaction_store {
 public:
  transaction_store(std::size_t memory_bytes_max, std::filesystem::path folder)
      : memory_bytes_max_(memory_bytes_max), folder_(std::move(folder)) {}

  /// Keeps an entry that begins or continues a transaction. Errors: protocol: its place in the chain is not where the
  /// chain ends; storage.
  [[nodiscard]] result<> keep(const oplog_entry& entry, bool prepare);
  /// Hears that a session begins a transaction, which need not be kept: an unprepared one that it still had open ended
  /// without a word (its primary died). Error (protocol): the open one is prepared, so it cannot have.
  [[nodiscard]] result<> session_begins_anew(const oplog_entry& entry);
  /// The transaction that `entry` (its last applyOps, its commitTransaction) commits; null where none is open. Error
  /// (protocol): as keep().
  [[nodiscard]] result<std::unique_ptr<transaction>> commit(const oplog_entry& entry);
  /// Drops the transaction that `entry` aborts, if it is open.
  void abort(const oplog_entry& entry);

  [[nodiscard]] std::size_t count() const noexcept { return open_.size(); }
  [[nodiscard]] const transaction_usage& usage() const noexcept { return usage_; }
  /// When the oldest one began.
  [[nodiscard]] std::optional<bson::timestamp> oldest() const noexcept;

 private:
  using open_list = std::vector<std::unique_ptr<transaction>>;
  [[nodiscard]] open_list::iterator find(const oplog_entry& entry);
  [[nodiscard]] result<> add_piece(transaction& to, bson::bytes_view entry);

  std::size_t memory_bytes_max_;
  std::filesystem::path folder_;
  transaction_usage usage_{};
  open_list open_{};  // few: a server bears some hundred
};

}  // namespace sluice::capture
