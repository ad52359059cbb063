// Several $set and $unset of one document as one.
//
// Fields of a diff's `u` exist and keep their places, so the last value is all that counts. In a replay over a newer
// document one may be missing; then a later change that took it away is replayed too. Fields of a `$v: 1` modifier may
// be new, and new ones are added in the order of their paths: a later modifier is taken in only if what it adds would
// have come behind all that is there already. Paths within each other, and fields that come back, end a merge.
#include <algorithm>
#include <cstring>

#include "bson/bytes.hpp"
#include "engine/apply/coalesce.hpp"

namespace sluice::apply {

namespace {

[[nodiscard]] bool dotted(std::string_view path) noexcept {
  return path.find('.') != std::string_view::npos;
}

/// By path component, as servers order the paths of an update: "z.a" before "z-".
[[nodiscard]] bool comes_before(std::string_view a, std::string_view b) noexcept {
  const auto rank = [](char c) { return c == '.' ? 0 : static_cast<int>(static_cast<unsigned char>(c)); };
  return std::ranges::lexicographical_compare(a, b, {}, rank, rank);
}

[[nodiscard]] bool within(std::string_view inner, std::string_view outer) noexcept {
  return inner.size() > outer.size() && inner.starts_with(outer) && inner[outer.size()] == '.';
}

}  // namespace

void field_merge::begin(new_fields may_be_new) noexcept {
  fields_.clear();
  greatest_ = {};
  order_ = {};
  may_be_new_ = may_be_new;
}

field_merge::field* field_merge::find(std::string_view path) noexcept {
  const auto found = std::ranges::find_if(fields_, [&](const field& one) { return one.element.key() == path; });
  return found == fields_.end() ? nullptr : &*found;
}

bool field_merge::apart(std::string_view path) const noexcept {
  return std::ranges::none_of(
      fields_, [&](const field& one) { return within(path, one.element.key()) || within(one.element.key(), path); });
}

bool field_merge::takes(set_and_unset fields) {
  const bool first = fields_.empty();
  std::size_t added = 0;
  order_with_ = order_;
  for (const bson::element_view unset : fields.unset) {
    const field* const known = find(unset.key());
    // Setting a.b may have made `a`, which unsetting a.b leaves.
    if (known != nullptr && !known->unset && dotted(unset.key())) return false;
    if (known != nullptr) continue;
    if (!apart(unset.key())) return false;
    ++added;
  }
  for (const bson::element_view set : fields.set) {
    const field* const known = find(set.key());
    if (known != nullptr && known->unset) return false;
    if (known != nullptr) continue;
    ++added;
    if (may_be_new_ == new_fields::none) continue;
    if (!order_with_.admits(set.key()) || !apart(set.key())) return false;
    if (!first && !comes_before(greatest_, set.key())) return false;
  }
  return fields_.size() + added <= fields_max;
}

bool field_merge::add(set_and_unset fields) {
  if (!takes(fields)) return false;
  order_ = order_with_;
  const auto put = [&](bson::element_view element, bool unset) {
    if (field* const known = find(element.key())) {
      *known = {.element = element, .unset = unset};
    } else {
      fields_.push_back({.element = element, .unset = unset});
    }
  };
  for (const bson::element_view unset : fields.unset) put(unset, true);
  for (const bson::element_view set : fields.set) {
    put(set, false);
    if (comes_before(greatest_, set.key())) greatest_ = set.key();
  }
  return true;
}

bson::document_view field_merge::build(arena& in) const {
  const auto collect = [&](bool unset) -> bson::document_view {
    std::size_t bytes = 5;
    for (const field& one : fields_) {
      if (one.unset == unset) bytes += one.element.whole().size();
    }
    if (bytes == 5) return {};
    std::byte* const begin = in.take(bytes);
    bson::store(begin, static_cast<std::uint32_t>(bytes));
    std::byte* at = begin + 4;
    for (const field& one : fields_) {
      if (one.unset != unset) continue;
      std::memcpy(at, one.element.whole().data(), one.element.whole().size());
      at += one.element.whole().size();
    }
    *at = std::byte{0};
    return bson::document_view(begin);
  };
  return build_modifier(in, {.set = collect(false), .unset = collect(true)});
}

}  // namespace sluice::apply
