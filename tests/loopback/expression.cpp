// Expressions by recursion; every value is a small document of its own.
#include "tests/loopback/expression.hpp"

#include <algorithm>
#include <compare>
#include <string>

#include "bson/compare.hpp"
#include "tests/loopback/match.hpp"
#include "tests/loopback/node.hpp"

namespace sluice::loopback {
namespace {

bson::element_view value_of(const bson::document& evaluated) {
  return evaluated.view().empty() ? bson::element_view() : *evaluated.view().begin();
}

template <class Value>
bson::document wrapped(const Value& value) {
  bson::builder one;
  return one.append("", value).finish();
}

bson::document path_or_text(std::string_view text, bson::element_view literal, bson::document_view document) {
  if (text == "$$NOW") {
    bson::builder now;
    return now.append_date_ms("", now_ms()).finish();
  }
  if (text.starts_with("$$")) throw unsupported("unknown variable: " + std::string(text));
  if (!text.starts_with('$')) return wrapped(literal);
  const auto value = value_at(document, text.substr(1));
  return value ? wrapped(value) : bson::document();
}

bson::document sum(bson::document_view terms, bson::document_view document) {
  std::int64_t total = 0;
  bool is_date = false;
  for (const auto term : terms) {
    const bson::document evaluated = evaluate(term, document);
    const auto value = value_of(evaluated);
    const auto date = value.as_date_ms();
    const auto number = value.to_int64();
    if (!date && !number) throw unsupported("$add of something that is neither a date nor a number");
    total += date ? *date : *number;
    is_date = is_date || date;
  }
  bson::builder one;
  return is_date ? one.append_date_ms("", total).finish() : one.append("", total).finish();
}

/// A missing value sorts before every other.
std::weak_ordering order(bson::element_view a, bson::element_view b) {
  if (!a || !b) return static_cast<bool>(a) <=> static_cast<bool>(b);
  return bson::compare_values(a, b);
}

bool compares(std::string_view name, bson::document_view sides, bson::document_view document) {
  if (std::distance(sides.begin(), sides.end()) != 2) throw unsupported(std::string(name) + " wants two values");
  const bson::document left = evaluate(*sides.begin(), document);
  const bson::document right = evaluate(*std::next(sides.begin()), document);
  const auto result = order(value_of(left), value_of(right));
  if (name == "$eq") return result == 0;
  if (name == "$ne") return result != 0;
  if (name == "$gt") return result > 0;
  if (name == "$gte") return result >= 0;
  if (name == "$lt") return result < 0;
  if (name == "$lte") return result <= 0;
  throw unsupported("unknown expression: " + std::string(name));
}

bson::document operation(bson::element_view operator_element, bson::document_view document) {
  const std::string_view name = operator_element.key();
  if (name == "$literal") return wrapped(operator_element);
  const auto arguments = operator_element.as_array();
  if (!arguments) throw unsupported("unknown expression: " + std::string(name) + " without an array");
  if (name == "$add") return sum(*arguments, document);
  const auto holds = [&](bson::element_view one) { return is_true(one, document); };
  if (name == "$and") return wrapped(std::all_of(arguments->begin(), arguments->end(), holds));
  if (name == "$or") return wrapped(std::any_of(arguments->begin(), arguments->end(), holds));
  return wrapped(compares(name, *arguments, document));
}

}  // namespace

bson::document evaluate(bson::element_view expression, bson::document_view document) {
  if (const auto text = expression.as_string()) return path_or_text(*text, expression, document);
  if (is_operators(expression)) return operation(*expression.as_document()->begin(), document);
  const auto fields = expression.as_document();
  if (!fields) return wrapped(expression);
  bson::builder made;
  for (const auto field : *fields) {
    const bson::document value = evaluate(field, document);
    if (!value.view().empty()) made.append(field.key(), value_of(value));
  }
  return wrapped(made.finish());
}

bool is_true(bson::element_view expression, bson::document_view document) {
  const bson::document evaluated = evaluate(expression, document);
  const auto value = value_of(evaluated);
  return value && value.type() != bson::type::null && value.to_bool().value_or(true);
}

}  // namespace sluice::loopback
