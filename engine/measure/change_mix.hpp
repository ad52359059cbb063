// The mix of changes whose applying is measured: 40 % inserts, 45 % $set and $inc, 8 % $push, 7 % deletes, in tenths
// one after the other. A function of the options; sends nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bson/document.hpp"
#include "engine/measure/data_set.hpp"

namespace sluice::measure {

/// One write command and how many changes it makes.
struct change_command {
  bson::document command;
  std::int64_t changes = 0;
};

class change_mix {
 public:
  /// Of documents like `like`, with integers as `_id`s. At most `changes`; fewer where documents are so large that the
  /// ones to begin with would not be few megabytes.
  change_mix(data_set_options like, std::int64_t changes);

  /// What must be there before.
  [[nodiscard]] std::vector<change_command> seed_commands(std::string_view collection) const;
  [[nodiscard]] std::vector<change_command> commands(std::string_view collection) const;
  [[nodiscard]] std::int64_t changes() const noexcept { return changes_; }

 private:
  void append_inserts(std::vector<change_command>& to, std::string_view collection, std::int64_t first,
                      std::int64_t count) const;

  data_set documents_;
  std::int64_t seeds_;
  std::int64_t changes_;
};

}  // namespace sluice::measure
