// Documents kept in memory, by namespace and `_id`: the checkpoint of the program under test, and whatever else a test
// wants to read back. Small and slow on purpose.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"

namespace sluice::loopback {

struct update_outcome {
  std::int64_t matched = 0;
  std::int64_t modified = 0;
  bool duplicate_key = false;              // an upsert whose `_id` is there but whose filter did not match
  std::optional<bson::document> upserted;  // {_id}
  std::optional<bson::document> before;    // of the last one changed
  std::optional<bson::document> after;
};

/// Thread-safe. Throws `unsupported` (match.hpp) for queries and updates that it does not speak.
class store {
 public:
  /// False: this `_id` is there already.
  [[nodiscard]] bool insert(std::string_view full_name, bson::document_view document);
  [[nodiscard]] std::vector<bson::document> find(std::string_view full_name, bson::document_view filter) const;
  [[nodiscard]] update_outcome update(std::string_view full_name, bson::document_view filter, bson::element_view update,
                                      bool upsert, bool multi);
  std::int64_t remove(std::string_view full_name, bson::document_view filter, bool only_one);
  void drop(std::string_view full_name);
  void drop_database(std::string_view database);

 private:
  // By bson::id_key: one entry for all `_id`s that the server takes for the same key.
  using documents = std::map<std::string, bson::document>;
  mutable std::mutex mutex_;
  std::map<std::string, documents, std::less<>> namespaces_;
};

}  // namespace sluice::loopback
