// The way into the destination: an array of documents as one insert command, and what the server answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::wire {

/// Which reign of which primary acknowledged a write. Two writes of the same term are either both in a later majority
/// write of that term's history or the term has changed.
struct write_term {
  std::int64_t term = -1;
  bson::object_id election{};
  [[nodiscard]] bool known() const noexcept { return term >= 0; }
  friend bool operator==(const write_term&, const write_term&) = default;
};
/// From `opTime.t` and `electionId` of a write reply; unknown through mongos, which gives neither.
[[nodiscard]] write_term term_of_reply(bson::document_view reply);

/// A document that the server refused, by its place in the array.
struct refused_document {
  std::int32_t index = 0;
  std::int32_t code = 0;
  std::string message;
};

struct insert_outcome {
  std::int64_t inserted = 0;
  std::int64_t duplicates = 0;            // of `_id`: expected when something is copied again
  std::vector<refused_document> refused;  // everything else, unless it is worth a retry: that is an error
  write_term term;
};

struct insert_options {
  bool bypass_empty_timestamp = false;  // where the server knows it (cluster/capabilities)
  /// w: majority. Through a mongos, whose replies tell no term: nothing else says that an election takes nothing back.
  bool by_majority = false;
};

/// Appends the write concern of a data write: w: 1, which a later majority write of the same term fences, or majority.
void append_data_write_concern(bson::builder& to, bool by_majority);

/// Sends `documents` (a BSON array, as it is) unordered, validation bypassed. Errors: as connection::run, and
/// retryable codes of single documents as errors of the whole.
[[nodiscard]] task<result<insert_outcome>> insert(connection& to, std::string database, std::string collection,
                                                  bson::bytes_view documents, insert_options options);

}  // namespace sluice::wire
