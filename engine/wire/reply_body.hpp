// The check that a reply's body goes through before views walk it: everything but the documents of a cursor batch,
// which are framed only, since the copy never looks into them.
#pragma once

#include <cstddef>
#include <optional>

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::wire {

/// Error (protocol): where and why the bytes are no reply.
[[nodiscard]] result<> check_reply_body(bson::bytes_view body);

/// How many documents an array of documents holds; nothing when its frames (lengths, ends, element types) do not fit
/// each other. Touches each document's first bytes and last byte only.
[[nodiscard]] std::optional<std::size_t> count_framed_documents(bson::bytes_view array) noexcept;

}  // namespace sluice::wire
