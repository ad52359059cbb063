// What the operator of a bench chose, in one checked value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "engine/measure/data_set.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::measure {

/// Every database of a bench begins with this; nothing else is ever written to.
inline constexpr std::string_view database_prefix = "sluice_bench_";

/// Error (configuration): a name that does not begin with database_prefix, or that no server would take.
[[nodiscard]] result<> check_database_name(const std::string& name);

struct bench_settings {
  std::string source_uri;
  std::string destination_uri;
  bool source_is_loopback = false;  // it holds `data` already, in the database; nothing is written to it
  bool destination_is_loopback = false;
  data_set_options data;
  std::string from;         // a namespace whose first `data.documents` are taken instead of generated ones; empty: none
  std::string database;     // must begin with database_prefix; empty: a new name
  std::uint32_t lanes = 0;  // 0: as a copy would choose
  std::uint32_t connections = 0;  // of each lane; 0: as a copy would choose
  std::size_t memory_bytes = limits::memory_default_bytes;
  std::chrono::seconds step_time{20};    // no step is longer
  std::int64_t changes = 40'000;         // recorded and applied; 0: none
  bool probes = true;                    // what-if measurements
  std::chrono::milliseconds patience{};  // how long a side may be out of reach
};

}  // namespace sluice::measure
