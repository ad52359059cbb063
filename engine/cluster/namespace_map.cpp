#include "engine/cluster/namespace_map.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace sluice::cluster {

namespace {

/// What a server on Windows would not take either, so that the data may go on from there.
constexpr std::string_view never_in_database{"/\\. \"$*<>:|?\0", 13};

error no_name(const std::string& name, const std::string& why) {
  return failure(error_kind::configuration, "\"" + name + "\" cannot be the name of something to remap: " + why);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

result<> check_name(const namespace_name& ns, const std::string& text) {
  if (ns.database.find_first_of(never_in_database) != std::string::npos) {
    return no_name(text, "a database's name holds none of /\\. \"$*<>:|? and no NUL");
  }
  if (const auto reason = reason_against_name(ns)) return no_name(text, *reason);
  if (!is_user_database(ns.database)) return no_name(text, "it is a database of the servers or of a migration");
  if (ns.collection.starts_with("system.")) return no_name(text, "it is a collection of the servers");
  return ok();
}

}  // namespace

result<namespace_map::rule> namespace_map::parse(const remap& given) {
  const auto split = [](const std::string& text) { return parse_namespace(text).value_or(namespace_name{text, {}}); };
  rule made{split(given.from), split(given.to)};
  for (const auto& [ns, text] : {std::pair(&made.from, &given.from), std::pair(&made.to, &given.to)}) {
    if (text->ends_with('.') && ns->collection.empty()) return no_name(*text, "the collection's name is empty");
    SLUICE_TRYV(check_name(*ns, *text));
  }
  if (made.from.collection.empty() != made.to.collection.empty()) {
    return failure(error_kind::configuration,
                   "\"" + given.to_string() + "\" cannot be remapped: both must be databases, or both collections");
  }
  if (made.from == made.to) {
    return failure(error_kind::configuration,
                   "\"" + given.from + "\" is remapped to itself; leave it out: names stay as they are");
  }
  return made;
}

result<namespace_map> namespace_map::of(const std::vector<remap>& rules) {
  namespace_map map;
  for (const remap& given : rules) {
    SLUICE_TRY(auto one, parse(given));
    for (const rule& other : map.rules_) {
      if (other.from == one.from) {
        return failure(error_kind::configuration,
                       "\"" + given.from + "\" is remapped twice, to " + other.text_to() + " and to " + one.text_to());
      }
      if (other.to == one.to) {
        return failure(error_kind::configuration, other.text_from() + " and " + one.text_from() +
                                                      " would both become " + one.text_to() +
                                                      "; remap one of them to another name");
      }
      if (other.to.database != one.to.database && lower(other.to.database) == lower(one.to.database)) {
        return failure(error_kind::configuration,
                       "the databases " + other.to.database + " and " + one.to.database +
                           ", to which you remap, differ by case only, and no server holds both");
      }
    }
    map.rules_.push_back(std::move(one));
  }
  return map;
}

const namespace_map::rule* namespace_map::rule_of(const namespace_name& source) const {
  const rule* of_database = nullptr;
  for (const rule& one : rules_) {
    if (one.from.database != source.database) continue;
    if (one.from.collection.empty()) of_database = &one;
    if (!one.from.collection.empty() && one.from.collection == source.collection) return &one;
  }
  return of_database;
}

namespace_name namespace_map::destination_of(const namespace_name& source) const {
  if (is_identity()) return source;
  if (const auto owner = owner_of_buckets(source)) return buckets_of(destination_of(*owner));
  const rule* const one = rule_of(source);
  if (one == nullptr) return source;
  return {one->to.database, one->to.collection.empty() ? source.collection : one->to.collection};
}

std::optional<namespace_name> namespace_map::renamed(const namespace_name& source) const {
  auto there = destination_of(source);
  return there == source ? std::nullopt : std::optional(std::move(there));
}

std::optional<namespace_name> namespace_map::source_of(const namespace_name& destination) const {
  if (is_identity()) return destination;
  if (const auto owner = owner_of_buckets(destination)) {
    const auto from = source_of(*owner);
    return from ? std::optional(buckets_of(*from)) : std::nullopt;
  }
  // What a rule leads here goes before what has the name already: of the two only that may be migrated.
  for (const rule& one : rules_) {
    if (!one.to.collection.empty() && one.to == destination) return one.from;
  }
  for (const std::string& database : sources_of(destination.database)) {
    namespace_name candidate{database, destination.collection};
    if (destination_of(candidate) == destination) return candidate;
  }
  return {};
}

std::optional<std::string> namespace_map::collision(const namespace_name& source) const {
  if (is_identity()) return {};
  const namespace_name there = destination_of(source);
  const auto from = source_of(there);
  if (!from || *from == source) return {};
  return source.to_string() + " of the source would be called " + there.to_string() +
         " on the destination, and so is what is remapped from " + from->to_string() + ": exclude it, or remap it, too";
}

std::vector<std::string> namespace_map::sources_of(const std::string& destination) const {
  std::vector<std::string> found;
  const auto add = [&found](const std::string& database) {
    if (std::ranges::find(found, database) == found.end()) found.push_back(database);
  };
  for (const rule& one : rules_) {
    if (one.to.database == destination) add(one.from.database);
  }
  if (rule_of({destination, {}}) == nullptr) add(destination);
  return found;
}

std::vector<std::string> namespace_map::destinations_of(const std::string& source) const {
  std::vector<std::string> found;
  const rule* const moved = rule_of({source, {}});
  found.push_back(moved == nullptr ? source : moved->to.database);
  for (const rule& one : rules_) {
    if (one.from.database != source || std::ranges::find(found, one.to.database) != found.end()) continue;
    found.push_back(one.to.database);
  }
  return found;
}

std::vector<std::string> namespace_map::rules_without_effect(const std::vector<namespace_name>& names) const {
  std::vector<std::string> idle;
  for (const rule& one : rules_) {
    const bool used = std::ranges::any_of(names, [&](const namespace_name& ns) { return rule_of(ns) == &one; });
    if (!used) idle.push_back(one.text_from() + " to " + one.text_to());
  }
  return idle;
}

std::optional<std::string> name_in_the_way(const namespace_map& map, const std::vector<namespace_name>& names,
                                           const std::vector<std::string>& present) {
  std::map<std::string, std::string> databases;  // in lower case: as it is written
  for (const std::string& database : present) databases.emplace(lower(database), database);
  for (const namespace_name& ns : names) {
    if (auto met = map.collision(ns)) return met;
    const namespace_name there = map.destination_of(ns);
    if (there.to_string().size() > namespace_bytes_max) {
      return ns.to_string() + " would become " + there.to_string() + ", which has more than " +
             std::to_string(namespace_bytes_max) + " bytes; choose shorter names";
    }
    const auto [known, added] = databases.emplace(lower(there.database), there.database);
    if (!added && known->second != there.database) {
      return ns.to_string() + " would become " + there.to_string() +
             ", and the destination cannot hold that database beside " + known->second +
             ", which differs by case only; remap it to another name, or leave it out";
    }
  }
  return {};
}

}  // namespace sluice::cluster
