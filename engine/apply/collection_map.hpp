// Which source collection lives where on the destination: names lie, UUIDs do not. A plain container; survives restarts
// in the checkpoint (to_document / from_document).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "engine/apply/target.hpp"
#include "engine/cluster/catalog.hpp"

namespace sluice::apply {

struct mapped_collection {
  std::vector<std::byte> uuid;        // of the source: 16 bytes
  cluster::namespace_name source_ns;  // its name there now, by what was applied (of a time-series: the buckets')
  shared_target to;
  /// DDL of the collection (of its indexes) at or before these source times has already happened.
  bson::timestamp listed_at;
  bson::timestamp indexes_listed_at;
};

/// Pointers stay valid until that entry is put anew or erased.
class collection_map {
 public:
  void put(mapped_collection one);
  void erase(bson::bytes_view uuid);
  [[nodiscard]] const mapped_collection* find(bson::bytes_view uuid) const;
  [[nodiscard]] const mapped_collection* find_by_source(const cluster::namespace_name& ns) const;
  [[nodiscard]] std::vector<const mapped_collection*> in_database(std::string_view source_database) const;
  [[nodiscard]] std::vector<const mapped_collection*> all() const;
  [[nodiscard]] std::size_t size() const noexcept;

  /// {_id: hex of the UUID, ...}, for the checkpoint.
  [[nodiscard]] static bson::document to_document(const mapped_collection& one);
  [[nodiscard]] static std::optional<mapped_collection> from_document(bson::document_view stored);
  [[nodiscard]] std::vector<bson::document> to_documents() const;

 private:
  std::map<std::string, mapped_collection, std::less<>> by_uuid_;
  /// For entries without a UUID: the name to the UUID that was put under it last. While names are swapped two
  /// collections may claim one; the later claim is the true one.
  std::map<cluster::namespace_name, std::string> by_source_;
};

/// The `_id` of a map entry: the UUID as hex.
[[nodiscard]] std::string map_key(bson::bytes_view uuid);

/// Where the changes of a collection of these options go, under the name that it has on the destination.
[[nodiscard]] shared_target target_of(const cluster::collection_info& info, cluster::namespace_name destination);

/// What the catalog says at the start: data collections under the names that the copy gave them.
[[nodiscard]] collection_map map_of(const cluster::catalog& catalog);

}  // namespace sluice::apply
