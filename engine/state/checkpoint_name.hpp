// What the checkpoint's database is called.
#pragma once

#include <string>
#include <string_view>

namespace sluice::state {

inline constexpr std::string_view checkpoint_database = "__mdb_internal_sluice";
/// Where several runs go into one destination each has a name, and a checkpoint of its own; empty: the one without.
[[nodiscard]] std::string checkpoint_database_of(std::string_view migration_name);
/// Of letters, digits and `_`, at most 44 (as the original).
[[nodiscard]] bool is_migration_name(std::string_view name) noexcept;

}  // namespace sluice::state
