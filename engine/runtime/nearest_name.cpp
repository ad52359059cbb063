// Edit distance with neighbouring letters swapped counting once, as typing errors go.
#include "engine/runtime/nearest_name.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace sluice::runtime {
namespace {

constexpr std::size_t name_length_max = 64;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Both are at most name_length_max long.
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, name_length_max + 1>, 3> rows{};
  auto* before_last = &rows[0];
  auto* last = &rows[1];
  auto* row = &rows[2];
  for (std::size_t j = 0; j <= b.size(); ++j) (*last)[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    (*row)[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      std::size_t best = std::min({(*last)[j] + 1, (*row)[j - 1] + 1, (*last)[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) best = std::min(best, (*before_last)[j - 2] + 1);
      (*row)[j] = best;
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return (*last)[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view given, std::span<const std::string_view> known) {
  if (given.empty() || given.size() > name_length_max) return {};
  std::string_view nearest;
  std::size_t nearest_distance = given.size() / 3 + 2;
  for (const std::string_view name : known) {
    if (name.size() > name_length_max) continue;
    const std::size_t d = distance(given, name);
    // A name of which nothing is left is no correction.
    if (d < nearest_distance && d < name.size()) {
      nearest = name;
      nearest_distance = d;
    }
  }
  return nearest;
}

std::string did_you_mean(std::string_view given, std::span<const std::string_view> known) {
  const std::string_view nearest = nearest_name(given, known);
  if (nearest.empty()) return {};
  return " (did you mean \"" + std::string(nearest) + "\"?)";
}

}  // namespace sluice::runtime
