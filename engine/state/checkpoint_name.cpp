#include "engine/state/checkpoint_name.hpp"

#include <algorithm>

namespace sluice::state {

namespace {

constexpr std::size_t migration_name_max = 44;

}  // namespace

bool is_migration_name(std::string_view name) noexcept {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= migration_name_max && std::ranges::all_of(name, fits);
}

std::string checkpoint_database_of(std::string_view migration_name) {
  std::string database(checkpoint_database);
  if (!migration_name.empty()) database.append("_").append(migration_name);
  return database;
}

}  // namespace sluice::state
