#include "engine/apply/filtered.hpp"

#include <string>
#include <string_view>

#include "engine/apply/update_form.hpp"

namespace sluice::apply {

namespace {

/// {u: {a: ...}, i: {...}, d: {...}, sa: {...}}: `s` before a name is a difference inside of it.
bool diff_touches(bson::document_view diff, std::string_view field) noexcept {
  for (const auto section : diff) {
    const auto key = section.key();
    if (key.size() == field.size() + 1 && key.front() == 's' && key.substr(1) == field) return true;
    if (key != "u" && key != "i" && key != "d") continue;
    const auto fields = section.as_document();
    if (fields && fields->find(field)) return true;
  }
  return false;
}

/// {$set: {"a.b": ...}, $unset: {...}}
bool modifier_touches(bson::document_view o, std::string_view field) noexcept {
  for (const auto* name : {"$set", "$unset"}) {
    const auto paths = o.find(name).as_document();
    if (!paths) continue;
    for (const auto path : *paths) {
      const auto key = path.key();
      if (key.substr(0, key.find('.')) == field) return true;
    }
  }
  return false;
}

}  // namespace

filtered judge(const cluster::document_filter& filter, const capture::change& one) noexcept {
  if (filter.is_everything() || one.kind == capture::change_kind::remove) return filtered::applied;
  if (one.kind == capture::change_kind::insert) {
    return filter.matches(one.o) ? filtered::applied : filtered::left_out;
  }
  switch (form_of(one.o)) {
    case update_form::whole:
      return filter.matches(one.o) ? filtered::applied : filtered::removed;
    case update_form::plain_diff:
    case update_form::diff: {
      const auto diff = one.o.find("diff").as_document();
      return diff && diff_touches(*diff, filter.field()) ? filtered::read_again : filtered::applied;
    }
    case update_form::modifier:
      return modifier_touches(one.o, filter.field()) ? filtered::read_again : filtered::applied;
    case update_form::unknown:
      break;  // refused by whoever applies it
  }
  return filtered::applied;
}

}  // namespace sluice::apply
