// Reading the same documents of both sides: a part of a collection in order, or some by their `_id`.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/plan/partition.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/result.hpp"
#include "engine/verify/recheck_list.hpp"
#include "engine/verify/side_by_side.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::verify {

/// One of the two to read from. A side's memory is its own: neither waits for what the other holds.
struct reading_end {
  wire::connection& node;
  runtime::buffer_pool& pool;
  bool exhaust = false;  // it can stream
};

/// What was read; called after each batch.
using on_read = std::function<void(side of, std::size_t documents)>;
/// Takes documents in doubt ({_id: ...}), and waits while there are too many. False: nobody takes more.
using on_doubt = std::function<task<bool>(std::vector<bson::document>)>;

/// The find for a part on one side. In the order of `_id`, which both sides have; buckets of a time-series in that of
/// their storage, which is the same. A plain function for tests.
[[nodiscard]] bson::document find_part(const plan::partition& what, side of);

/// Compares a part. Of a capped collection every document of the source is in doubt: the destination keeps what the
/// source has dropped until the commit, so that the two cannot be read beside each other. Errors: the servers'
/// (NamespaceNotFound where the collection is gone), network, protocol. Ends early, without an error, when `doubts`
/// says so. Both connections are free afterwards, or closed.
[[nodiscard]] task<result<>> compare_part(reading_end source, reading_end destination, const plan::partition& what,
                                          on_read read, on_doubt doubts);

/// What some documents are on one side, in the order of `ids`, and the time of the reply (no state in it is newer).
struct digests {
  std::vector<digest> of;
  bson::timestamp at;
};
/// `filter`: which documents count ({}: all). Errors: the server's, network, protocol.
[[nodiscard]] task<result<digests>> read_digests(reading_end from, cluster::namespace_name ns,
                                                 const std::vector<bson::document>& ids, bson::document filter);

/// What is different, in a few words, by reading both once more: "is missing on the destination", "differs in a.b".
/// `filter`: which documents of the source count.
[[nodiscard]] task<result<std::string>> describe(wire::connection& source, cluster::namespace_name source_ns,
                                                 wire::connection& destination, cluster::namespace_name destination_ns,
                                                 bson::document id, bson::document filter);

}  // namespace sluice::verify
