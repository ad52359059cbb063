// What became of the source's users and custom roles, for whoever tells the operator. Names and reasons only: never
// anything of what is stored in an account.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::accounts {

enum class account_kind : std::uint8_t { role, user };  // in the order in which they are made

struct skipped_account {
  account_kind kind = account_kind::user;
  std::string name;  // "shop.app": its database and its name, as on the source
  std::string reason;
};

struct account_report {
  std::int64_t roles_copied = 0;
  std::int64_t users_copied = 0;
  std::vector<skipped_account> skipped{};
};

/// So many of the skipped ones are listed by what tells of a run; the log has all of them.
inline constexpr std::size_t skipped_accounts_listed_max = 100;

}  // namespace sluice::accounts
