// Finds what a window holds of a document by the canonical key of its `_id` (bson::id_key) and its collection. A plain
// hash table whose memory stays for the next window. Never deletes one entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bson/document_view.hpp"
#include "engine/apply/arena.hpp"
#include "engine/apply/coalesce.hpp"

namespace sluice::apply {

/// Writes bson::id_key(id) into `key` (its memory is reused). The usual types take no detour: no allocation.
void write_id_key(bson::element_view id, std::vector<std::byte>& key);

class coalesce_table {
 public:
  struct entry {
    const std::byte* key = nullptr;  // in the arena
    std::uint32_t key_bytes = 0;
    std::uint32_t hash = 0;
    std::uint32_t collection = 0;
    document_changes changes;
  };

  /// The changes of that document, new ones where there are none; valid until the next call.
  [[nodiscard]] document_changes& at(std::uint32_t collection, bson::bytes_view key, arena& keys);
  /// In the order in which the documents were first seen.
  [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }
  void clear() noexcept;

 private:
  struct bucket {
    std::uint32_t place = 0;  // index of the entry + 1; 0: free
    std::uint32_t hash = 0;
  };
  void grow();

  std::vector<entry> entries_;
  std::vector<bucket> buckets_;  // a power of two, at most half full
};

}  // namespace sluice::apply
