// Users and custom roles that come over: their old passwords open the destination, roles allow what they allowed, and
// what is skipped is said. libmongoc logs in as the judge.
#include <csignal>

#include "tests/integration/sync_program.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/sharded_cluster.hpp"

namespace sluice::session {
namespace {

using namespace testing;
using lab::credentials;

const credentials root{"root", "r00t-s3cret"};
const credentials reader{"reader", "reader-s3cret"};
const credentials writer{"writer", "writer-s3cret"};
constexpr const char* source_roles = R"(["backup", "clusterMonitor", "readAnyDatabase"])";
constexpr const char* destination_roles = R"(["restore", "clusterMonitor", "readWriteAnyDatabase"])";

lab::replica_set_options guarded(const char* name, const std::string& version = "6.0.27") {
  auto options = set_of(name, version);
  options.server.root = root;
  return options;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Whether this password opens the set, for a user of that database.
bool logs_in(const lab::replica_set& set, const credentials& who, const std::string& database,
             const std::string& mechanism = "SCRAM-SHA-256") {
  lab::client server(set.uri_as(who, "authSource=" + database + "&authMechanism=" + mechanism));
  lab::document reply;
  bson_error_t error;
  return server.try_run(database.c_str(), lab::document::json(R"({"connectionStatus": 1})"), reply, error);
}

/// Whether the user may run the command there.
bool may(const lab::replica_set& set, const credentials& who, const std::string& auth_database, const char* database,
         const char* command) {
  lab::client server(set.uri_as(who, "authSource=" + auth_database));
  lab::document reply;
  bson_error_t error;
  return server.try_run(database, lab::document::json(command), reply, error);
}

std::vector<lab::document> stored(const lab::replica_set& set, const char* collection, const std::string& filter) {
  return set.connect()
      .run("admin", R"({"find": ")" + std::string(collection) + R"(", "filter": )" + filter +
                        R"(, "sort": {"_id": 1}, "batchSize": 1000})")
      .child("cursor.firstBatch")
      .elements();
}

/// What an application's deployment has: custom roles that inherit, users of both mechanisms, with restrictions, of
/// several databases and of none.
void make_accounts(lab::client server) {
  server.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}]})");
  server.run("shop", R"({"insert": "secrets", "documents": [{"_id": 1}]})");
  server.run("shop", R"({"createRole": "clerk", "roles": [], "privileges": [
      {"resource": {"db": "shop", "collection": "orders"}, "actions": ["find", "insert"]}]})");
  server.run("shop", R"({"createRole": "aide", "roles": ["clerk"], "privileges": []})");
  server.run("admin", R"({"createRole": "auditor", "roles": [{"role": "aide", "db": "shop"}], "privileges": [
      {"resource": {"cluster": true}, "actions": ["serverStatus"]},
      {"resource": {"anyResource": true}, "actions": ["listCollections"]}],
      "authenticationRestrictions": [{"clientSource": ["127.0.0.1"]}]})");
  server.run("shop", R"({"createUser": "app", "pwd": "app-s3cret", "roles": ["clerk"], "customData": {"team": 7}})");
  server.run("shop", R"({"createUser": "old", "pwd": "old-s3cret", "roles": ["aide", {"role": "read", "db": "logs"}],
      "mechanisms": ["SCRAM-SHA-1"]})");
  server.run("admin", R"({"createUser": "audit", "pwd": "audit-s3cret", "roles": ["auditor"]})");
  server.run("shop", R"({"createUser": "afar", "pwd": "afar-s3cret", "roles": ["clerk"],
      "authenticationRestrictions": [{"clientSource": ["192.0.2.1"]}]})");
  server.run("$external", R"({"createUser": "CN=app,O=Example", "roles": [{"role": "readWrite", "db": "shop"}]})");
}

/// No password, and nothing of what a server keeps of one.
void expect_no_secrets(const lab::replica_set& source, const std::string& output) {
  EXPECT_FALSE(holds(output, "s3cret")) << output;
  int looked_for = 0;
  for (const auto& one : stored(source, "system.users", "{}")) {
    for (const char* path : {"credentials.SCRAM-SHA-1.storedKey", "credentials.SCRAM-SHA-256.storedKey",
                             "credentials.SCRAM-SHA-256.salt", "credentials.SCRAM-SHA-256.serverKey"}) {
      const std::string secret = one.text(path);
      if (secret.empty()) continue;
      ++looked_for;
      EXPECT_FALSE(holds(output, secret));
    }
  }
  EXPECT_GT(looked_for, 0);
}

lab::copy_outcome copy_users(const lab::replica_set& source, const lab::replica_set& destination,
                             std::vector<std::string> more = {}) {
  more.emplace_back("--users");
  more.insert(more.end(), {"--verbosity", "TRACE"});
  auto outcome = lab::copy(source.uri_as(reader), destination.uri_as(writer), std::move(more));
  expect_no_secrets(source, outcome.output);
  return outcome;
}

/// From each major version into the newest.
class accounts_of : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(version, accounts_of, ::testing::Values("4.4.2", "5.0.4", "6.0.5", "6.0.27"),
                         [](const auto& one) {
                           std::string name = one.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

TEST_P(accounts_of, may_what_they_might_with_their_old_passwords) {
  lab::replica_set source(guarded("source", GetParam()));
  lab::replica_set destination(guarded("destination"));
  source.add_user(reader, source_roles);
  destination.add_user(writer, destination_roles);
  make_accounts(source.connect());

  const auto done = copy_users(source, destination);
  ASSERT_TRUE(done.status.success()) << done.output;

  const credentials app{"app", "app-s3cret"};
  EXPECT_TRUE(logs_in(destination, app, "shop"));
  EXPECT_TRUE(logs_in(destination, app, "shop", "SCRAM-SHA-1"));
  EXPECT_FALSE(logs_in(destination, {"app", "another"}, "shop"));
  EXPECT_TRUE(logs_in(destination, {"old", "old-s3cret"}, "shop", "SCRAM-SHA-1"));
  EXPECT_FALSE(logs_in(destination, {"old", "old-s3cret"}, "shop"));
  EXPECT_TRUE(logs_in(destination, {"audit", "audit-s3cret"}, "admin"));
  EXPECT_FALSE(logs_in(destination, {"afar", "afar-s3cret"}, "shop"));

  // A role allows exactly what it allowed.
  EXPECT_TRUE(may(destination, app, "shop", "shop", R"({"find": "orders"})"));
  EXPECT_TRUE(may(destination, app, "shop", "shop", R"({"insert": "orders", "documents": [{"_id": 2}]})"));
  EXPECT_FALSE(may(destination, app, "shop", "shop", R"({"delete": "orders", "deletes": [{"q": {}, "limit": 0}]})"));
  EXPECT_FALSE(may(destination, app, "shop", "shop", R"({"find": "secrets"})"));
  const credentials audit{"audit", "audit-s3cret"};
  EXPECT_TRUE(may(destination, audit, "admin", "admin", R"({"serverStatus": 1})"));
  EXPECT_TRUE(may(destination, audit, "admin", "shop", R"({"find": "orders"})"));
  EXPECT_FALSE(may(destination, audit, "admin", "shop", R"({"find": "secrets"})"));

  // As stored, byte by byte: credentials, restrictions, custom data, users of $external.
  for (const char* collection : {"system.users", "system.roles"}) {
    const std::string filter = R"({"_id": {"$nin": ["admin.root", "admin.reader", "admin.writer"]}})";
    const auto there = stored(destination, collection, filter);
    const auto here = stored(source, collection, filter);
    ASSERT_EQ(there.size(), here.size()) << collection;
    for (std::size_t i = 0; i < here.size(); ++i) {
      EXPECT_TRUE(here[i].raw() == there[i].raw()) << lab::to_text(*here[i].get());
    }
  }
  EXPECT_TRUE(holds(done.output, "users                              5")) << done.output;
  EXPECT_TRUE(holds(done.output, "roles                              3")) << done.output;
  EXPECT_TRUE(holds(done.output, "user admin.reader: Sluice logs in as it on the source")) << done.output;
  EXPECT_TRUE(holds(done.output, "user admin.root: exists, differs")) << done.output;
}

class accounts_copied : public ::testing::Test {
 protected:
  void SetUp() override {
    source.add_user(reader, source_roles);
    destination.add_user(writer, destination_roles);
    make_accounts(source.connect());
  }
  lab::replica_set source{guarded("source")};
  lab::replica_set destination{guarded("destination")};
};

TEST_F(accounts_copied, never_replace_what_is_there) {
  auto server = destination.connect();
  server.run("shop", R"({"createUser": "app", "pwd": "its-own", "roles": []})");
  server.run("shop", R"({"createRole": "aide", "roles": ["read"], "privileges": []})");
  source.add_user(writer, R"(["root"])");
  const auto first = copy_users(source, destination);
  ASSERT_TRUE(first.status.success()) << first.output;
  EXPECT_TRUE(holds(first.output, "user shop.app: exists, differs")) << first.output;
  EXPECT_TRUE(holds(first.output, "role shop.aide: exists, differs")) << first.output;
  EXPECT_TRUE(holds(first.output, "user admin.writer: Sluice logs in as it on the destination")) << first.output;
  EXPECT_TRUE(logs_in(destination, {"app", "its-own"}, "shop"));
  EXPECT_FALSE(logs_in(destination, {"app", "app-s3cret"}, "shop"));

  const auto second = copy_users(source, destination, {"--drop"});
  ASSERT_TRUE(second.status.success()) << second.output;
  EXPECT_TRUE(holds(second.output, "user shop.old: exists, identical")) << second.output;
  EXPECT_TRUE(holds(second.output, "role admin.auditor: exists, identical")) << second.output;
  EXPECT_TRUE(holds(second.output, "users                              0")) << second.output;
}

TEST_F(accounts_copied, want_privileges_that_are_named_before_anything_is_written) {
  source.add_user({"narrow", "s3cret"}, R"(["readAnyDatabase", "clusterMonitor"])");
  destination.add_user({"timid", "s3cret"}, R"(["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor"])");
  const auto from = lab::copy(source.uri_as(credentials{"narrow", "s3cret"}), destination.uri_as(writer), {"--users"});
  EXPECT_EQ(from.status.code, 3) << from.output;
  EXPECT_TRUE(holds(from.output, "find on admin.system.users (role backup)")) << from.output;
  const auto to = lab::copy(source.uri_as(reader), destination.uri_as(credentials{"timid", "s3cret"}), {"--users"});
  EXPECT_EQ(to.status.code, 3) << to.output;
  EXPECT_TRUE(holds(to.output, "on admin.system.users (role restore)")) << to.output;
  const auto left = destination.connect().run(
      "admin", R"({"listDatabases": 1, "filter": {"name": {"$nin": ["admin", "config", "local"]}}})");
  EXPECT_TRUE(left.child("databases").elements().empty());
}

TEST_F(accounts_copied, follow_the_filter_and_say_what_a_role_lacks) {
  auto server = source.connect();
  server.run("logs", R"({"createRole": "shipper", "roles": ["read"], "privileges": []})");
  server.run("logs", R"({"createUser": "ship", "pwd": "ship-s3cret", "roles": ["shipper"]})");
  server.run("shop", R"({"createUser": "both", "pwd": "both-s3cret", "roles": [{"role": "shipper", "db": "logs"}]})");
  const auto done = copy_users(source, destination, {"--include", "shop"});
  ASSERT_TRUE(done.status.success()) << done.output;
  EXPECT_TRUE(holds(done.output, "role logs.shipper: its database is not migrated")) << done.output;
  EXPECT_TRUE(holds(done.output, "user logs.ship: its database is not migrated")) << done.output;
  EXPECT_TRUE(holds(done.output, "user shop.both: its role logs.shipper is not on the destination")) << done.output;
  EXPECT_TRUE(logs_in(destination, {"app", "app-s3cret"}, "shop"));
  EXPECT_FALSE(logs_in(destination, {"ship", "ship-s3cret"}, "logs"));
}

TEST_F(accounts_copied, move_with_their_database) {
  const auto done = copy_users(source, destination, {"--remap", "shop=store"});
  ASSERT_TRUE(done.status.success()) << done.output;
  const credentials app{"app", "app-s3cret"};
  EXPECT_TRUE(logs_in(destination, app, "store"));
  EXPECT_TRUE(may(destination, app, "store", "store", R"({"find": "orders"})"));
  EXPECT_FALSE(may(destination, app, "store", "store", R"({"find": "secrets"})"));
  EXPECT_TRUE(may(destination, {"audit", "audit-s3cret"}, "admin", "store", R"({"find": "orders"})"));

  const auto refused = copy_users(source, destination, {"--remap", "shop.orders=store.bills"});
  EXPECT_EQ(refused.status.code, 2) << refused.output;
  EXPECT_TRUE(holds(refused.output, "remap whole databases")) << refused.output;
}

/// Where nobody has to log in, accounts come over as well, for the day when one has to.
TEST(accounts, of_deployments_without_authentication) {
  lab::replica_set source(set_of("source"));
  lab::replica_set destination(set_of("destination"));
  make_accounts(source.connect());
  const auto done = lab::copy(source.uri(), destination.uri(), {"--users"});
  ASSERT_TRUE(done.status.success()) << done.output;
  EXPECT_EQ(stored(destination, "system.users", "{}").size(), 5U);
  EXPECT_TRUE(logs_in(destination, {"app", "app-s3cret"}, "shop"));
}

TEST(accounts, of_a_sharded_cluster) {
  if (!lab::find_mongos()) {
    lab::not_run("there is no mongos");
    return;
  }
  lab::sharded_cluster source({.shards = 1});
  lab::replica_set destination(set_of("destination"));
  make_accounts(source.connect());
  const auto done = lab::copy(source.uri(), destination.uri(), {"--users"});
  ASSERT_TRUE(done.status.success()) << done.output;
  EXPECT_TRUE(logs_in(destination, {"app", "app-s3cret"}, "shop"));
  EXPECT_EQ(stored(destination, "system.roles", "{}").size(), 3U);
}

/// The connection is lost between roles; a user is written, and the answer says that nobody knows for how long.
TEST(accounts, are_made_once_whatever_happens_meanwhile) {
  for (const char* trouble : {R"({"failCommands": ["createRole"], "closeConnection": true})",
                              R"({"failCommands": ["insert"], "namespace": "admin.system.users",
                                  "writeConcernError": {"code": 91, "errmsg": "shutting down"}})"}) {
    lab::replica_set source(set_of("source"));
    lab::replica_set destination(set_of("destination"));
    make_accounts(source.connect());
    auto server = destination.connect();
    server.run("admin",
               R"({"configureFailPoint": "failCommand", "mode": {"times": 2}, "data": )" + std::string(trouble) + "}");
    const auto done = lab::copy(source.uri(), destination.uri(), {"--users"});
    ASSERT_TRUE(done.status.success()) << done.output;
    EXPECT_TRUE(holds(done.output, "users                              5")) << done.output;
    EXPECT_TRUE(holds(done.output, "roles                              3")) << done.output;
    EXPECT_TRUE(holds(done.output, "accounts skipped                   0")) << done.output;
    const auto left = server.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
    EXPECT_EQ(left.integer("count"), 2) << trouble;
  }
}

/// The wish may come with the call that starts a run, and progress tells what became of it.
TEST(accounts, are_asked_for_by_a_call) {
  pair_of_sets sets;
  make_accounts(sets.source.connect());
  const auto run = sets.make();
  start_request wanted;
  wanted.source = "source";
  wanted.destination = "destination";
  wanted.users = true;
  ASSERT_TRUE(run->start(wanted));
  commit(*run);
  const auto last = run->snapshot(false);
  ASSERT_TRUE(last.accounts);
  EXPECT_EQ(last.accounts->users_copied, 5);
  EXPECT_EQ(last.accounts->roles_copied, 3);
  EXPECT_TRUE(last.accounts->skipped.empty());
  EXPECT_EQ(stored(sets.destination, "system.users", "{}").size(), 5U);
}

/// A server that refuses a command repeats it, credentials and all, in what it says.
TEST(accounts, keep_their_credentials_to_themselves_when_they_are_refused) {
  pair_of_sets sets(guarded("src"), guarded("dst"));
  sets.source.add_user(reader, source_roles);
  sets.destination.add_user(writer, destination_roles);
  make_accounts(sets.source.connect());
  auto settings = sets.settings();
  settings.copy.source_uri = sets.source.uri_as(reader);
  settings.copy.destination_uri = sets.destination.uri_as(writer);
  settings.copy.users = true;
  sync_session run(settings, labels());
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  auto server = sets.destination.connect();
  server.run("admin", R"({"createRole": "weaker", "roles": [], "privileges": [
      {"resource": {"db": "admin", "collection": "system.users"}, "actions": ["find"]},
      {"resource": {"cluster": true}, "actions": ["bypassWriteBlockingMode", "setUserWriteBlockMode"]},
      {"resource": {"db": "", "collection": ""}, "actions": ["createRole", "grantRole",
          "setAuthenticationRestriction", "viewRole"]}]})");
  server.run("admin", R"({"grantRolesToUser": "writer", "roles": ["weaker", "dbAdminAnyDatabase"]})");
  server.run("admin", R"({"revokeRolesFromUser": "writer", "roles": ["restore"]})");
  sets.source.connect().run("$external", R"({"dropUser": "CN=app,O=Example"})");  // has none
  ASSERT_TRUE(run.commit());
  const auto how = run.wait();
  ASSERT_TRUE(how.has_error());
  EXPECT_EQ(how.error().server_code_name, "Unauthorized") << how.error().message;
  EXPECT_TRUE(holds(how.error().message, "writing the user admin.audit failed")) << how.error().message;
  expect_no_secrets(sets.source, how.error().message);
}

/// Killed at each step of it; what changes on the source in between comes over in its last state.
TEST(accounts, of_a_sync_are_those_of_the_commit) {
  pair_of_sets sets(guarded("src"), guarded("dst"));
  sets.source.add_user(reader, source_roles);
  sets.destination.add_user(writer, destination_roles);
  make_accounts(sets.source.connect());
  auto source = sets.source.connect();
  std::string output;
  const auto run = [&](const std::string& kill_at, bool commit, bool users) {
    std::vector<std::string> arguments{"run",
                                       "--source",
                                       sets.source.uri_as(reader),
                                       "--destination",
                                       sets.destination.uri_as(writer),
                                       "--spool-dir",
                                       sets.spool.path().string(),
                                       "--port",
                                       "0"};
    if (commit) arguments.emplace_back("--commit-when-caught-up");
    if (users) arguments.emplace_back("--users");
    std::vector<std::pair<std::string, std::string>> environment;
    if (!kill_at.empty()) environment.emplace_back("SLUICE_KILL_AT", kill_at);
    lab::sluice_program program(std::move(arguments), std::move(environment));
    const auto ended = program.wait(60s);
    output = program.output();
    expect_no_secrets(sets.source, output);
    return ended;
  };
#if defined(SLUICE_FAILURE_POINTS)
  EXPECT_EQ(run("applying_begun", false, true).signal, SIGKILL) << output;
#endif
  // During the run.
  source.run("shop", R"({"updateUser": "app", "pwd": "second-s3cret"})");
  source.run("shop", R"({"createUser": "late", "pwd": "late-s3cret", "roles": ["clerk"]})");
#if defined(SLUICE_FAILURE_POINTS)
  int made = 0;
  for (const char* point : {"accounts_noted", "account_made:2", "account_made:3", "accounts_made", "accounts_made"}) {
    // That users come over is remembered, whatever the later processes are told.
    EXPECT_EQ(run(point, true, false).signal, SIGKILL) << point << " was not reached: " << output;
    source.run("shop", R"({"updateRole": "clerk", "privileges": [
        {"resource": {"db": "shop", "collection": "orders"}, "actions": ["find"]},
        {"resource": {"db": "shop", "collection": "c)" +
                           std::to_string(++made) + R"("}, "actions": ["find"]}]})");
    source.run("shop", R"({"updateUser": "app", "pwd": "third-s3cret-)" + std::to_string(made) + "\"}");
    if (made == 3) source.run("shop", R"({"createUser": "brief", "pwd": "brief-s3cret", "roles": []})");
    if (made == 4) {
      EXPECT_TRUE(logs_in(sets.destination, {"brief", "brief-s3cret"}, "shop"));
      source.run("shop", R"({"dropUser": "brief"})");
    }
  }
  const credentials app{"app", "third-s3cret-5"};
#else
  const credentials app{"app", "second-s3cret"};
#endif
  EXPECT_TRUE(run("", true, true).success()) << output;
  EXPECT_TRUE(logs_in(sets.destination, app, "shop"));
  EXPECT_FALSE(logs_in(sets.destination, {"app", "app-s3cret"}, "shop"));
  EXPECT_TRUE(logs_in(sets.destination, {"late", "late-s3cret"}, "shop"));
  EXPECT_TRUE(may(sets.destination, app, "shop", "shop", R"({"find": "orders"})"));
  EXPECT_FALSE(may(sets.destination, app, "shop", "shop", R"({"find": "secrets"})"));
#if defined(SLUICE_FAILURE_POINTS)
  EXPECT_FALSE(logs_in(sets.destination, {"brief", "brief-s3cret"}, "shop"));
  EXPECT_TRUE(may(sets.destination, app, "shop", "shop", R"({"find": "c5"})"));
  EXPECT_FALSE(may(sets.destination, app, "shop", "shop", R"({"find": "c4"})"));
  EXPECT_FALSE(may(sets.destination, app, "shop", "shop", R"({"insert": "orders", "documents": [{"_id": 9}]})"));
#endif
  EXPECT_TRUE(holds(output, "Sluice logs in as it on the source")) << output;
  EXPECT_FALSE(holds(output, "shop.app")) << output;
}

}  // namespace
}  // namespace sluice::session
