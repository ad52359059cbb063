// The documents that a loopback source delivers: a function of seed, collection and index, prepared once as BSON and
// served from there, so that delivering them costs little more than the system call. Holds no state of any scan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bson/document.hpp"

namespace sluice::loopback {

enum class id_type : std::uint8_t { object_id, int64 };

struct data_set_options {
  std::string database = "load";
  std::uint64_t collections = 0;       // "docs", "docs_1", "docs_2", ...
  std::uint64_t documents = 0;         // per collection
  std::uint32_t document_bytes = 860;  // each, at least document_bytes_min
  std::uint64_t seed = 1;
  id_type ids = id_type::object_id;
  bool endless = false;   // scans go on behind the last document
  bool same_ids = false;  // every batch the same bytes: cheapest, with repeated `_id`s
};

inline constexpr std::uint32_t document_bytes_min = 64;

/// {_id, check, [name, nested, tags,] payload}: `_id` grows with the index, `check` is a hash of seed, collection and
/// index, and all else is the same in every document.
class data_set {
 public:
  /// Throws std::invalid_argument for sizes out of bounds.
  explicit data_set(data_set_options options);

  [[nodiscard]] const data_set_options& options() const { return options_; }
  [[nodiscard]] std::string collection_name(std::uint64_t collection) const;
  /// Documents of a collection that scans see: `documents`, or nearly no bound when endless.
  [[nodiscard]] std::uint64_t end_index() const;

  /// The document itself; what a batch delivers at this index unless same_ids is set.
  [[nodiscard]] bson::document document_at(std::uint64_t collection, std::uint64_t index) const;
  /// {_id} alone.
  [[nodiscard]] bson::document id_at(std::uint64_t index) const;
  /// The first index whose `_id` is not less than the value (the server's order of types counts).
  [[nodiscard]] std::uint64_t lower_bound(bson::element_view id) const;
  [[nodiscard]] std::optional<std::uint64_t> index_of(bson::element_view id) const;

  /// How many documents fit into a reply: the server's 16 MiB, and no more than the keys that are prepared.
  [[nodiscard]] std::uint64_t batch_documents_max() const { return element_offsets_.size() - 1; }

  /// One connection's copy of the prepared elements, in which ids are patched. Empty until first used.
  using scratch = std::vector<std::byte>;
  /// The array elements ("0": ..., "1": ...) of documents [first, first + count): without length and final zero.
  [[nodiscard]] bson::bytes_view elements(std::uint64_t collection, std::uint64_t first, std::uint64_t count,
                                          scratch& own) const;

 private:
  void patch(std::byte* document, std::uint64_t collection, std::uint64_t index) const;

  data_set_options options_;
  std::vector<std::byte> elements_;
  std::vector<std::uint32_t> element_offsets_;  // of documents inside elements_, and one behind the last element
  std::vector<std::byte> template_;             // one document
};

}  // namespace sluice::loopback
