// `sluice assess` between real servers: what it finds, what it advises (and that the advice mends it), and that it
// leaves both sides as they were.
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/assess_program.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"
#include "tests/unit/http/raw_client.hpp"

namespace sluice::lab {
namespace {

using std::chrono::seconds;

std::set<std::string> names_of(const document& object) {
  std::set<std::string> names;
  bson_iter_t field;
  if (bson_iter_init(&field, object.get())) {
    while (bson_iter_next(&field)) names.insert(bson_iter_key(&field));
  }
  return names;
}

/// Databases with the hashes of their collections, and the newest change in the oplog: nothing was written meanwhile as
/// long as all of it is the same.
std::map<std::string, std::string> state_of(const std::string& uri) {
  client server(uri);
  std::map<std::string, std::string> state;
  const document listed = server.run("admin", R"({"listDatabases": 1, "nameOnly": true})");
  for (const document& one : listed.child("databases").elements()) {
    const std::string name = one.text("name");
    const bool own = name == "local" || name == "config";
    state[name] = own ? "" : server.run(name.c_str(), R"({"dbHash": 1})").text("md5");
  }
  // Sessions of connections are refreshed by the servers, in config.
  const document newest = server.run("local", R"({"find": "oplog.rs", "sort": {"$natural": -1}, "limit": 1,
      "filter": {"op": {"$ne": "n"}, "ns": {"$not": {"$regex": "^config\\."}}}})");
  state["local.oplog.rs"] = to_text(*newest.child("cursor.firstBatch").get());
  return state;
}

class assess_test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source_set = std::make_unique<replica_set>(replica_set_options{.name = "source"});
    destination_set = std::make_unique<replica_set>(replica_set_options{.name = "destination"});
  }
  static void TearDownTestSuite() {
    source_set.reset();
    destination_set.reset();
  }
  void SetUp() override {
    for (const std::string& uri : {source, destination}) {
      client server(uri);
      drop_user_data(server);
      server.run("__mdb_internal_sluice", R"({"dropDatabase": 1})");
    }
  }
  [[nodiscard]] assess_outcome run(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> flags{"--json"};
    flags.insert(flags.end(), more.begin(), more.end());
    return assess(source, destination, std::move(flags));
  }

  static std::unique_ptr<replica_set> source_set;
  static std::unique_ptr<replica_set> destination_set;
  std::string source = source_set->uri();
  std::string destination = destination_set->uri();
};
std::unique_ptr<replica_set> assess_test::source_set;
std::unique_ptr<replica_set> assess_test::destination_set;

TEST_F(assess_test, a_pair_that_is_well_is_called_so_within_three_seconds) {
  load_lim(source, {.documents = 2000});
  const auto begin = std::chrono::steady_clock::now();
  const assess_outcome found = run();
  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_EQ(found.status.code, 0) << found.output;
  EXPECT_EQ(found.all("failure"), std::vector<std::string>{});
  const document report = found.report();
  EXPECT_LT(report.number("seconds"), 3) << found.output;
  EXPECT_LT(took, seconds(30)) << "beside all else that this machine does";
  EXPECT_EQ(names_of(report),
            (std::set<std::string>{"format", "formatVersion", "began", "seconds", "verdict", "failures", "warnings",
                                   "source", "destination", "findings", "estimate", "command"}));
  EXPECT_EQ(report.integer("failures"), 0);
  EXPECT_TRUE(holds(report.text("source.name"), "source (127.0.0.1:")) << found.output;
  EXPECT_EQ(report.text("source.kind"), "replicaSet");
  EXPECT_EQ(report.text("source.fcv"), "6.0");
  for (const document& one : report.child("findings").elements()) {
    EXPECT_EQ(names_of(one),
              (std::set<std::string>{"check", "level", "heading", "subject", "what", "advice", "commands", "figures"}));
    EXPECT_EQ(one.text("advice").empty(), one.text("level") == "ok") << one.text("what");
  }
  for (const char* check :
       {"hosts.reachable", "hosts.clock", "privileges.user", "topology.members", "settings.notablescan"}) {
    EXPECT_EQ(found.level(check), "ok") << check << "\n" << found.output;
    EXPECT_EQ(found.of(check).size(), 2U) << check;
  }
  for (const char* check : {"versions.pair", "oplog.window", "oplog.rate", "catalog.size", "catalog.inTheWay"}) {
    EXPECT_EQ(found.level(check), "ok") << check << "\n" << found.output;
  }
  EXPECT_EQ(found.of("catalog.size").at(0).number("figures.documents"), 2000);
  EXPECT_GT(found.of("disk.destination").at(0).number("figures.freeBytes"), 0) << found.output;
  EXPECT_GT(found.of("disk.destination").at(0).number("figures.neededBytes"), 0) << found.output;
  EXPECT_EQ(report.number("estimate.documents"), 2000);
  EXPECT_GT(report.number("estimate.secondsMax"), report.number("estimate.secondsMin"));
  EXPECT_TRUE(holds(report.text("command"), "sluice run --source 'mongodb://127.0.0.1:")) << report.text("command");
}

TEST_F(assess_test, nothing_is_changed_on_either_side) {
  load_zoo(source, small_zoo());
  load_lim(destination, {.documents = 100});
  const auto source_before = state_of(source);
  const auto destination_before = state_of(destination);
  const assess_outcome found = run();
  EXPECT_EQ(found.status.code, 0) << found.output;
  EXPECT_EQ(state_of(source), source_before);
  EXPECT_EQ(state_of(destination), destination_before);
}

TEST_F(assess_test, says_the_same_in_text_with_what_to_do) {
  client server(source);
  server.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}]})");
  client there(destination);
  there.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}]})");
  const assess_outcome found = assess(source, destination, {});
  EXPECT_EQ(found.status.code, 1) << found.output;
  for (const char* part :
       {"Hosts\n", "Users and privileges\n", "Collections and indexes\n", "✓ source", "✗ destination: already holds 1",
        "shop.orders", "→ drop them, or leave them out", "1 thing is in the way", "Begin with\n"}) {
    EXPECT_TRUE(holds(found.output, part)) << part << "\n" << found.output;
  }
}

// --- what the source holds ---

TEST_F(assess_test, what_is_in_the_catalog_is_named) {
  client server(source);
  server.run("shop", R"({"create": "log", "capped": true, "size": 8192})");
  server.run("shop", R"({"create": "weather", "timeseries": {"timeField": "at"}})");
  server.run("shop", R"({"create": "byid", "clusteredIndex": {"key": {"_id": 1}, "unique": true}})");
  server.run("shop", R"({"create": "seen", "viewOn": "nothing", "pipeline": []})");
  server.run("shop", R"({"insert": "orders", "documents": [{"_id": 1, "b": 1}]})");
  server.run("shop", R"({"createIndexes": "orders", "indexes": [
      {"key": {"b": 1}, "name": "b_1"}, {"key": {"b": 1}, "name": "b_unique", "unique": true},
      {"key": {"at": 1}, "name": "at_1", "expireAfterSeconds": 3600}]})");
  const assess_outcome found = run();
  ASSERT_EQ(found.status.code, 0) << found.output;
  const auto what = [&found](const char* check) {
    const auto all = found.of(check);
    return all.size() == 1 ? all.front().text("what") : std::string();
  };
  EXPECT_TRUE(holds(what("catalog.twinIndexes"), "shop.orders b_unique / b_1")) << found.output;
  EXPECT_EQ(found.level("catalog.twinIndexes"), "warning");
  EXPECT_TRUE(holds(what("catalog.ttl"), "shop.orders at_1")) << found.output;
  EXPECT_TRUE(holds(what("catalog.capped"), "shop.log of 8192 bytes")) << found.output;
  EXPECT_TRUE(holds(what("catalog.timeseries"), "shop.weather")) << found.output;
  EXPECT_TRUE(holds(what("catalog.clustered"), "shop.byid")) << found.output;
  EXPECT_TRUE(holds(what("catalog.viewsOnMissing"), "shop.seen on nothing")) << found.output;
  EXPECT_TRUE(holds(what("catalog.uniqueIndexes"), "1 unique index")) << found.output;

  const assess_outcome less = run({"--exclude", "shop.orders"});
  EXPECT_TRUE(less.of("catalog.twinIndexes").empty()) << less.output;
  EXPECT_TRUE(holds(less.report().text("command"), "--exclude 'shop.orders'")) << less.output;
}

/// 20,000 documents of half a kilobyte with these _ids.
template <class IdOf>
void load_ids(client& server, const char* collection, IdOf id_of) {
  const std::string fill(500, 'x');
  for (int batch = 0; batch < 20; ++batch) {
    std::vector<document> documents;
    for (int i = 0; i < 1000; ++i) {
      documents.push_back(document::json(R"({"_id": {"$numberLong": ")" + std::to_string(id_of(batch * 1000 + i)) +
                                         R"("}, "fill": ")" + fill + "\"}"));
    }
    server.insert("shop", collection, documents);
  }
}

TEST_F(assess_test, random_ids_are_told_from_those_in_order) {
  client server(source);
  std::mt19937_64 random(5);
  load_ids(server, "random", [&random](int) { return static_cast<std::int64_t>(random() >> 1U); });
  load_ids(server, "ordered", [](int i) { return static_cast<std::int64_t>(i); });
  const assess_outcome found = run();
  ASSERT_EQ(found.status.code, 0) << found.output;
  ASSERT_EQ(found.of("data.randomIds").size(), 2U) << found.output;
  for (const document& one : found.of("data.randomIds")) {
    if (one.text("subject") == "shop.random") {
      EXPECT_LT(std::abs(one.number("figures.correlation")), 0.5);
      EXPECT_TRUE(holds(one.text("what"), "its _ids are random"));
    } else {
      EXPECT_EQ(one.text("what"), "_ids come in stored order: shop.ordered");
    }
  }
  EXPECT_GT(found.of("estimate.duration").at(0).number("figures.readBytesPerSecond"), 1e6) << found.output;
}

TEST_F(assess_test, changes_are_counted_from_the_oplog) {
  client server(source);
  for (int i = 0; i < 500; ++i) server.run("shop", R"({"insert": "events", "documents": [{"fill": "xxxxxxxxxx"}]})");
  const document rate = run().of("oplog.rate").at(0);
  EXPECT_GT(rate.number("figures.entriesPerSecond"), 1) << rate.text("what");
  EXPECT_GT(rate.number("figures.bytesPerSecond"), rate.number("figures.entriesPerSecond") * 50);
}

// --- settings of the servers ---

TEST_F(assess_test, no_table_scans_are_in_the_way_of_a_document_filter) {
  client server(source);
  server.run("shop", R"({"insert": "orders", "documents": [{"_id": 1, "tenant": "a"}]})");
  const std::vector<std::string> chosen{"--document-filter", R"({"field": "tenant", "matchValues": ["a"]})"};
  EXPECT_EQ(run(chosen).level("settings.notablescan", "source"), "ok");
  server.run("admin", R"({"setParameter": 1, "notablescan": true})");
  const assess_outcome refused = run(chosen);
  const assess_outcome whole = run();
  EXPECT_EQ(refused.level("settings.notablescan", "source"), "failure") << refused.output;
  EXPECT_EQ(refused.status.code, 1);
  EXPECT_EQ(whole.level("settings.notablescan", "source"), "ok") << whole.output;
  // What is advised, as it is printed.
  const document told = refused.of("settings.notablescan").at(0).child("commands");
  const std::string line = told.text("0");
  ASSERT_TRUE(line.starts_with("db.adminCommand(") && line.ends_with(")")) << line;
  server.run("admin", line.substr(16, line.size() - 17));
  EXPECT_EQ(run(chosen).level("settings.notablescan", "source"), "ok");
}

TEST_F(assess_test, a_profiler_that_records_everything_is_a_warning) {
  client server(source);
  server.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}]})");
  EXPECT_EQ(run().level("settings.profiling"), "");
  server.run("shop", R"({"profile": 2})");
  const assess_outcome found = run();
  server.run("shop", R"({"profile": 0})");
  EXPECT_EQ(found.level("settings.profiling", "source"), "warning") << found.output;
  EXPECT_EQ(found.status.code, 0) << "warnings are not in the way";
}

TEST_F(assess_test, a_run_that_is_unfinished_is_told_and_its_copies_are_not_in_the_way) {
  client server(source);
  server.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}]})");
  client there(destination);
  there.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}]})");
  EXPECT_EQ(run().level("catalog.inTheWay"), "failure");
  there.run("__mdb_internal_sluice", R"({"insert": "run", "documents": [{"_id": "run"}]})");
  const assess_outcome found = run();
  EXPECT_EQ(found.level("catalog.unfinishedRun"), "warning") << found.output;
  EXPECT_EQ(found.status.code, 0) << found.output;
}

// --- users ---

const credentials root{"root", "r00t-s3cret"};
const credentials poor{"poor", "p00r-s3cret"};

replica_set_options guarded(std::string name) {
  replica_set_options options;
  options.name = std::move(name);
  options.server.root = root;
  options.server.cache_gb = 0.25;
  return options;
}

/// As mongosh would: the helper's arguments are JSON.
void paste(client& server, const std::string& line) {
  const std::regex form(R"x(db\.getSiblingDB\("([^"]*)"\)\.(createRole|grantRolesToUser)\((.*)\))x");
  std::smatch part;
  ASSERT_TRUE(std::regex_match(line, part, form)) << line;
  std::string arguments = part[3];
  std::string command;
  if (part[2] == "createRole") {
    const std::string role = R"({"role": )";
    ASSERT_TRUE(arguments.starts_with(role)) << line;
    command = R"({"createRole": )" + arguments.substr(role.size());
  } else {
    const std::size_t comma = arguments.find(", [");
    ASSERT_NE(comma, std::string::npos) << line;
    command =
        R"({"grantRolesToUser": )" + arguments.substr(0, comma) + R"(, "roles": )" + arguments.substr(comma + 2) + "}";
  }
  server.run(part[1].str().c_str(), command);
}

std::vector<std::string> lines_of(const assess_outcome& found, const std::string& side) {
  std::vector<std::string> lines;
  for (const char* check : {"privileges.needed", "privileges.wanted"}) {
    for (const document& one : found.of(check)) {
      if (one.text("subject") != side) continue;
      for (int i = 0; i < 3; ++i) {
        std::string line = one.child("commands").text(std::to_string(i).c_str());
        if (!line.empty()) lines.push_back(std::move(line));
      }
    }
  }
  return lines;
}

class assess_users : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source_set = std::make_unique<replica_set>(guarded("source"));
    destination_set = std::make_unique<replica_set>(guarded("destination"));
    client server = source_set->connect();
    server.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}]})");
  }
  static void TearDownTestSuite() {
    source_set.reset();
    destination_set.reset();
  }
  void TearDown() override {
    for (replica_set* set : {source_set.get(), destination_set.get()}) {
      client server = set->connect();
      server.run("admin", R"({"dropUser": "poor"})");
      server.run("admin", R"({"dropAllRolesFromDatabase": 1})");
      if (set == destination_set.get()) drop_user_data(server);
    }
  }
  static assess_outcome as_poor() { return assess(source_set->uri_as(poor), destination_set->uri_as(poor)); }
  /// That the lines mend it, and that it was mended for a run and not for the assessment only.
  static void expect_mended_by(const std::vector<std::string>& on_source,
                               const std::vector<std::string>& on_destination) {
    client source = source_set->connect();
    client destination = destination_set->connect();
    for (const std::string& line : on_source) paste(source, line);
    for (const std::string& line : on_destination) paste(destination, line);
    const assess_outcome mended = as_poor();
    EXPECT_EQ(mended.status.code, 0);
    EXPECT_EQ(mended.all("failure"), std::vector<std::string>{});
    for (const char* side : {"source", "destination"}) {
      EXPECT_EQ(mended.level("privileges.needed", side), "ok");
      EXPECT_TRUE(lines_of(mended, side).empty()) << side;
    }
    sluice_program run({"run", "--source", source_set->uri_as(poor), "--destination", destination_set->uri_as(poor),
                        "--commit-when-caught-up", "--port", "0"});
    EXPECT_TRUE(run.wait(seconds(120)).success()) << run.output();
    EXPECT_FALSE(holds(run.output(), "\"warn\"")) << run.output();
  }

  static std::unique_ptr<replica_set> source_set;
  static std::unique_ptr<replica_set> destination_set;
};
std::unique_ptr<replica_set> assess_users::source_set;
std::unique_ptr<replica_set> assess_users::destination_set;

TEST_F(assess_users, what_lacks_is_named_and_the_built_in_roles_mend_it) {
  source_set->add_user(poor, R"([{"role": "read", "db": "shop"}])");
  destination_set->add_user(poor, R"([{"role": "readWrite", "db": "shop"}])");
  const assess_outcome found = as_poor();
  EXPECT_EQ(found.status.code, 1) << found.output;
  EXPECT_FALSE(holds(found.output, "s3cret")) << found.output;
  EXPECT_EQ(found.level("privileges.needed", "source"), "failure") << found.output;
  EXPECT_EQ(found.level("privileges.needed", "destination"), "failure") << found.output;
  const auto on_source = lines_of(found, "source");
  const auto on_destination = lines_of(found, "destination");
  ASSERT_EQ(on_source.size(), 3U) << found.output;
  ASSERT_EQ(on_destination.size(), 3U) << found.output;
  expect_mended_by({on_source[0]}, {on_destination[0]});
}

TEST_F(assess_users, a_role_with_exactly_what_lacks_mends_it_too) {
  source_set->add_user(poor, "[]");
  destination_set->add_user(poor, "[]");
  const assess_outcome found = as_poor();
  const auto on_source = lines_of(found, "source");
  const auto on_destination = lines_of(found, "destination");
  ASSERT_EQ(on_source.size(), 3U) << found.output;
  ASSERT_EQ(on_destination.size(), 3U) << found.output;
  expect_mended_by({on_source[1], on_source[2]}, {on_destination[1], on_destination[2]});
}

TEST_F(assess_users, a_uri_without_a_user_is_told_where_one_is_wanted) {
  source_set->add_user(poor, "[]");
  destination_set->add_user(poor, "[]");
  const assess_outcome found = assess(source_set->uri_as({}), destination_set->uri());
  EXPECT_EQ(found.status.code, 1) << found.output;
  EXPECT_EQ(found.level("privileges.user", "source"), "failure") << found.output;
}

// --- over HTTP ---

struct answer {
  int status = 0;
  document body;
};

/// `sluice` as a server.
class served {
 public:
  served(const std::string& cluster0, const std::string& cluster1)
      : port_(free_port()),
        program_({"--cluster0", cluster0, "--cluster1", cluster1, "--port", std::to_string(port_)}) {
    const bool ready =
        eventually([&] { return call("GET", "/api/v1/progress").body.text("progress.state") == "IDLE"; }, seconds(60));
    EXPECT_TRUE(ready) << program_.output();
  }
  answer call(const std::string& method, const std::string& path, const std::string& body = {}) const {
    http::test::raw_client client(port_);
    if (!client.connected()) return {};
    client.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    const auto reply = client.read_reply();
    return {reply.status, reply.status == 0 ? document{} : document::json(reply.body)};
  }
  /// The next assessment that ends.
  document assessment() const {
    document last;
    EXPECT_TRUE(eventually(
        [&] {
          last = call("GET", "/api/v1/assess").body;
          return last.has("underWay") && !last.boolean("underWay");
        },
        seconds(60)));
    return last.child("assessment");
  }

 private:
  std::uint16_t port_;
  sluice_program program_;
};

TEST_F(assess_test, the_server_assesses_one_at_a_time_beside_a_run) {
  client server(source);
  server.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}]})");
  server.run("shop", R"({"insert": "users", "documents": [{"_id": 1}]})");
  const served sluice(source, destination);
  EXPECT_FALSE(sluice.call("GET", "/api/v1/assess").body.has("assessment.format"));
  ASSERT_EQ(sluice.call("POST", "/api/v1/assess").status, 200);
  const answer second = sluice.call("POST", "/api/v1/assess", "{}");
  EXPECT_TRUE(second.status == 409 || second.status == 200) << "the first may have ended by now";
  const document found = sluice.assessment();
  EXPECT_EQ(found.text("format"), "sluice-assess");
  EXPECT_EQ(found.integer("failures"), 0);
  EXPECT_TRUE(holds(found.text("source.name"), "source"));

  // As a start would have it, here the other way round and with a filter.
  ASSERT_EQ(
      sluice
          .call("POST", "/api/v1/assess",
                R"({"source": "cluster1", "destination": "cluster0", "includeNamespaces": [{"database": "shop"}]})")
          .status,
      200);
  const document reversed = sluice.assessment();
  EXPECT_TRUE(holds(reversed.text("source.name"), "destination"));
  EXPECT_TRUE(holds(reversed.text("command"), "--include 'shop'")) << reversed.text("command");
  EXPECT_EQ(sluice.call("POST", "/api/v1/assess", R"({"source": "cluster9"})").status, 400);

  // A run goes on undisturbed, and is told as unfinished.
  ASSERT_EQ(sluice.call("POST", "/api/v1/start", R"({"source": "cluster0", "destination": "cluster1"})").status, 200);
  ASSERT_TRUE(eventually([&] { return sluice.call("GET", "/api/v1/progress").body.boolean("progress.canCommit"); },
                         seconds(60)));
  ASSERT_EQ(sluice.call("POST", "/api/v1/assess").status, 200);
  const document beside = sluice.assessment();
  bool unfinished = false;
  for (const document& one : beside.child("findings").elements()) {
    unfinished = unfinished || one.text("check") == "catalog.unfinishedRun";
  }
  EXPECT_TRUE(unfinished);
  server.run("shop", R"({"insert": "orders", "documents": [{"_id": 2}]})");
  EXPECT_TRUE(eventually([&] { return client(destination).count("shop", "orders") == 2; }, seconds(60)));
  EXPECT_EQ(sluice.call("GET", "/api/v1/progress").body.text("progress.state"), "RUNNING");
}

}  // namespace
}  // namespace sluice::lab
