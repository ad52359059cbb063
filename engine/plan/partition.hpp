// A partition: the piece of a collection that is read by one cursor, written in order and repeated as a whole if need
// be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::plan {

enum class scan_order : std::uint8_t {
  natural,  // by RecordId, on one node: cheapest, and resumable behind any record
  by_id,    // by `_id` bounds: where there are no resume tokens (mongos) or RecordIds cannot be bound to a node
};

/// A value that is stored in the checkpoint when it is made and never changed; where the copy stands is kept apart.
struct partition {
  std::string id;                                     // "<database.collection>#<number>", unique within a run
  cluster::namespace_name ns;                         // the collection that users know
  cluster::namespace_name data_ns;                    // where its documents lie (buckets of a time-series collection)
  std::optional<cluster::namespace_name> renamed_to;  // where they go, if that is called otherwise
  std::vector<std::byte> uuid;                        // the collection's identity on the source; empty through mongos
  cluster::collection_kind kind = cluster::collection_kind::plain;
  scan_order order = scan_order::natural;
  std::int32_t number = 0;  // from 0
  std::int32_t of = 1;      // partitions of this collection

  // natural: behind `after`, up to and including `until`. RecordIds mean something on one node's data only.
  std::optional<bson::document> after;  // resume token {$recordId: ...}; nothing: from the beginning
  std::optional<bson::document> until;  // nothing: to the end
  bson::document until_id;              // {_id: ...} of the record at `until`: where a batch is cut
  std::int64_t records_max = 0;         // RecordIds between `after` and `until`: the scan needs no more; 0: unknown
  wire::host_port node;
  std::string data_identity;  // local.replset.initialSyncId of that node

  // by_id: from `min` (inclusive) to `max` (exclusive), documents {_id: ...}; nothing: open.
  std::optional<bson::document> min;
  std::optional<bson::document> max;

  bson::document filter;  // which documents are copied; {}: all

  std::int64_t documents_estimate = 0;
  std::int64_t bytes_estimate = 0;
  std::int32_t batch_documents =
      0;  // chosen by average size: large enough to forget the round trip, small enough for the cache

  /// Where its documents go.
  [[nodiscard]] const cluster::namespace_name& destination() const noexcept {
    return renamed_to ? *renamed_to : data_ns;
  }
};

[[nodiscard]] bson::document to_document(const partition& p);
/// Error (protocol): a checkpoint that this version did not write.
[[nodiscard]] result<partition> partition_from(bson::document_view stored);

/// Whether a resume token lies at or behind another. Integers, or the binary keys of clustered collections.
[[nodiscard]] bool reaches(bson::document_view token, bson::document_view until);

/// Documents a batch should hold so that it has about so many bytes.
[[nodiscard]] std::int32_t batch_documents_for(std::int64_t average_document_bytes,
                                               std::size_t batch_bytes = limits::batch_bytes_target);

}  // namespace sluice::plan
