// What namespaces are called on the destination: a name for a name, given once for a run. Where a rule leads to a name
// that something of the source has already, or gets later, the rule's goes there, and whoever meets the other one must
// refuse it: see collision().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/cluster/namespace_name.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::cluster {

/// As flags and the checkpoint have it: "database", or "database.collection" on both sides.
struct remap {
  std::string from;
  std::string to;
  [[nodiscard]] std::string to_string() const { return from + " to " + to; }
  friend bool operator==(const remap&, const remap&) = default;
};

class namespace_map {
 public:
  /// Everything keeps its name.
  namespace_map() = default;
  /// A collection's own rule goes before that of its database. Errors (configuration): a name that no server takes or
  /// that belongs to servers; two rules for one name, or to one; databases to remap to which differ by case only.
  [[nodiscard]] static result<namespace_map> of(const std::vector<remap>& rules);

  [[nodiscard]] bool is_identity() const noexcept { return rules_.empty(); }
  /// Buckets go where their time-series collection goes.
  [[nodiscard]] namespace_name destination_of(const namespace_name& source) const;
  /// The same, where it is another name.
  [[nodiscard]] std::optional<namespace_name> renamed(const namespace_name& source) const;
  /// The reverse: what a rule leads there, else what has that name. Nothing: no name of the source becomes this one.
  [[nodiscard]] std::optional<namespace_name> source_of(const namespace_name& destination) const;
  /// Why `source` cannot be migrated: its name on the destination is another one's, as a sentence. Nothing: it can.
  [[nodiscard]] std::optional<std::string> collision(const namespace_name& source) const;
  /// Databases of the source of which something may become part of `destination`.
  [[nodiscard]] std::vector<std::string> sources_of(const std::string& destination) const;
  /// The reverse: where something of `source` may be.
  [[nodiscard]] std::vector<std::string> destinations_of(const std::string& source) const;
  /// The rules, as text, that are none of `names`'.
  [[nodiscard]] std::vector<std::string> rules_without_effect(const std::vector<namespace_name>& names) const;

 private:
  struct rule {
    namespace_name from;  // no collection: the whole database
    namespace_name to;
    [[nodiscard]] std::string text_from() const { return from.collection.empty() ? from.database : from.to_string(); }
    [[nodiscard]] std::string text_to() const { return to.collection.empty() ? to.database : to.to_string(); }
  };
  [[nodiscard]] static result<rule> parse(const remap& given);
  [[nodiscard]] const rule* rule_of(const namespace_name& source) const;

  std::vector<rule> rules_;
};

/// The first of `names` (of the source) that collides, would be too long on the destination, or would be in a database
/// that differs from another one's by case only, among them or in `present`; as a sentence. Nothing: all is well.
[[nodiscard]] std::optional<std::string> name_in_the_way(const namespace_map& map,
                                                         const std::vector<namespace_name>& names,
                                                         const std::vector<std::string>& present);

}  // namespace sluice::cluster
