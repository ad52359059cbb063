// One change of the source: a view into the bytes that it arrived in.
#pragma once

#include <cstdint>
#include <string_view>

#include "bson/document_view.hpp"

namespace sluice::capture {

enum class change_kind : std::uint8_t {
  insert,   // o: the document
  update,   // o: {$v: 2, diff} | {$v: 1, $set, $unset} | $set/$unset without $v | a whole document; o2: {_id, ...}
  remove,   // o: {_id, ...}
  command,  // o: the command as the oplog holds it (create, drop, collMod, ...); ns is "db.$cmd"
};

/// Valid while the owner that change_reader gives with it lives.
struct change {
  change_kind kind = change_kind::insert;
  /// When it took effect: a change of a transaction has the time of its commit.
  bson::timestamp at;
  std::string_view ns;    // "db.collection"
  bson::bytes_view uuid;  // 16 bytes; empty where the entry has none (views, some commands)
  bson::document_view o;
  bson::document_view o2;     // the empty document where there is none
  bson::document_view whole;  // the entry (of a transaction: the inner operation), for messages
};

}  // namespace sluice::capture
