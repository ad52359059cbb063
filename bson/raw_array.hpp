// An array of documents as raw bytes: the `firstBatch`/`nextBatch` of a cursor, the `documents` of an insert.
//
// Batches are not validated (a batch is bytes), so everything here checks its bounds: bytes that lie are reported,
// never read past.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "bson/document_view.hpp"

namespace sluice::bson {

/// Walks the documents of an array whose outer frame was checked (bson::framed). Stops for good at the first element
/// that is no document or does not fit; `fault()` tells.
class raw_array_walk {
 public:
  explicit raw_array_walk(bytes_view array) noexcept : array_(array), at_(4) {}

  /// The next document's bytes, framed but not validated inside; nothing at the end or at a fault.
  [[nodiscard]] std::optional<bytes_view> next() noexcept;
  [[nodiscard]] bool fault() const noexcept { return fault_; }
  /// How many documents next() has given.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// Where the element after the last given document begins: cut_after() takes it.
  [[nodiscard]] std::size_t offset() const noexcept { return at_; }

 private:
  bytes_view array_;
  std::size_t at_;
  std::size_t count_ = 0;
  bool fault_ = false;
};

/// What an array of `documents` documents weighs beside them: length, keys "0", "1", ..., terminators.
[[nodiscard]] std::size_t array_overhead_bytes(std::size_t documents) noexcept;

/// Ends the array in place at `offset` (from raw_array_walk::offset); returns the shortened array.
[[nodiscard]] std::span<std::byte> cut_at(std::span<std::byte> array, std::size_t offset) noexcept;

/// The documents [first, last) as a new array with keys from "0" (servers insist on them). Nothing if the array lies.
[[nodiscard]] std::optional<std::vector<std::byte>> slice(bytes_view array, std::size_t first, std::size_t last);

/// The n-th document's bytes.
[[nodiscard]] std::optional<bytes_view> document_at(bytes_view array, std::size_t n) noexcept;

/// The top-level `_id` of a framed document that is otherwise unknown; a false element if there is none before the
/// first fault.
[[nodiscard]] element_view find_id(bytes_view document) noexcept;

}  // namespace sluice::bson
