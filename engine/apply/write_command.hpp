// The commands that writes become: how many go together, what their bytes are, and what a reply says. Plain functions
// of their input: never a socket, never a retry (writer.hpp has those).
//
// The sketch, per 1,000 small changes: one command, one copy of each document or statement into an array that is kept
// between commands, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "engine/apply/window.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::apply {

/// Neighbouring writes of a run that go in one command. Borrows from the run.
struct write_piece {
  const target* to = nullptr;
  /// Of the command. With `replace` the writes may be inserts: those that found their `_id` there.
  write_kind kind = write_kind::insert;
  bool ordered = false;
  std::span<const document_write> writes;
};

struct piece_limits {
  std::size_t bytes_max = limits::write_command_bytes_target;  // one write may be larger
  std::size_t inserts_max = static_cast<std::size_t>(limits::batch_documents_max);
  /// A reply that says "duplicate" to each repeats the `_id` twice, once escaped (six times as long at worst), and must
  /// stay below 16 MiB: larger ones cannot be sent.
  std::size_t insert_id_bytes_max = limits::mib;
  /// An upsert's reply names the `_id` of each document that is new, an election repeats the whole command.
  std::size_t updates_max = 5'000;
  std::size_t removes_max = 5'000;
  std::size_t remove_bytes_max = limits::mib;
  /// Fewer are not worth a second connection.
  std::size_t share_min = 500;
};

/// A run as pieces for so many connections: of one kind each; of an ordered run to be sent one after the other.
[[nodiscard]] std::vector<write_piece> cut(const write_run& run, std::size_t connections,
                                           const piece_limits& bounds = {});

/// What hangs on the destination.
struct write_manner {
  /// The server knows the option (cluster/capabilities). Where it does not, documents with a top-level Timestamp(0,0)
  /// are left out of inserts (the server would put the current time there), and replaces set them by a pipeline, which
  /// keeps it (6.0.5).
  bool bypass_empty_timestamp = false;
  bool by_majority = false;  // see wire::insert_options
};

/// One command after another; keeps its memory.
class write_encoder {
 public:
  void encode(const write_piece& piece, write_manner manner);

  [[nodiscard]] const bson::document& head() const noexcept { return head_; }
  [[nodiscard]] std::string_view array_name() const noexcept { return array_name_; }
  [[nodiscard]] bson::bytes_view array() const noexcept { return array_; }
  [[nodiscard]] bool empty() const noexcept { return statements_ == 0; }
  /// Which write of the piece a statement of the reply is (inserts, replaces, updates; removes are one statement).
  [[nodiscard]] std::size_t write_of(std::size_t statement) const noexcept;
  /// Writes of the piece that must go as replaces. Of an ordered piece: the first one; what follows it is not encoded.
  [[nodiscard]] std::span<const std::size_t> left_out() const noexcept { return left_out_; }
  /// Gives back memory that an unusually large command took.
  void trim();

 private:
  void key(bson::type type, std::string_view name);
  void index(bson::type type, std::size_t number);
  void bytes(bson::bytes_view what) { array_.insert(array_.end(), what.begin(), what.end()); }
  [[nodiscard]] std::size_t open();
  void close(std::size_t at);
  void query(bson::element_view id);
  void documents(const write_piece& piece, bool bypass_empty_timestamp);
  void updates(const write_piece& piece, bool bypass_empty_timestamp);
  void deletes(const write_piece& piece);
  void make_head(const write_piece& piece, write_manner manner);

  bson::document head_;
  std::string_view array_name_;
  std::vector<std::byte> array_;
  std::size_t statements_ = 0;
  std::vector<std::size_t> left_out_;
};

/// May `document` be the `u` of a replacement? Not with a top-level name that begins with '$' (6.0.27 drops such a
/// field without a word) or one that other servers take for a path ('.', empty).
[[nodiscard]] bool plain_names(bson::document_view document) noexcept;
/// A top-level Timestamp(0,0), `_id` apart: servers put the current time there.
[[nodiscard]] bool holds_zero_timestamp(bson::document_view document) noexcept;

struct refused_statement {
  std::size_t statement = 0;
  std::int32_t code = 0;
  std::string message;  // of the first few
};

struct write_reply {
  std::int64_t n = 0;
  std::vector<std::size_t> upserted;  // statements that found no document, in order
  std::vector<refused_statement> refused;
  wire::write_term term;
};

/// Errors: a code that is worth a retry, of one statement or of the write concern, as the error of the whole.
[[nodiscard]] result<write_reply> read_write_reply(bson::document_view reply, const std::string& host);

}  // namespace sluice::apply
