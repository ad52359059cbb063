#include "engine/http/start_body_namespaces.hpp"

#include <array>
#include <optional>
#include <utility>

#include "engine/cluster/namespace_filter.hpp"

namespace sluice::http {
namespace {

namespace dom = simdjson::dom;
using cluster::name_pattern;

template <class Value>
using read = std::variant<Value, body_refusal>;

/// {"pattern": "...", "options": "..."}; the options may be left out.
read<name_pattern> read_expression(const std::string& field, const dom::element& value) {
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) {
    return wrong_type(field, R"(a document {"pattern": ..., "options": ...})", value);
  }
  static constexpr std::array<std::string_view, 2> known{"pattern", "options"};
  if (auto refused = refuse_others(field, fields, known)) return *std::move(refused);
  dom::element pattern;
  if (fields["pattern"].get(pattern) != simdjson::SUCCESS) {
    return body_refusal{"MissingField", in_quotes(field + ".pattern") + " is missing"};
  }
  std::string_view expression;
  if (pattern.get(expression) != simdjson::SUCCESS) return wrong_type(field + ".pattern", "a string", pattern);
  std::string_view letters;
  if (dom::element options; fields["options"].get(options) == simdjson::SUCCESS) {
    if (options.get(letters) != simdjson::SUCCESS) return wrong_type(field + ".options", "a string", options);
  }
  auto compiled = name_pattern::found_by(std::string(expression), letters);
  if (!compiled) return body_refusal{"BadValue", in_quotes(field) + ": " + compiled.error().message};
  return std::move(compiled.value());
}

read<name_pattern> read_name(const std::string& field, const dom::element& value) {
  std::string_view name;
  if (value.get(name) != simdjson::SUCCESS) return wrong_type(field, "a string", value);
  if (name.empty()) return body_refusal{"BadValue", in_quotes(field) + " must not be empty"};
  return name_pattern::exactly(std::string(name));
}

read<name_pattern> read_database(const std::string& of, const dom::object& fields) {
  dom::element name;
  dom::element expression;
  const bool named = fields["database"].get(name) == simdjson::SUCCESS;
  const bool found_by = fields["databaseRegex"].get(expression) == simdjson::SUCCESS;
  if (named == found_by) {
    return body_refusal{named ? "BadValue" : "MissingField", in_quotes(of) + " must have either \"database\" or " +
                                                                 "\"databaseRegex\"" + (named ? ", not both" : "")};
  }
  if (!named) return read_expression(of + ".databaseRegex", expression);
  auto database = read_name(of + ".database", name);
  if (const auto* exactly = std::get_if<name_pattern>(&database)) {
    if (exactly->text().find('.') != std::string::npos) {
      return body_refusal{"BadValue", in_quotes(of + ".database") +
                                          " holds a dot, which no database's name does; "
                                          "collections go into \"collections\""};
    }
  }
  return database;
}

/// None: the whole database.
read<std::vector<name_pattern>> read_collections(const std::string& of, const dom::object& fields) {
  dom::element names;
  dom::element expression;
  const bool named = fields["collections"].get(names) == simdjson::SUCCESS;
  const bool found_by = fields["collectionsRegex"].get(expression) == simdjson::SUCCESS;
  if (named && found_by) {
    return body_refusal{"BadValue",
                        in_quotes(of) + R"( must have "collections" or "collectionsRegex", or neither, but not both)"};
  }
  std::vector<name_pattern> all;
  if (found_by) {
    auto one = read_expression(of + ".collectionsRegex", expression);
    if (auto* refused = std::get_if<body_refusal>(&one)) return std::move(*refused);
    all.push_back(std::get<name_pattern>(std::move(one)));
  }
  if (!named) return all;
  dom::array list;
  if (names.get(list) != simdjson::SUCCESS) return wrong_type(of + ".collections", "an array", names);
  if (list.size() == 0) {
    return body_refusal{"BadValue", in_quotes(of + ".collections") + " is empty; leave it out for the whole database"};
  }
  for (const dom::element each : list) {
    auto one = read_name(of + ".collections", each);
    if (auto* refused = std::get_if<body_refusal>(&one)) return std::move(*refused);
    all.push_back(std::get<name_pattern>(std::move(one)));
  }
  return all;
}

/// Appends the rules of one filter.
std::optional<body_refusal> read_filter(const std::string& of, const dom::element& value,
                                        std::vector<std::string>& rules) {
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) return wrong_type(of, "a document", value);
  static constexpr std::array<std::string_view, 4> known{"database", "databaseRegex", "collections",
                                                         "collectionsRegex"};
  if (auto refused = refuse_others(of, fields, known)) return refused;
  auto database = read_database(of, fields);
  if (auto* refused = std::get_if<body_refusal>(&database)) return std::move(*refused);
  auto collections = read_collections(of, fields);
  if (auto* refused = std::get_if<body_refusal>(&collections)) return std::move(*refused);
  const auto& in = std::get<name_pattern>(database);
  const auto add = [&](std::optional<name_pattern> which) -> std::optional<body_refusal> {
    const cluster::namespace_rule rule(in, std::move(which));
    if (const auto checked = cluster::check_rule(rule); !checked) {
      return body_refusal{"BadValue", in_quotes(of) + ": " + checked.error().message};
    }
    rules.push_back(rule.to_string());
    return {};
  };
  const auto& some = std::get<std::vector<name_pattern>>(collections);
  if (some.empty()) return add(std::nullopt);
  for (const name_pattern& one : some) {
    if (auto refused = add(one)) return refused;
  }
  return {};
}

/// {"database": "a"} or {"database": "a", "collection": "c"}, as text.
read<std::string> read_remapped(const std::string& of, const dom::object& fields, std::string_view side) {
  const std::string field = of + "." + std::string(side);
  dom::element value;
  if (fields[side].get(value) != simdjson::SUCCESS) {
    return body_refusal{"MissingField", in_quotes(field) + R"( is missing; send {"database": ...})"};
  }
  dom::object names;
  if (value.get(names) != simdjson::SUCCESS) return wrong_type(field, R"(a document {"database": ...})", value);
  static constexpr std::array<std::string_view, 2> known{"database", "collection"};
  if (auto refused = refuse_others(field, names, known)) return *std::move(refused);
  std::string text;
  for (const std::string_view part : known) {
    dom::element name;
    if (names[part].get(name) != simdjson::SUCCESS) {
      if (part == "collection") continue;
      return body_refusal{"MissingField", in_quotes(field + ".database") + " is missing"};
    }
    std::string_view given;
    if (name.get(given) != simdjson::SUCCESS) return wrong_type(field + "." + std::string(part), "a string", name);
    const bool dotted = part == "database" && given.find('.') != std::string_view::npos;
    if (given.empty() || dotted) {
      return body_refusal{"BadValue",
                          in_quotes(field + "." + std::string(part)) +
                              (dotted ? " holds a dot, which no database's name does" : " must not be empty")};
    }
    text += (text.empty() ? "" : ".") + std::string(given);
  }
  return text;
}

read<cluster::remap> read_remap(const std::string& of, const dom::element& value) {
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) return wrong_type(of, "a document", value);
  static constexpr std::array<std::string_view, 2> known{"from", "to"};
  if (auto refused = refuse_others(of, fields, known)) return *std::move(refused);
  cluster::remap one;
  for (const auto& [side, into] : {std::pair("from", &one.from), std::pair("to", &one.to)}) {
    auto name = read_remapped(of, fields, side);
    if (auto* refused = std::get_if<body_refusal>(&name)) return std::move(*refused);
    *into = std::get<std::string>(std::move(name));
  }
  return one;
}

}  // namespace

std::variant<std::vector<std::string>, body_refusal> read_namespace_filters(std::string_view field,
                                                                            const dom::element& value) {
  dom::array filters;
  if (value.get(filters) != simdjson::SUCCESS) return wrong_type(field, "an array", value);
  std::vector<std::string> rules;
  std::size_t number = 0;
  for (const dom::element each : filters) {
    const std::string of = std::string(field) + "[" + std::to_string(number++) + "]";
    if (auto refused = read_filter(of, each, rules)) return *std::move(refused);
  }
  return rules;
}

std::variant<std::vector<cluster::remap>, body_refusal> read_namespace_remaps(std::string_view field,
                                                                              const dom::element& value) {
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return wrong_type(field, "an array", value);
  std::vector<cluster::remap> remaps;
  std::size_t number = 0;
  for (const dom::element each : list) {
    auto one = read_remap(std::string(field) + "[" + std::to_string(number++) + "]", each);
    if (auto* refused = std::get_if<body_refusal>(&one)) return std::move(*refused);
    remaps.push_back(std::get<cluster::remap>(std::move(one)));
  }
  return remaps;
}

}  // namespace sluice::http
