// From the figures to the answer: what limits a copy between these two, what to change, and how long a given size would
// take. Plain functions of the figures; they measure nothing and ask nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/measure/figures.hpp"

namespace sluice::measure {

enum class limit : std::uint8_t {
  source,               // reading: the source's server
  source_network,       // the way from the source to here
  destination,          // writing: the destination's server
  destination_network,  // the way from here to the destination
  copy,                 // neither: Sluice itself, or the machine that it runs on
};
[[nodiscard]] std::string_view to_string(limit l) noexcept;  // "source", "network to the source", ...
/// One of the four words: "source", "destination", "network", "copy".
[[nodiscard]] std::string_view kind_of(limit l) noexcept;

/// How long a copy of `bytes` would take: `seconds` give or take `spread` (0.08: 8 %).
struct estimate {
  double bytes = 0;
  double seconds = 0;
  double data_seconds = 0;   // of them: documents
  double index_seconds = 0;  // and indexes
  double spread = 0;
};

struct verdict {
  std::optional<limit> limited_by;   // nothing: nothing to compare was measured
  double bytes_per_second = 0;       // what the limit lets through
  std::string because;               // one sentence with the figures that say so
  std::vector<std::string> advice;   // sentences, the most useful first
  std::vector<std::string> caveats;  // what the figures do not tell
  std::optional<estimate> time;
};

/// `estimate_bytes` of data: for the estimate.
[[nodiscard]] verdict judge(const figures& f, double estimate_bytes);

/// "5 h 10 min", "42 s", "3 d 4 h".
[[nodiscard]] std::string time_text(double seconds);
/// "3.2 TB → 5 h 10 min ± 8 %".
[[nodiscard]] std::string estimate_text(const estimate& e);
/// "1.23 GB", in decimal units.
[[nodiscard]] std::string size_text(double bytes);

}  // namespace sluice::measure
