// `sluice bench` as its flags say it, in one checked value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/measure/settings.hpp"
#include "engine/runtime/result.hpp"
#include "tools/bench_condition.hpp"

namespace sluice::tools {

/// In the place of a URI: a server in this process that costs next to nothing.
inline constexpr std::string_view loopback_uri = "loopback:";

struct bench_report_options {
  double estimate_bytes = 1e12;
  bool json = false;    // on standard output, instead of the table
  std::string html;     // file; empty: none
  std::string compare;  // an earlier run's JSON; empty: none
  std::vector<bench_condition> fail_if;
};

/// "860", "4k", "64 KiB", "3.2TB": bytes. Units of 1000 with B or without, of 1024 with iB. Error (configuration).
[[nodiscard]] result<double> parse_size(std::string_view text);

}  // namespace sluice::tools
