// Which namespaces are migrated: rules that include, rules that exclude. A value that is made once for a run.
//
// As text, which is what flags, the checkpoint and messages have, a rule is "database" or "database.collection", in
// which either name may be "/expression/options". A collection whose name begins with a slash or a backslash has a
// backslash before it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/cluster/name_pattern.hpp"
#include "engine/cluster/namespace_name.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::cluster {

/// A whole database, or collections of it; either may be said by an expression.
struct namespace_rule {
  /// "database" or "database.collection", exactly.
  namespace_rule(std::string_view exactly);
  namespace_rule(const std::string& exactly) : namespace_rule(std::string_view(exactly)) {}
  namespace_rule(const char* exactly) : namespace_rule(std::string_view(exactly)) {}
  namespace_rule(name_pattern databases, std::optional<name_pattern> collections)
      : database(std::move(databases)), collection(std::move(collections)) {}

  name_pattern database;
  std::optional<name_pattern> collection;

  [[nodiscard]] result<bool> covers(const namespace_name& ns) const;
  [[nodiscard]] std::string to_string() const;
};

/// Errors (configuration): what is wrong with the text; system databases and collections are never copied, and refused.
[[nodiscard]] result<namespace_rule> parse_rule(std::string_view text);
[[nodiscard]] result<> check_rule(const namespace_rule& rule);

class namespace_map;

/// Include first, then exclude, which wins. No rule to include: everything. What is asked more than once about the same
/// names (every oplog entry) is to be remembered by whoever asks: an expression costs a microsecond. Errors
/// (configuration): an expression that takes too long, with its name.
struct namespace_filter {
  std::vector<namespace_rule> include;
  std::vector<namespace_rule> exclude;
  /// Where it is set, names that are asked about are the destination's: the rules mean what becomes these names.
  std::shared_ptr<const namespace_map> seen_through{};

  [[nodiscard]] bool is_everything() const noexcept { return include.empty() && exclude.empty(); }
  [[nodiscard]] result<bool> covers(const namespace_name& ns) const;
  /// False: nothing in that database is covered, whatever its name.
  [[nodiscard]] result<bool> may_cover(std::string_view database) const;
  /// True: everything in that database of the source is covered, whatever its name.
  [[nodiscard]] result<bool> covers_all_of(std::string_view database) const;

 private:
  [[nodiscard]] result<bool> may_cover_of_source(std::string_view database) const;
};

/// Errors as parse_rule's; which of the texts it was is in the message.
[[nodiscard]] result<namespace_filter> parse_filter(const std::vector<std::string>& include,
                                                    const std::vector<std::string>& exclude);

/// The rules, as text, that cover none of `names`.
[[nodiscard]] result<std::vector<std::string>> rules_without_effect(const namespace_filter& filter,
                                                                    const std::vector<namespace_name>& names);

}  // namespace sluice::cluster
