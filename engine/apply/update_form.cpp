// What an update entry is, by its fields' names.
#include "engine/apply/update_form.hpp"

#include <cstring>

#include "bson/bytes.hpp"

namespace sluice::apply {

namespace {

/// The number of digits when an update takes this name for an array position ("0", "17"; not "017"), else 0.
[[nodiscard]] std::size_t position_digits(std::string_view name) noexcept {
  if (name.empty() || (name.front() == '0' && name.size() > 1)) return 0;
  for (const char digit : name) {
    if (digit < '0' || digit > '9') return 0;
  }
  return name.size();
}

/// Names that $set and $unset take as they stand, as one field of the document.
[[nodiscard]] bool plain_name(std::string_view name) noexcept {
  return !name.empty() && name.front() != '$' && name.find('.') == std::string_view::npos &&
         position_digits(name) == 0 && name != "_id";
}

[[nodiscard]] bool plain_names(bson::document_view fields) noexcept {
  for (const bson::element_view field : fields) {
    if (!plain_name(field.key())) return false;
  }
  return true;
}

[[nodiscard]] bool plain(bson::document_view diff) noexcept {
  for (const bson::element_view section : diff) {
    if (section.key() != "u" && section.key() != "d") return false;
    const auto fields = section.as_document();
    if (!fields || !plain_names(*fields)) return false;
  }
  return true;
}

[[nodiscard]] update_form modifier_form(bson::document_view o) noexcept {
  bool modifies = false;
  for (const bson::element_view field : o) {
    if (field.key() == "$v") continue;
    if ((field.key() != "$set" && field.key() != "$unset") || field.type() != bson::type::document) {
      return update_form::unknown;
    }
    modifies = true;
  }
  return modifies ? update_form::modifier : update_form::unknown;
}

/// Type, key and zero, value.
[[nodiscard]] std::byte* put_document(std::byte* at, std::string_view key, bson::document_view value) noexcept {
  *at++ = static_cast<std::byte>(bson::type::document);
  std::memcpy(at, key.data(), key.size());
  at += key.size();
  *at++ = std::byte{0};
  std::memcpy(at, value.bytes().data(), value.size_bytes());
  return at + value.size_bytes();
}

}  // namespace

update_form form_of(bson::document_view o) noexcept {
  if (o.find("_id")) return update_form::whole;
  const bson::element_view version = o.find("$v");
  if (version && version.to_int64() == 2) {
    const auto diff = o.find("diff").as_document();
    if (!diff) return update_form::unknown;
    return plain(*diff) ? update_form::plain_diff : update_form::diff;
  }
  if (version && version.to_int64() != 1) return update_form::unknown;
  return modifier_form(o);
}

set_and_unset fields_of(bson::document_view o, update_form form) noexcept {
  const bool is_diff = form == update_form::plain_diff;
  if (is_diff) o = *o.find("diff").as_document();
  set_and_unset fields;
  if (const auto set = o.find(is_diff ? "u" : "$set").as_document()) fields.set = *set;
  if (const auto unset = o.find(is_diff ? "d" : "$unset").as_document()) fields.unset = *unset;
  return fields;
}

bool order_guard::admits(std::string_view path) noexcept {
  for (std::size_t depth = 0; !path.empty(); ++depth) {
    if (depth == depth_max) return false;
    const std::size_t dot = path.find('.');
    const std::size_t found = position_digits(path.substr(0, dot));
    if (found != 0 && digits_[depth] != 0 && found != digits_[depth]) return false;
    if (found != 0) digits_[depth] = found;
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return true;
}

bool order_differs(bson::document_view set) noexcept {
  order_guard guard;
  std::size_t fields = 0;
  bool differs = false;
  for (const bson::element_view field : set) {
    ++fields;
    differs = !guard.admits(field.key()) || differs;
  }
  return differs && fields > 1;
}

std::vector<bson::document> one_field_each(bson::document_view modifier) {
  std::vector<bson::document> parts;
  for (const bson::element_view step : modifier) {
    const auto fields = step.as_document();
    if (!fields) continue;
    for (const bson::element_view field : *fields) {
      bson::builder part;
      part.open_document(step.key()).append(field).close();
      parts.push_back(part.finish());
    }
  }
  return parts;
}

bson::document_view build_modifier(arena& in, set_and_unset fields) {
  constexpr std::string_view set = "$set";
  constexpr std::string_view unset = "$unset";
  std::size_t bytes = 5;
  if (!fields.set.empty()) bytes += 1 + set.size() + 1 + fields.set.size_bytes();
  if (!fields.unset.empty()) bytes += 1 + unset.size() + 1 + fields.unset.size_bytes();
  std::byte* const begin = in.take(bytes);
  bson::store(begin, static_cast<std::uint32_t>(bytes));
  std::byte* at = begin + 4;
  if (!fields.set.empty()) at = put_document(at, set, fields.set);
  if (!fields.unset.empty()) at = put_document(at, unset, fields.unset);
  *at = std::byte{0};
  return bson::document_view(begin);
}

}  // namespace sluice::apply
