// Sorts small keys, then moves the writes once.
#include "engine/apply/window_order.hpp"

#include <algorithm>

#include "bson/bytes.hpp"
#include "bson/compare.hpp"

namespace sluice::apply {

namespace {

[[nodiscard]] bool is_integer(bson::type t) noexcept {
  return t == bson::type::int32 || t == bson::type::int64;
}

/// Orders as the values do where all are ObjectIds or all are integers.
[[nodiscard]] std::uint64_t rank_of(bson::element_view id) noexcept {
  if (id.type() == bson::type::object_id) return __builtin_bswap64(bson::load<std::uint64_t>(id.value().data()));
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  return static_cast<std::uint64_t>(*id.to_int64()) ^ sign;
}

}  // namespace

void removal_order::sort(std::span<document_write> removes) {
  const auto all = [&](auto&& predicate) {
    return std::ranges::all_of(removes, [&](const document_write& one) { return predicate(one.id.type()); });
  };
  const bool ranked = all([](bson::type t) { return t == bson::type::object_id; }) || all(is_integer);
  keys_.clear();
  for (std::uint32_t at = 0; at < removes.size(); ++at) {
    keys_.push_back({.rank = ranked ? rank_of(removes[at].id) : 0, .at = at});
  }
  const auto before = [&](const key& a, const key& b) {
    if (a.rank != b.rank) return a.rank < b.rank;
    return bson::compare_values(removes[a.at].id, removes[b.at].id) < 0;
  };
  if (std::ranges::is_sorted(keys_, before)) return;
  std::ranges::sort(keys_, before);
  sorted_.assign(removes.begin(), removes.end());
  for (std::size_t to = 0; to < keys_.size(); ++to) removes[to] = sorted_[keys_[to].at];
}

}  // namespace sluice::apply
