// A piece of a window, written with everything that follows from what the server says to it: inserts that find their
// `_id` become replaces, modifiers that a path stops are taken apart, and what a consistent destination would not have
// answered is noted (the free check).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/apply/write_connection.hpp"
#include "engine/apply/writer.hpp"

namespace sluice::apply {

/// Writes pieces one after another over one connection. Borrows everything; made for one window.
class piece_writer {
 public:
  piece_writer(write_connection& over, apply_counters& counters, written_window& outcome, bool check)
      : over_(over), counters_(counters), outcome_(outcome), check_(check) {}

  /// Errors: as write_connection::send; server: a write was refused, with namespace, `_id` and the server's words.
  [[nodiscard]] task<result<>> write(write_piece piece);

 private:
  using acknowledged = write_connection::acknowledged;
  [[nodiscard]] task<result<acknowledged>> send(write_piece piece);

  [[nodiscard]] task<result<>> insert(write_piece piece);
  [[nodiscard]] task<result<>> take_out(const target& to, std::span<const document_write> inserts, bool resent);
  [[nodiscard]] task<result<>> replace(write_piece piece, bool resent);
  [[nodiscard]] task<result<>> update(write_piece piece);
  [[nodiscard]] task<result<>> update_field_by_field(write_piece one);
  [[nodiscard]] task<result<>> remove(write_piece piece);

  // piece_writer_sharded.cpp: of collections whose `_id` does not say on which shard a document lies
  // (target::scattered)
  /// The documents of inserts and replaces in the place of whatever has their `_id`, on whichever shard.
  [[nodiscard]] task<result<>> put_in_place(write_piece piece, bool resent);
  [[nodiscard]] task<result<>> put_part(write_piece part, bool resent);
  [[nodiscard]] task<result<>> update_sharded(write_piece piece);
  /// An update that may take its document to another shard; false: there is no such document.
  [[nodiscard]] task<result<bool>> update_with_key(write_piece one);

  void check_replaces(const write_piece& piece, const std::vector<std::size_t>& upserted);
  [[nodiscard]] task<result<>> check_updates(write_piece piece);
  void check_removes(const write_piece& piece, std::int64_t removed);
  void note(const target& to, std::size_t documents, std::string what, std::span<const bson::element_view> ids);

  write_connection& over_;
  apply_counters& counters_;
  written_window& outcome_;
  bool check_;
};

}  // namespace sluice::apply
