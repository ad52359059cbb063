#include "engine/accounts/account.hpp"

#include <set>
#include <utility>

#include "bson/compare.hpp"
#include "bson/extended_json.hpp"

namespace sluice::accounts {

namespace {

constexpr std::string_view name_key(account_kind kind) {
  return kind == account_kind::user ? "user" : "role";
}

std::string text(bson::document_view of, std::string_view key) {
  const auto field = of.find(key);
  return std::string(field ? field.as_string().value_or("") : "");
}

bson::document_view array_of(bson::document_view of, std::string_view key) {
  const auto field = of.find(key);
  return field ? field.as_array().value_or(bson::document_view()) : bson::document_view();
}

/// Each action on each resource by itself.
std::set<std::string> grants_of(const account& of) {
  std::set<std::string> grants;
  for (const auto each : array_of(of.stored, "privileges")) {
    const auto privilege = each.as_document();
    const auto field = privilege ? privilege->find("resource") : bson::element_view{};
    if (!field) continue;
    const std::string resource = bson::value_to_json(field);
    for (const auto action : array_of(*privilege, "actions")) {
      grants.insert(resource + " " + std::string(action.as_string().value_or("")));
    }
  }
  return grants;
}

/// rolesInfo puts the restrictions of a role into one more array than the role's document does.
std::string restrictions_of(const account& of) {
  auto restrictions = array_of(of.stored, "authenticationRestrictions");
  if (!restrictions.empty()) {
    if (const auto inner = (*restrictions.begin()).as_array()) restrictions = *inner;
  }
  return bson::array_to_json(restrictions, bson::json_mode::canonical);
}

bool is_same_field(const account& a, const account& b, std::string_view key) {
  const auto one = a.stored.view().find(key).as_document().value_or(bson::document_view());
  const auto other = b.stored.view().find(key).as_document().value_or(bson::document_view());
  return bson::same_bytes(one, other);
}

/// "b of the source ...", when the data of another database becomes `database` on the destination.
std::optional<std::string> clash(const std::string& database, const cluster::namespace_map& names) {
  if (database.empty() || !names.collision({database, {}})) return {};
  return "it names the database " + database + ", and that name is another database's on the destination";
}

class renaming {
 public:
  explicit renaming(const cluster::namespace_map& names) : names_(names) {}

  [[nodiscard]] std::string database(const std::string& source) {
    if (source.empty()) return source;
    if (auto met = clash(source, names_); met && !refused_) refused_ = std::move(met);
    return names_.destination_of({source, {}}).database;
  }
  /// A document with its field `db` renamed.
  void append(bson::builder& to, bson::document_view from) {
    for (const auto field : from) {
      if (field.key() == "db" && field.as_string()) {
        to.append("db", database(std::string(*field.as_string())));
      } else {
        to.append(field);
      }
    }
  }
  [[nodiscard]] const std::optional<std::string>& refused() const noexcept { return refused_; }

 private:
  const cluster::namespace_map& names_;
  std::optional<std::string> refused_;
};

}  // namespace

std::optional<account> account_from(account_kind kind, bson::document_view stored) {
  account made{kind, {text(stored, "db"), text(stored, name_key(kind))}, bson::document(stored)};
  if (made.id.database.empty() || made.id.name.empty()) return {};
  return made;
}

std::vector<account_name> roles_of(const account& of) {
  std::vector<account_name> roles;
  for (const auto each : array_of(of.stored, "roles")) {
    if (const auto role = each.as_document()) roles.push_back({text(*role, "db"), text(*role, "role")});
  }
  return roles;
}

bool is_same(const account& a, const account& b) {
  const auto roles = roles_of(a);
  const auto others = roles_of(b);
  if (std::set(roles.begin(), roles.end()) != std::set(others.begin(), others.end())) return false;
  if (grants_of(a) != grants_of(b) || restrictions_of(a) != restrictions_of(b)) return false;
  return is_same_field(a, b, "credentials") && is_same_field(a, b, "customData");
}

std::variant<account, std::string> as_on_destination(const account& of, const cluster::namespace_map& names) {
  if (names.is_identity()) return of;
  renaming rename(names);
  account made{of.kind, {rename.database(of.id.database), of.id.name}, {}};
  bson::builder stored;
  for (const auto field : of.stored.view()) {
    if (field.key() == "_id") {
      stored.append("_id", made.id.to_string());
    } else if (field.key() == "db") {
      stored.append("db", made.id.database);
    } else if (field.key() == "roles" && field.as_array()) {
      stored.open_array("roles");
      const auto roles = *field.as_array();
      for (const auto each : roles) {
        if (!each.as_document()) continue;
        stored.open_document(stored.next_index());
        rename.append(stored, *each.as_document());
        stored.close();
      }
      stored.close();
    } else if (field.key() == "privileges" && field.as_array()) {
      stored.open_array("privileges");
      const auto privileges = *field.as_array();
      for (const auto each : privileges) {
        const auto privilege = each.as_document();
        const auto resource = privilege ? privilege->find("resource").as_document() : std::nullopt;
        if (!resource) continue;
        stored.open_document(stored.next_index()).open_document("resource");
        rename.append(stored, *resource);
        stored.close().append_array("actions", array_of(*privilege, "actions")).close();
      }
      stored.close();
    } else {
      stored.append(field);
    }
  }
  if (rename.refused()) return *rename.refused();
  made.stored = stored.finish();
  return made;
}

}  // namespace sluice::accounts
