// What a change stream says, in the form in which an oplog says it: one event in, the entries that it stands for out. A
// plain function of bytes; knows no connections.
//
// Events of 6.0.27, asked for with showExpandedEvents, showSystemEvents, showRawUpdateDescription:
//   {operationType: "insert" | "update" | "replace" | "delete", clusterTime, ns: {db, coll}, collectionUUID,
//    documentKey, fullDocument, rawUpdateDescription}     the last is the oplog's own diff: nothing is read anew
//   {operationType: "create" | "modify" | "drop" | "rename" | "createIndexes" | "dropIndexes" | "dropDatabase",
//    operationDescription, ...}                            of views without collectionUUID, named as themselves
// Those of one transaction have one clusterTime.
#pragma once

#include <optional>
#include <vector>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

struct stream_event {
  bson::timestamp at;
  std::vector<bson::document> entries;  // {ts, op, ns, ui, o, o2}: no term, no session
};

/// `event` is validated. Error (protocol): an event that this version does not know or that lacks something; it is in
/// the message.
[[nodiscard]] result<stream_event> read_stream_event(bson::document_view event);

/// The time in a resume token ({_data: "82" and eight bytes, then what we need not know}); nothing if it has none.
[[nodiscard]] std::optional<bson::timestamp> time_of_token(bson::document_view token);

}  // namespace sluice::capture
