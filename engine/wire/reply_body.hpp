// The check that a reply's body goes through before views walk it: everything, or everything but the documents of a
// cursor batch, since the copy never looks into them.
#pragma once

#include <cstdint>

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::wire {

/// How far a cursor batch is checked.
enum class batch_check : std::uint8_t {
  /// The array's own length and end. For the data path: who walks its documents uses bson::raw_array_walk, which checks
  /// each one's bounds (a second walk here would touch two cache lines a document, 0.1 s per GB).
  frame,
  /// Everything. For the replies of commands, whose documents are read with views.
  documents,
};

/// Error (protocol): where and why the bytes are no reply.
[[nodiscard]] result<> check_reply_body(bson::bytes_view body, batch_check batches);

}  // namespace sluice::wire
