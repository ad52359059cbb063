// Which users and roles come over, in which order and under which names, and what is said of the others.
#include "engine/accounts/account_plan.hpp"

#include <gtest/gtest.h>
#include <mongoc/mongoc.h>

#include "bson/extended_json.hpp"
#include "engine/accounts/account_privileges.hpp"

namespace sluice::accounts {
namespace {

bson::document from_json(const std::string& text) {
  bson_error_t error;
  bson_t* const made =
      bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<ssize_t>(text.size()), &error);
  EXPECT_NE(made, nullptr) << error.message << ": " << text;
  bson::document document(bson::document_view(reinterpret_cast<const std::byte*>(bson_get_data(made))));
  bson_destroy(made);
  return document;
}

account role(const std::string& database, const std::string& name, const std::string& roles = "[]",
             const std::string& privileges = "[]") {
  return *account_from(account_kind::role,
                       from_json(R"({"_id": ")" + database + "." + name + R"(", "role": ")" + name + R"(", "db": ")" +
                                 database + R"(", "privileges": )" + privileges + R"(, "roles": )" + roles + "}"));
}

account user(const std::string& database, const std::string& name, const std::string& roles = "[]",
             const std::string& key = "k", const std::string& user_id = "1") {
  return *account_from(account_kind::user, from_json(R"({"_id": ")" + database + "." + name + R"(", "userId": ")" +
                                                     user_id + R"(", "user": ")" + name + R"(", "db": ")" + database +
                                                     R"(", "credentials": {"SCRAM-SHA-256": {"storedKey": ")" + key +
                                                     R"("}}, "roles": )" + roles + "}"));
}

std::string named(const std::string& database, const std::string& name) {
  return R"([{"role": ")" + name + R"(", "db": ")" + database + "\"}]";
}

cluster::migration_scope scope_of(const std::vector<std::string>& include,
                                  const std::vector<cluster::remap>& remaps = {}) {
  cluster::migration_scope scope;
  scope.filter = cluster::parse_filter(include, {}).value();
  scope.names = cluster::namespace_map::of(remaps).value();
  return scope;
}

std::vector<std::string> reasons(const std::vector<skipped_account>& skipped) {
  std::vector<std::string> all;
  for (const auto& one : skipped) all.push_back(one.name + ": " + one.reason);
  return all;
}

std::vector<std::string> names(const std::vector<account_step>& steps) {
  std::vector<std::string> all;
  for (const auto& one : steps) {
    const char* const how = one.action == account_action::replace ? "again "
                            : one.action == account_action::drop  ? "drop "
                                                                  : "";
    all.push_back(how + one.what.as.id.to_string());
  };
  return all;
}

using texts = std::vector<std::string>;

TEST(account_plan, chooses_those_of_admin_of_external_and_of_what_is_migrated) {
  const std::vector<account> source{user("admin", "ops"),
                                    user("$external", "CN=a"),
                                    user("shop", "app"),
                                    user("other", "app"),
                                    user("admin", "sluice"),
                                    user("local", "__system"),
                                    user("admin", "__queryable_backup")};
  const auto chosen = choose_accounts(source, scope_of({"shop.orders"}), {{"admin", "sluice"}}).value();
  texts wanted;
  for (const auto& one : chosen.wanted) wanted.push_back(one.as.id.to_string());
  EXPECT_EQ(wanted, (texts{"admin.ops", "$external.CN=a", "shop.app"}));
  EXPECT_EQ(reasons(chosen.skipped),
            (texts{"other.app: its database is not migrated", "admin.sluice: Sluice logs in as it on the source",
                   "local.__system: it is the server's own", "admin.__queryable_backup: it is the server's own"}));
}

TEST(account_plan, makes_roles_before_those_that_inherit_from_them) {
  const std::vector<account> source{role("admin", "a", named("shop", "b")), role("shop", "b", named("shop", "c")),
                                    role("shop", "c", named("shop", "read")), user("shop", "app", named("admin", "a"))};
  present_accounts present;
  present.roles_there = {{"shop", "read"}};
  const auto plan = plan_accounts(choose_accounts(source, scope_of({}), {}).value(), present);
  EXPECT_EQ(names(plan.steps), (texts{"shop.c", "shop.b", "admin.a", "shop.app"}));
}

TEST(account_plan, names_the_role_that_is_missing) {
  const std::set<account_name> there{{"shop", "read"}};
  EXPECT_EQ(lacking_role(user("shop", "app", named("shop", "read")), there), std::nullopt);
  EXPECT_EQ(lacking_role(user("shop", "app", named("other", "clerk")), there),
            "its role other.clerk is not on the destination");
  // Roles that need each other come last, so that all of them are named.
  const std::vector<account> source{role("a", "x", named("a", "y")), role("a", "y", named("a", "x")), role("a", "z")};
  const auto plan = plan_accounts(choose_accounts(source, scope_of({}), {}).value(), {});
  EXPECT_EQ(names(plan.steps), (texts{"a.z", "a.x", "a.y"}));
}

TEST(account_plan, leaves_alone_what_the_run_has_not_made) {
  const std::vector<account> source{user("shop", "same"), user("shop", "other"),   user("shop", "ours"),
                                    user("shop", "kept"), user("admin", "sluice"), role("shop", "clerk"),
                                    user("shop", "made")};
  present_accounts present;
  present.users = {user("shop", "same"),
                   user("shop", "other", "[]", "x"),
                   user("shop", "ours", "[]", "x"),
                   user("shop", "kept"),
                   user("admin", "sluice", "[]", "x"),
                   user("shop", "made", "[]", "x", "2"),
                   user("shop", "lost"),
                   user("shop", "foreign")};
  present.roles = {role("shop", "clerk", named("shop", "read"))};
  present.roles_there = {{"shop", "clerk"}};
  present.own = {{"admin", "sluice"}};
  // Somebody else has made a user of the same name meanwhile: it has another userId.
  for (const char* name : {"ours", "kept", "made", "lost"})
    present.made_by_this_run.insert(mark_of(user("shop", name)));
  const auto plan = plan_accounts(choose_accounts(source, scope_of({}), {}).value(), present);
  EXPECT_EQ(names(plan.steps), (texts{"drop shop.lost", "again shop.ours"}));
  EXPECT_EQ(plan.users_done, 1);
  EXPECT_EQ(reasons(plan.skipped), (texts{"shop.same: exists, identical", "shop.other: exists, differs",
                                          "admin.sluice: Sluice logs in as it on the destination",
                                          "shop.clerk: exists, differs", "shop.made: exists, differs"}));
}

TEST(account, is_the_same_in_any_order) {
  const auto privileges = [](const char* actions) {
    return R"([{"resource": {"db": "shop", "collection": "c"}, "actions": )" + std::string(actions) + "}]";
  };
  const auto a = role("shop", "clerk", R"([{"role": "a", "db": "x"}, {"role": "b", "db": "x"}])",
                      privileges(R"(["find", "insert"])"));
  EXPECT_TRUE(is_same(a, role("shop", "clerk", R"([{"role": "b", "db": "x"}, {"role": "a", "db": "x"}])",
                              privileges(R"(["insert", "find"])"))));
  EXPECT_FALSE(is_same(
      a, role("shop", "clerk", R"([{"role": "b", "db": "x"}, {"role": "a", "db": "x"}])", privileges(R"(["find"])"))));
  EXPECT_FALSE(is_same(user("shop", "a", "[]", "k"), user("shop", "a", "[]", "l")));
}

TEST(account, has_the_same_restrictions_as_rolesInfo_tells_them) {
  const auto with = [](const char* restrictions) {
    return *account_from(account_kind::role, from_json(R"({"role": "r", "db": "a", "authenticationRestrictions": )" +
                                                       std::string(restrictions) + "}"));
  };
  EXPECT_TRUE(is_same(with(R"([{"clientSource": ["10.0.0.1"]}])"), with(R"([[{"clientSource": ["10.0.0.1"]}]])")));
  EXPECT_FALSE(is_same(with(R"([{"clientSource": ["10.0.0.1"]}])"), with(R"([[{"clientSource": ["10.0.0.2"]}]])")));
  EXPECT_TRUE(is_same(with("[]"), with("[[]]")));
}

TEST(account, gets_the_names_of_the_destination) {
  const auto scope = scope_of({}, {{"shop", "store"}});
  const auto renamed =
      as_on_destination(role("shop", "clerk", named("shop", "read"),
                             R"([{"resource": {"db": "shop", "collection": "orders"}, "actions": ["find"]},
               {"resource": {"db": "", "collection": "orders"}, "actions": ["find"]},
               {"resource": {"cluster": true}, "actions": ["serverStatus"]}])"),
                        scope.names);
  const auto* const made = std::get_if<account>(&renamed);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(bson::to_json(made->stored),
            bson::to_json(role("store", "clerk", named("store", "read"),
                               R"([{"resource": {"db": "store", "collection": "orders"}, "actions": ["find"]},
                                   {"resource": {"db": "", "collection": "orders"}, "actions": ["find"]},
                                   {"resource": {"cluster": true}, "actions": ["serverStatus"]}])")
                              .stored));
  const auto external = as_on_destination(user("$external", "CN=a", named("shop", "read")), scope.names);
  EXPECT_EQ(std::get<account>(external).id.to_string(), "$external.CN=a");
  EXPECT_EQ(roles_of(std::get<account>(external)), (std::vector<account_name>{{"store", "read"}}));
}

TEST(account, does_not_get_at_the_data_of_another_database) {
  const auto scope = scope_of({"shop"}, {{"shop", "store"}});
  const auto refused = as_on_destination(user("admin", "ops", named("store", "read")), scope.names);
  ASSERT_TRUE(std::holds_alternative<std::string>(refused));
  EXPECT_EQ(std::get<std::string>(refused),
            "it names the database store, and that name is another database's on the destination");
}

TEST(account_privileges, are_named_with_the_role_that_holds_them) {
  const auto lacking = [](const char* privileges, cluster::role as) {
    const auto held = from_json(std::string(R"({"p": )") + privileges + "}");
    return lacking_privileges(*held.view().find("p").as_array(), as);
  };
  const char* const backup = R"([{"resource": {"db": "", "collection": "system.users"}, "actions": ["find"]},
                                 {"resource": {"db": "admin", "collection": "system.roles"}, "actions": ["find"]}])";
  EXPECT_EQ(lacking(backup, cluster::role::source), "");
  EXPECT_EQ(lacking(R"([{"resource": {"anyResource": true}, "actions": ["find"]}])", cluster::role::source), "");
  // "Every database and collection" does not mean those of the system.
  EXPECT_EQ(lacking(R"([{"resource": {"db": "", "collection": ""}, "actions": ["find"]}])", cluster::role::source),
            "find on admin.system.users (role backup); find on admin.system.roles (role backup)");
  EXPECT_EQ(lacking(backup, cluster::role::destination),
            "insert, update on admin.system.users (role restore); createRole, dropUser, grantRole, revokeRole, "
            "setAuthenticationRestriction, viewRole on every database (role restore)");
}

}  // namespace
}  // namespace sluice::accounts
