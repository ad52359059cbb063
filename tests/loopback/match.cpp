// Filters, by walking the document.
#include "tests/loopback/match.hpp"

#include <algorithm>
#include <compare>
#include <string>

#include "bson/compare.hpp"
#include "tests/loopback/expression.hpp"

namespace sluice::loopback {
namespace {

bool equal(bson::element_view a, bson::element_view b) {
  if (!a || !b) return (!a && b && b.type() == bson::type::null) || (!b && a && a.type() == bson::type::null);
  return bson::compare_values(a, b) == std::weak_ordering::equivalent;
}

bool contains(bson::element_view array, bson::element_view value) {
  const auto elements = array.as_array();
  if (!elements) throw unsupported("$in and $nin want an array");
  return std::any_of(elements->begin(), elements->end(), [&](bson::element_view one) { return equal(value, one); });
}

bool holds(std::string_view name, bson::element_view value, bson::element_view wanted) {
  if (name == "$eq") return equal(value, wanted);
  if (name == "$ne") return !equal(value, wanted);
  if (name == "$in") return contains(wanted, value);
  if (name == "$nin") return !contains(wanted, value);
  if (name == "$exists") return static_cast<bool>(value) == wanted.to_bool().value_or(false);
  const bool is_order = name == "$gt" || name == "$gte" || name == "$lt" || name == "$lte";
  if (!is_order) throw unsupported("unknown operator: " + std::string(name));
  if (!value) return false;
  const auto order = bson::compare_values(value, wanted);
  if (name == "$gt") return order > 0;
  if (name == "$gte") return order >= 0;
  if (name == "$lt") return order < 0;
  return order <= 0;
}

}  // namespace

bool is_operators(bson::element_view value) {
  const auto document = value.as_document();
  return document && !document->empty() && (*document->begin()).key().starts_with('$');
}

bson::element_view value_at(bson::document_view document, std::string_view path) {
  const std::size_t dot = path.find('.');
  const auto field = document.find(path.substr(0, dot));
  if (dot == std::string_view::npos || !field) return field;
  const auto inner = field.as_document();
  return inner ? value_at(*inner, path.substr(dot + 1)) : bson::element_view();
}

bool matches(bson::document_view document, bson::document_view filter) {
  for (const auto condition : filter) {
    const std::string_view key = condition.key();
    if (key == "$and" || key == "$or") {
      const auto branches = condition.as_array();
      if (!branches) throw unsupported(std::string(key) + " wants an array");
      const auto branch_holds = [&](bson::element_view branch) {
        return matches(document, branch.as_document().value_or(bson::document_view()));
      };
      const bool held = key == "$and" ? std::all_of(branches->begin(), branches->end(), branch_holds)
                                      : std::any_of(branches->begin(), branches->end(), branch_holds);
      if (!held) return false;
      continue;
    }
    if (key == "$expr") {
      if (!is_true(condition, document)) return false;
      continue;
    }
    if (key.starts_with('$')) throw unsupported("unknown top level operator: " + std::string(key));
    const auto value = value_at(document, key);
    if (!is_operators(condition)) {
      if (!equal(value, condition)) return false;
      continue;
    }
    const bson::document_view operators = *condition.as_document();
    for (const auto one : operators) {
      if (!holds(one.key(), value, one)) return false;
    }
  }
  return true;
}

}  // namespace sluice::loopback
