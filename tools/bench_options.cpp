#include "tools/bench_options.hpp"

#include <cctype>
#include <charconv>
#include <cmath>

namespace sluice::tools {

result<double> parse_size(std::string_view text) {
  const auto wrong = [text] {
    return failure(error_kind::configuration, "\"" + std::string(text) +
                                                  "\" is no size: must be a number with or without a unit, for example "
                                                  "860, 64KiB or 3.2TB");
  };
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (parsed.ec != std::errc() || number < 0 || !std::isfinite(number)) return wrong();
  std::string unit;
  for (const char c : text.substr(static_cast<std::size_t>(parsed.ptr - text.data()))) {
    if (c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (unit.empty() || unit == "b") return number;
  constexpr std::string_view prefixes = "kmgtp";
  const std::size_t power = prefixes.find(unit.front());
  const std::string_view rest = std::string_view(unit).substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) return wrong();
  return number * std::pow(rest == "ib" ? 1024.0 : 1000.0, static_cast<double>(power + 1));
}

}  // namespace sluice::tools
