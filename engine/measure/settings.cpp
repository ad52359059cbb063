#include "engine/measure/settings.hpp"

#include <algorithm>

namespace sluice::measure {

namespace {

constexpr std::size_t database_name_bytes_max = 63;  // of every server

}  // namespace

result<> check_database_name(const std::string& name) {
  const std::string_view rest = std::string_view(name).substr(std::min(database_prefix.size(), name.size()));
  const bool fits = name.starts_with(database_prefix) && !rest.empty() && name.size() <= database_name_bytes_max &&
                    std::ranges::all_of(rest, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
                    });
  if (fits) return ok();
  return failure(error_kind::configuration, "the database \"" + name + "\": its name must be \"" +
                                                std::string(database_prefix) +
                                                "\" and lower-case letters, digits, _ or -, at most " +
                                                std::to_string(database_name_bytes_max) + " characters in all");
}

}  // namespace sluice::measure
