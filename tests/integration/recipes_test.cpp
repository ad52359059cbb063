// docs/recipes.md, run as it stands: its blocks are taken from the page, only the variables at their top get the values
// of this machine. Must never have a command of its own where the page has one.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/fault/proxy.hpp"
#include "tests/integration/typed_shell.hpp"
#include "tests/lab/certificates.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/mongod_process.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using values = std::map<std::string, std::string>;

constexpr const char* page = SLUICE_DOCS "/recipes.md";

/// The fenced blocks of a language below a heading, in their order.
std::vector<std::string> blocks_of(const std::string& heading, const std::string& language) {
  std::istringstream lines(read_file(page));
  std::vector<std::string> blocks;
  bool below = false;
  bool within = false;
  for (std::string line; std::getline(lines, line);) {
    if (within && line == "```") {
      within = false;
    } else if (within) {
      blocks.back() += line + "\n";
    } else if (line.starts_with("## ")) {
      below = line == "## " + heading;
    } else if (below && line == "```" + language) {
      within = true;
      blocks.emplace_back();
    }
  }
  return blocks;
}

/// The block with our values in the assignments at its top. Each of them gets one: what the page says there is
/// nobody's.
std::string filled(const std::string& block, const values& ours) {
  std::istringstream lines(block);
  std::string text;
  bool top = true;
  for (std::string line; std::getline(lines, line); text += line + "\n") {
    std::smatch found;
    top = top && std::regex_match(line, found, std::regex("([A-Z_]+)=.*"));
    if (top) line = found.str(1) + "=\"" + ours.at(found.str(1)) + "\"";
  }
  return text;
}

/// What the page has people type into mongosh, of which there is none here.
void type_into_mongosh(const std::string& block, client& there) {
  const std::regex form(R"re(db\.getSiblingDB\("(\w+)"\)\.runCommand\((\{.*\})\))re");
  std::istringstream lines(block);
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    ASSERT_TRUE(std::regex_match(line, found, form)) << line;
    there.run(found.str(1).c_str(), found.str(2));
  }
}

server_options small_server() {
  // TTL on the copy is quick to act, so that a wait for it is short.
  return {.cache_gb = 0.25, .arguments = {"--setParameter", "ttlMonitorSleepSecs=1"}};
}

/// A machine on which recipes are followed: `sluice` is in the PATH, state lies in a folder, the port is a free one.
class kitchen {
 public:
  kitchen() : root_(lab_directory() / ("recipes-" + std::to_string(::getpid()))), port_(std::to_string(free_port())) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "bin");
    fs::create_symlink(SLUICE_BINARY, root_ / "bin/sluice");
  }
  ~kitchen() { fs::remove_all(root_); }
  kitchen(const kitchen&) = delete;
  kitchen& operator=(const kitchen&) = delete;

  /// Block `index` of a recipe, begun.
  [[nodiscard]] std::unique_ptr<typed_shell> begin(const std::string& recipe, std::size_t index, values ours) const {
    ours.insert({{"PORT", port_}, {"LOG", "log"}, {"STATE", state().string()}});
    const std::string path = (root_ / "bin").string() + ":" + std::getenv("PATH");
    return std::make_unique<typed_shell>(root_, filled(blocks_of(recipe, "bash").at(index), ours),
                                         typed_shell::variables{{"PATH", path}, {"HOME", root_.string()}});
  }
  /// Block `index` to its end. What it leaves in the background ends with what is returned.
  [[nodiscard]] std::unique_ptr<typed_shell> follow(const std::string& recipe, std::size_t index,
                                                    const values& ours = {}, const std::string& says = {}) const {
    auto shell = begin(recipe, index, ours);
    expect_end(*shell, says);
    return shell;
  }
  void expect_end(typed_shell& shell, const std::string& says) const {
    const said got = shell.wait();
    EXPECT_TRUE(got.status.success()) << got.text << "\n" << tail_of(root_ / "log", 20) << tail_of(state() / "log", 20);
    EXPECT_NE(got.text.find(says), std::string::npos) << got.text;
  }
  /// A field of progress, as jq shows it; empty where nobody answers.
  [[nodiscard]] std::string progress(const std::string& field) const {
    return typed_shell(root_, "curl -s localhost:" + port_ + "/api/v1/progress | jq -c .progress." + field).wait().text;
  }
  [[nodiscard]] fs::path state() const { return root_ / "state"; }

 private:
  const fs::path root_;
  const std::string port_;
};

document index_of(client& at, const char* database, const char* collection, const std::string& name) {
  const auto reply = at.run(database, R"({"listIndexes": ")" + std::string(collection) + "\"}");
  for (auto& index : reply.child("cursor.firstBatch").elements()) {
    if (index.text("name") == name) return index;
  }
  return {};
}

class recipes : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_options quiet = small_server();
    quiet.arguments = {"--setParameter", "ttlMonitorEnabled=false"};
    source = std::make_unique<replica_set>(replica_set_options{.name = "source", .server = quiet});
    destination = std::make_unique<replica_set>(replica_set_options{.name = "destination", .server = small_server()});
  }
  static void TearDownTestSuite() {
    source.reset();
    destination.reset();
  }
  void SetUp() override {
    for (replica_set* set : {source.get(), destination.get()}) {
      client cleaner = set->connect();
      drop_user_data(cleaner);
      cleaner.run("__mdb_internal_sluice", R"({"dropDatabase": 1})");
    }
    load_lim(source->uri(), {.documents = 5'000});
    client shop = source->connect();
    shop.run("shop",
             R"({"insert": "users", "documents": [{"_id": 1, "email": "a@example"}, {"_id": 2, "email": "b"}]})");
    shop.run("shop", R"({"insert": "sessions", "documents": [{"_id": "old", "at": {"$date": "2001-01-01T00:00:00Z"}},
                                                             {"_id": "none"}]})");
    shop.run("shop", R"({"create": "log", "capped": true, "size": 65536, "max": 100})");
    shop.run("shop", R"({"insert": "log", "documents": [{"_id": 2}, {"_id": 1}]})");
    shop.run("shop", R"({"create": "carts", "clusteredIndex": {"key": {"_id": 1}, "unique": true},
                         "expireAfterSeconds": 86400})");
    shop.run("shop", R"({"insert": "audit", "documents": [{"_id": 1}]})");
    shop.run("shop",
             R"({"createIndexes": "users", "indexes": [{"key": {"email": 1}, "name": "email_1", "unique": true}]})");
    shop.run("shop", R"({"createIndexes": "sessions",
        "indexes": [{"key": {"at": 1}, "name": "at_1", "expireAfterSeconds": 3600}]})");
  }

  static values uris() { return {{"SOURCE", source->uri()}, {"DESTINATION", destination->uri()}}; }
  static void write(const std::string& id) {
    source->connect().run("shop",
                          R"({"insert": "users", "documents": [{"_id": ")" + id + R"(", "email": ")" + id + "\"}]}");
  }
  static bool arrives(std::int64_t users) {
    client copy = destination->connect();
    return eventually([&] { return copy.count("shop", "users") == users; }, seconds(30));
  }
  static void expect_equal() { expect_equal({.source_uri = source->uri(), .destination_uri = destination->uri()}); }
  static void expect_equal(const compare_options& what) {
    const comparison verdict = compare(what);
    EXPECT_TRUE(verdict.equal()) << verdict.text();
    EXPECT_GT(verdict.documents, 0U);
  }
  /// As it follows: not unique, and what has expired stays, however often the server looks.
  static void expect_asleep() {
    client copy = destination->connect();
    EXPECT_FALSE(index_of(copy, "shop", "users", "email_1").boolean("unique"));
    const auto passes = [&] { return copy.run("admin", R"({"serverStatus": 1})").integer("metrics.ttl.passes"); };
    const auto before = passes();
    EXPECT_TRUE(eventually([&] { return passes() >= before + 2; }, seconds(20)));
    EXPECT_EQ(copy.count("shop", "sessions"), 2);
  }
  /// It takes writes, refuses what is not unique, and lets expire what has expired.
  static void expect_awake() {
    client copy = destination->connect();
    copy.run("shop", R"({"insert": "users", "documents": [{"_id": "its own", "email": "c"}]})");
    EXPECT_THROW(copy.run("shop", R"({"insert": "users", "documents": [{"_id": "twice", "email": "b"}]})"), failure);
    copy.run("shop", R"({"delete": "users", "deletes": [{"q": {"_id": "its own"}, "limit": 1}]})");
    EXPECT_TRUE(eventually([&] { return copy.count("shop", "sessions") == 1; }, seconds(30)));
    // The same on the source, whose own TTL is switched off.
    source->connect().run("shop", R"({"delete": "sessions", "deletes": [{"q": {"_id": "old"}, "limit": 1}]})");
  }

  static std::unique_ptr<replica_set> source;
  static std::unique_ptr<replica_set> destination;
  const kitchen here;
};
std::unique_ptr<replica_set> recipes::source;
std::unique_ptr<replica_set> recipes::destination;

TEST(recipes_page, has_no_block_that_is_not_run) {
  const std::map<std::string, std::size_t> run{
      {"Live migration", 3}, {"DR copy", 3 + 1}, {"Staging refresh", 1}, {"Multi-cloud", 2}};
  std::size_t blocks = 0;
  for (const auto& [recipe, count] : run) {
    EXPECT_EQ(blocks_of(recipe, "bash").size() + blocks_of(recipe, "js").size(), count) << recipe;
    blocks += count;
  }
  const std::string text = read_file(page);
  std::size_t fences = 0;
  for (std::size_t at = 0; (at = text.find("```", at)) != std::string::npos; at += 3) ++fences;
  EXPECT_EQ(fences, 2 * blocks);
}

TEST_F(recipes, live_migration) {
  (void)here.follow("Live migration", 0, uris(), "✓");
  EXPECT_EQ(destination->connect().count("__mdb_internal_sluice", "run"), 0);
  const auto run = here.follow("Live migration", 1, uris(), "can commit");
  write("while it follows");
  EXPECT_EQ(here.progress("state"), "\"RUNNING\"");
  (void)here.follow("Live migration", 2, {}, "COMMITTED");
  expect_awake();
  expect_equal();
}

TEST_F(recipes, a_dr_copy_survives_its_process_and_takes_over) {
  auto run = here.follow("DR copy", 0, uris(), R"({"success":true})");
  expect_asleep();
  const std::string pid = read_file(here.state() / "pid");
  (void)here.follow("DR copy", 0, uris(), "RUNNING");
  EXPECT_EQ(read_file(here.state() / "pid"), pid) << "a second process";
  write("before the crash");
  run.reset();  // kill -9
  EXPECT_EQ(here.progress("state"), "");
  write("while nobody looks");
  run = here.begin("DR copy", 0, uris());
  const said again = run->wait();
  EXPECT_TRUE(again.status.success()) << again.text;
  EXPECT_EQ(again.text.find("success"), std::string::npos) << "it goes on without being started: " << again.text;
  EXPECT_TRUE(arrives(4));
  EXPECT_EQ(here.progress("state"), "\"RUNNING\"");
  EXPECT_EQ(here.progress("canWrite"), "false");
  expect_asleep();

  (void)here.follow("DR copy", 1, {}, "COMMITTED");
  expect_awake();
  expect_equal();
}

TEST_F(recipes, a_dr_copy_takes_over_from_a_source_that_is_lost) {
  const auto run = here.follow("DR copy", 0, uris());
  write("the last one");
  EXPECT_TRUE(arrives(3));
  source->stop();
  // Somebody tries the other block first, in vain.
  auto hopeful = here.begin("DR copy", 1, {});
  EXPECT_TRUE(eventually([&] { return here.progress("state") == "\"COMMITTING\""; }, seconds(20)));
  hopeful.reset();
  (void)here.follow("DR copy", 2);
  client copy = destination->connect();
  const auto typed = blocks_of("DR copy", "js");
  ASSERT_EQ(typed.size(), 1U);
  type_into_mongosh(typed.front(), copy);
  source->restart();  // for the comparison
  expect_awake();
  expect_equal();
  EXPECT_EQ(copy.count("__mdb_internal_sluice", "run"), 0);
}

TEST_F(recipes, a_staging_refresh_leaves_nothing_of_the_one_before) {
  const values between{{"PRODUCTION", source->uri()}, {"STAGING", destination->uri()}};
  client staging = destination->connect();
  const auto collections = [&](const char* database) {
    std::string names;
    const auto reply = staging.run(database, R"({"listCollections": 1, "nameOnly": true})");
    for (auto& one : reply.child("cursor.firstBatch").elements()) names += one.text("name") + " ";
    return names;
  };
  staging.run("other", R"({"insert": "kept", "documents": [{"_id": 1}]})");
  staging.run("staging", R"({"insert": "audit", "documents": [{"_id": "its own"}]})");
  (void)here.follow("Staging refresh", 0, between);
  EXPECT_EQ(staging.count("staging", "users"), 2);

  // A day passes: staging is played with, production goes on.
  staging.run("staging", R"({"insert": "users", "documents": [{"_id": "of staging", "email": "s"}]})");
  staging.run("staging", R"({"create": "made_on_staging"})");
  client production = source->connect();
  production.run("shop", R"({"drop": "sessions"})");
  production.run("shop", R"({"delete": "users", "deletes": [{"q": {"_id": 1}, "limit": 1}]})");
  production.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}]})");
  (void)here.follow("Staging refresh", 0, between);

  const std::string left = collections("staging");
  for (const char* gone : {"made_on_staging", "sessions"}) EXPECT_EQ(left.find(gone), std::string::npos) << left;
  EXPECT_EQ(staging.count("staging", "users"), 1);
  EXPECT_EQ(staging.count("staging", "audit"), 1) << "what the filter leaves out is staging's";
  EXPECT_EQ(staging.count("other", "kept"), 1);
  EXPECT_EQ(collections("shop"), "");
  EXPECT_EQ(collections("lim"), "");
  // The rest is production's, to the last byte.
  staging.run("staging", R"({"drop": "audit"})");
  staging.run("other", R"({"dropDatabase": 1})");
  expect_equal({.source_uri = source->uri(),
                .destination_uri = destination->uri(),
                .include = {"shop"},
                .exclude = {"shop.audit"},
                .renamed = {{"shop", "staging"}}});
}

TEST(recipes_between_clouds, a_cut_of_the_network_is_waited_for) {
  const kitchen here;
  const fs::path folder = lab_directory() / ("recipes-tls-" + std::to_string(::getpid()));
  const credentials root{"root", "r00t"};
  replica_set_options options{.name = "source", .server = small_server()};
  options.server.arguments.insert(options.server.arguments.end(), {"--networkMessageCompressors", "zstd"});
  options.server.root = root;
  options.server.tls = make_certificates(folder);
  replica_set source(options);
  options.name = "destination";
  replica_set destination(options);
  const credentials sluice{"sluice", "s3cret"};
  source.add_user(sluice, R"(["backup", "clusterMonitor", "readAnyDatabase"])");
  destination.add_user(sluice, R"(["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor", "restore"])");
  const credentials application{"app", "its-own"};
  source.add_user(application, R"([{"role": "readWrite", "db": "lim"}])");
  load_lim(source.uri(), {.documents = 40'000});

  fault::proxy way(source.node(0).port());
  const std::string direct = "mongodb://" + uri_user_info(sluice) + "127.0.0.1:" + std::to_string(way.port()) +
                             "/?directConnection=true&authSource=admin&compressors=zstd&" +
                             uri_tls_parameters(options.server.tls);
  way.throttle(fault::direction::to_client, 2'000'000);
  const auto run = here.begin("Multi-cloud", 0,
                              {{"SOURCE", direct}, {"DESTINATION", destination.uri_as(sluice, "compressors=zstd")}});
  client copy = destination.connect();
  ASSERT_TRUE(eventually([&] { return copy.count("lim", "docs") > 1000; }, seconds(30)));
  way.cut();
  ASSERT_TRUE(eventually([&] { return way.turned_away() > 2; }, seconds(30)));
  EXPECT_TRUE(eventually([&] { return here.progress("warnings").find("source") != std::string::npos; }, seconds(30)))
      << here.progress("warnings");
  EXPECT_LT(copy.count("lim", "docs"), 40'000) << "in the middle";
  EXPECT_TRUE(run->running());
  way.throttle(fault::direction::to_client, 0);
  way.resume();
  here.expect_end(*run, "can commit");
  source.connect().run("lim", R"({"insert": "docs", "documents": [{"_id": "while it follows"}]})");
  (void)here.follow("Multi-cloud", 1, {}, "COMMITTED");

  for (replica_set* set : {&source, &destination}) {
    const auto status = set->connect().run("admin", R"({"serverStatus": 1})");
    EXPECT_GT(status.integer("network.compression.zstd.decompressor.bytesIn"), 0) << set->name();
  }
  const comparison verdict = compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
  EXPECT_EQ(verdict.documents, 40'001U);
  EXPECT_EQ(client(destination.uri_as(application)).count("lim", "docs"), 40'001) << "with the old password";
  fs::remove_all(folder);
}

}  // namespace
}  // namespace sluice::lab
