// Two streams of documents that should be the same, compared as they come. What is not the same at first sight is in
// doubt, not wrong: the documents may have changed between the two reads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/cursor.hpp"

namespace sluice::verify {

enum class side : std::uint8_t { source, destination };

/// Costs one comparison of memory a document as long as both streams agree, and allocates nothing then but what a batch
/// is held by. Both must come in the same order, whatever that is: a document is only looked for among the next
/// thousand or so of the other side.
class side_by_side {
 public:
  /// How many documents there are in it. Its memory is kept until they are compared. Error (protocol): it is no array
  /// of documents; then nothing of it was taken.
  [[nodiscard]] result<std::size_t> add(side of, wire::batch data);
  /// Nothing follows on this side.
  void end(side of);
  /// Compares as far as it can. `doubtful` gets {_id: ...} of each document that is not the same on both sides, or was
  /// not found on one. Which side to read on from; nothing: both have ended, and all is compared. Error (protocol): a
  /// document that is in doubt has no `_id`, or is none.
  [[nodiscard]] result<std::optional<side>> compare(std::vector<bson::document>& doubtful);

 private:
  struct held {
    wire::batch data;
    std::vector<bson::bytes_view> documents;
    std::size_t next = 0;
  };
  struct stream {
    std::deque<held> batches;
    std::size_t documents = 0;
    std::size_t bytes = 0;  // of the batches that are held
    bool ended = false;

    [[nodiscard]] bson::bytes_view front() const { return batches.front().documents[batches.front().next]; }
    [[nodiscard]] bool may_grow() const;
    /// How many documents come before the one with this `_id`; nothing: it is not among those here.
    [[nodiscard]] std::optional<std::size_t> before(bson::element_view id) const;
    void pop();
  };
  [[nodiscard]] static result<> doubt(stream& of, std::size_t documents, std::vector<bson::document>& doubtful);

  [[nodiscard]] stream& at(side of) { return streams_[static_cast<std::size_t>(of)]; }

  std::array<stream, 2> streams_;
};

}  // namespace sluice::verify
