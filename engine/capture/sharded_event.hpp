// What a change stream through a mongos says, in the form in which an oplog says it: one event in, the entry that it
// stands for out. A plain function of bytes; knows no connections.
//
// Events as every version gives them (4.4 and newer, seen on 5.0.4), asked for without anything more:
//   {operationType: "insert" | "replace" | "update" | "delete", clusterTime, ns: {db, coll}, documentKey, fullDocument}
//   {operationType: "drop" | "rename" | "dropDatabase", clusterTime, ns, to}
// Collections have no UUID: entries go by name. Collections and views that are made, indexes and collMod are not told.
//
// Two kinds cannot be taken at their word, so the document is read again where the entry is captured:
//   update  what changed is told as paths, in which "a.0" is an element of an array or a field called 0, and in which
//   the
//           order of new fields is lost
//   delete  a document whose shard key changes moves by a transaction; the two shards write its end at times of their
//   own,
//           and the insert on the one may come before the delete on the other. Nor need an `_id` be gone from all
//           shards when it is deleted on one
#pragma once

#include <string>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

struct sharded_event {
  bson::timestamp at;
  /// {ts, op, ns, o, o2}. Of one to be read again: what holds if the document is not there (an update then stands for
  /// nothing: its end is told by a later event); `o` is {_id}.
  bson::document entry;
  bool read_again = false;

  [[nodiscard]] std::string_view op() const { return entry.view().find("op").as_string().value_or(""); }
  [[nodiscard]] std::string_view ns() const { return entry.view().find("ns").as_string().value_or(""); }
  /// Of a document's.
  [[nodiscard]] bson::element_view id() const { return entry.view().at("o", "_id"); }
};

/// `event` is validated. Error (protocol): an event that this version does not know or that lacks something; it is in
/// the message.
[[nodiscard]] result<sharded_event> read_sharded_event(bson::document_view event);

/// The entry of `told` once its document has been read: the whole of it, as an update.
[[nodiscard]] bson::document entry_of_document(const sharded_event& told, bson::document_view document);

}  // namespace sluice::capture
