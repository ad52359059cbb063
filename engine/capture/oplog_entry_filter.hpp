// Which oplog entries concern the collections that are migrated: by namespace alone, before anybody looks into the
// documents. Remembers its answers, so that an entry costs one look-up and no allocation, whatever the filter is.
//
// Errors, of all of them (configuration): an expression of the filter that takes too long to match a name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/capture/oplog_entry.hpp"
#include "engine/cluster/catalog.hpp"

namespace sluice::capture {

class oplog_entry_filter {
 public:
  explicit oplog_entry_filter(cluster::namespace_filter filter) : filter_(std::move(filter)) {}

  /// Of an insert, update or remove: its collection is the user's and inside the filter. A time-series' buckets are
  /// judged by the collection that they belong to, a row of system.views by the view that it defines.
  [[nodiscard]] result<bool> takes_data(const oplog_entry& entry);
  /// Of a catalog command: one of the names in it may be inside.
  [[nodiscard]] result<bool> takes_command(const oplog_entry& entry);
  /// Of something unknown: nothing in its database can be inside the filter unless this is true.
  [[nodiscard]] result<bool> may_take_from(std::string_view database) const;

 private:
  [[nodiscard]] result<bool> takes(std::string_view ns);
  [[nodiscard]] result<bool> decide(std::string_view ns) const;

  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  cluster::namespace_filter filter_;
  std::unordered_map<std::string, bool, hash, std::equal_to<>> answers_{};
};

}  // namespace sluice::capture
