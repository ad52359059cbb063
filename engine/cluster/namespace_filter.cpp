#include "engine/cluster/namespace_filter.hpp"

#include <algorithm>
#include <utility>

#include "engine/cluster/namespace_map.hpp"

namespace sluice::cluster {

namespace {

error no_rule(std::string_view text, const std::string& why) {
  return failure(error_kind::configuration, "\"" + std::string(text) + "\" " + why);
}

/// Behind the slash that ends the expression which begins with a slash at 0; 0: there is none.
std::size_t end_of_expression(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '/') {
      return at + 1;
    }
  }
  return 0;
}

struct read_name {
  name_pattern name;
  std::string_view rest;
};

/// A name or an expression at the beginning of `text`; a database's ends at a dot.
result<read_name> read_one(std::string_view text, bool of_database) {
  if (!text.starts_with('/')) {
    const auto end = of_database ? std::min(text.find('.'), text.size()) : text.size();
    std::string_view name = text.substr(0, end);
    if (!of_database && name.starts_with('\\')) name.remove_prefix(1);
    if (name.empty()) return failure(error_kind::configuration, "an empty name");
    return read_name{name_pattern::exactly(std::string(name)), text.substr(end)};
  }
  const std::size_t slash = end_of_expression(text);
  if (slash == 0) return failure(error_kind::configuration, "an expression without a slash at its end");
  const auto end = of_database ? std::min(text.find('.', slash), text.size()) : text.size();
  SLUICE_TRY(auto pattern,
             name_pattern::found_by(std::string(text.substr(1, slash - 2)), text.substr(slash, end - slash)));
  return read_name{std::move(pattern), text.substr(end)};
}

result<bool> any_covers(const std::vector<namespace_rule>& rules, const namespace_name& ns) {
  for (const namespace_rule& rule : rules) {
    SLUICE_TRY(const bool covered, rule.covers(ns));
    if (covered) return true;
  }
  return false;
}

}  // namespace

namespace_rule::namespace_rule(std::string_view exactly)
    : database(name_pattern::exactly(std::string(exactly.substr(0, exactly.find('.'))))) {
  if (auto ns = parse_namespace(exactly)) collection = name_pattern::exactly(std::move(ns->collection));
}

result<bool> namespace_rule::covers(const namespace_name& ns) const {
  SLUICE_TRY(const bool in_database, database.matches(ns.database));
  if (!in_database || !collection) return in_database;
  return collection->matches(ns.collection);
}

std::string namespace_rule::to_string() const {
  if (!collection) return database.text();
  const std::string& name = collection->text();
  const bool escaped = !collection->is_expression() && (name.starts_with('/') || name.starts_with('\\'));
  return database.text() + (escaped ? ".\\" : ".") + name;
}

result<> check_rule(const namespace_rule& rule) {
  if (!rule.database.is_expression() && !is_user_database(rule.database.text())) {
    return no_rule(rule.database.text(),
                   "is a database of the servers or of a migration, which is never copied; leave it out");
  }
  const bool one_collection = rule.collection && !rule.collection->is_expression();
  if (one_collection && !is_user_namespace({"a", rule.collection->text()})) {
    return no_rule(rule.to_string(), "is a collection of the server's, which is never copied itself; leave it out");
  }
  return ok();
}

result<namespace_rule> parse_rule(std::string_view text) {
  auto database = read_one(text, true);
  if (!database) return no_rule(text, "must be a database, or database.collection: " + database.error().message);
  std::optional<name_pattern> collection;
  if (std::string_view rest = database.value().rest; !rest.empty()) {
    auto read = read_one(rest.substr(1), false);
    if (!read) return no_rule(text, "must be a database, or database.collection: " + read.error().message);
    collection = std::move(read.value().name);
  }
  namespace_rule rule(std::move(database.value().name), std::move(collection));
  SLUICE_TRYV(check_rule(rule));
  return rule;
}

result<bool> namespace_filter::covers(const namespace_name& asked) const {
  const auto ns = seen_through ? seen_through->source_of(asked) : std::optional(asked);
  if (!ns) return false;
  if (!include.empty()) {
    SLUICE_TRY(const bool included, any_covers(include, *ns));
    if (!included) return false;
  }
  SLUICE_TRY(const bool excluded, any_covers(exclude, *ns));
  return !excluded;
}

result<bool> namespace_filter::may_cover(std::string_view database) const {
  if (!seen_through) return may_cover_of_source(database);
  for (const std::string& from : seen_through->sources_of(std::string(database))) {
    SLUICE_TRY(const bool may, may_cover_of_source(from));
    if (may) return true;
  }
  return false;
}

result<bool> namespace_filter::may_cover_of_source(std::string_view database) const {
  for (const namespace_rule& rule : exclude) {
    if (rule.collection) continue;
    SLUICE_TRY(const bool excluded, rule.database.matches(database));
    if (excluded) return false;
  }
  if (include.empty()) return true;
  for (const namespace_rule& rule : include) {
    SLUICE_TRY(const bool included, rule.database.matches(database));
    if (included) return true;
  }
  return false;
}

result<bool> namespace_filter::covers_all_of(std::string_view database) const {
  for (const namespace_rule& rule : exclude) {
    SLUICE_TRY(const bool excluded, rule.database.matches(database));
    if (excluded) return false;
  }
  if (include.empty()) return true;
  for (const namespace_rule& rule : include) {
    if (rule.collection) continue;
    SLUICE_TRY(const bool included, rule.database.matches(database));
    if (included) return true;
  }
  return false;
}

result<namespace_filter> parse_filter(const std::vector<std::string>& include,
                                      const std::vector<std::string>& exclude) {
  namespace_filter filter;
  for (const auto& [texts, rules] : {std::pair(&include, &filter.include), std::pair(&exclude, &filter.exclude)}) {
    for (const std::string& text : *texts) {
      SLUICE_TRY(auto rule, parse_rule(text));
      rules->push_back(std::move(rule));
    }
  }
  return filter;
}

result<std::vector<std::string>> rules_without_effect(const namespace_filter& filter,
                                                      const std::vector<namespace_name>& names) {
  std::vector<std::string> idle;
  for (const auto* rules : {&filter.include, &filter.exclude}) {
    for (const namespace_rule& rule : *rules) {
      bool used = false;
      for (const namespace_name& ns : names) {
        SLUICE_TRY(used, rule.covers(ns));
        if (used) break;
      }
      if (!used) idle.push_back(rule.to_string());
    }
  }
  return idle;
}

}  // namespace sluice::cluster
