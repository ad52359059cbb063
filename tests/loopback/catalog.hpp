// The collections a loopback server has: those of its data set and those that clients created. Remembers options,
// indexes and how much was inserted; never a document.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"

namespace sluice::loopback {

struct collection {
  std::array<std::byte, 16> uuid{};
  std::string type = "collection";
  bson::document options;
  std::vector<bson::document> indexes;           // specifications, `_id_` first
  std::optional<std::uint64_t> data_set_number;  // delivers documents of the data set
  std::atomic<std::uint64_t> documents = 0;      // inserted and swallowed
  std::atomic<std::uint64_t> bytes = 0;
};

/// Thread-safe; collections are shared, so that an insert counts without the catalog's lock.
class catalog {
 public:
  explicit catalog(std::uint64_t seed) : seed_(seed) {}

  /// Null if there is none.
  [[nodiscard]] std::shared_ptr<collection> find(std::string_view full_name) const;
  [[nodiscard]] std::string name_of(bson::binary_view uuid) const;  // empty if there is none
  /// Creates it unless it is there; `second` tells which.
  std::pair<std::shared_ptr<collection>, bool> create(std::string_view full_name);
  bool drop(std::string_view full_name);
  std::uint64_t drop_database(std::string_view database);
  bool rename(std::string_view from, std::string_view to, bool drop_target);
  /// Sorted by name; within one database if named.
  [[nodiscard]] std::vector<std::pair<std::string, std::shared_ptr<collection>>> list(
      std::string_view database = {}) const;
  /// Runs `change` on the collection's options and indexes while nobody else looks at them.
  void change(collection& which, const std::function<void(collection&)>& change) const;

 private:
  [[nodiscard]] std::array<std::byte, 16> next_uuid();

  std::uint64_t seed_;
  std::uint64_t created_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<collection>, std::less<>> collections_;
};

/// {v: 2, key: {_id: 1}, name: "_id_"}
[[nodiscard]] bson::document id_index();

}  // namespace sluice::loopback
