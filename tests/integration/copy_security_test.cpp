// `sluice copy` where servers ask who is there: the smallest roles that are enough, what each missing one is called,
// encryption, and no password in anything that is printed. Must never log in as root on the side under test.
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/certificates.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::lab {
namespace {

const credentials root{"root", "r00t-s3cret"};
const credentials reader{"reader", "p@ss:w/rd-s3cret"};  // characters that a URI must escape
const credentials writer{"writer", "also%s3cret"};
constexpr const char* source_roles = R"(["backup", "clusterMonitor", "readAnyDatabase"])";
constexpr const char* destination_roles = R"(["restore", "clusterMonitor", "readWriteAnyDatabase"])";

replica_set_options guarded(std::string name) {
  replica_set_options options;
  options.name = std::move(name);
  options.server.root = root;
  options.server.cache_gb = 0.25;
  return options;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class copy_security : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source = std::make_unique<replica_set>(guarded("source"));
    destination = std::make_unique<replica_set>(guarded("destination"));
    source->add_user(reader, source_roles);
    destination->add_user(writer, destination_roles);
    load_zoo(source->uri(), small_zoo());
  }
  static void TearDownTestSuite() {
    source.reset();
    destination.reset();
  }
  void SetUp() override {
    client cleaner = destination->connect();
    drop_user_data(cleaner);
    cleaner.run("__mdb_internal_sluice", R"({"dropDatabase": 1})");
  }

  static void expect_no_secrets(const copy_outcome& outcome) {
    EXPECT_FALSE(holds(outcome.output, "s3cret")) << outcome.output;
  }
  static void expect_equal() {
    const comparison verdict = compare({.source_uri = source->uri(), .destination_uri = destination->uri()});
    EXPECT_TRUE(verdict.equal()) << verdict.text();
    EXPECT_GT(verdict.documents, 0U);
  }
  /// Refused before anything was written, soon, with these words and without a password.
  static void expect_refused(const std::string& from, const std::string& to, const std::vector<std::string>& words) {
    const auto began = std::chrono::steady_clock::now();
    const auto outcome = copy(from, to);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
    EXPECT_EQ(outcome.status.signal, 0);
    EXPECT_EQ(outcome.status.code, 3) << outcome.output;
    for (const auto& each : words) EXPECT_TRUE(holds(outcome.output, each)) << each << " is not in " << outcome.output;
    expect_no_secrets(outcome);
    const auto left = destination->connect().run(
        "admin", R"({"listDatabases": 1, "filter": {"name": {"$nin": ["admin", "config", "local"]}}})");
    EXPECT_TRUE(left.child("databases").elements().empty()) << to_text(*left.get());
  }

  static std::unique_ptr<replica_set> source;
  static std::unique_ptr<replica_set> destination;
};
std::unique_ptr<replica_set> copy_security::source;
std::unique_ptr<replica_set> copy_security::destination;

TEST_F(copy_security, the_roles_that_messages_name_are_enough) {
  const auto done = copy(source->uri_as(reader), destination->uri_as(writer));
  EXPECT_TRUE(done.status.success()) << done.output;
  expect_no_secrets(done);
  expect_equal();
}

TEST_F(copy_security, a_wrong_password_ends_it_at_once_on_either_side) {
  expect_refused(source->uri_as(credentials{"reader", "wrong-s3cret"}), destination->uri_as(writer),
                 {source->node(0).address()});
  expect_refused(source->uri_as(reader), destination->uri_as(credentials{"writer", "wrong-s3cret"}),
                 {destination->node(0).address()});
}

TEST_F(copy_security, a_user_that_does_not_exist) {
  expect_refused(source->uri_as(credentials{"nobody", "s3cret"}), destination->uri_as(writer),
                 {source->node(0).address()});
}

TEST_F(copy_security, no_user_where_one_is_asked_for) {
  expect_refused(source->uri_as(std::nullopt), destination->uri_as(writer), {"authentication"});
}

TEST_F(copy_security, a_missing_privilege_is_named_with_its_role) {
  source->add_user({"narrow", "s3cret"}, R"([{"role": "read", "db": "zoo"}])");
  expect_refused(source->uri_as(credentials{"narrow", "s3cret"}), destination->uri_as(writer),
                 {"\\\"narrow\\\"", "backup", "find"});
  destination->add_user({"timid", "s3cret"}, R"(["readAnyDatabase", "clusterMonitor"])");
  expect_refused(source->uri_as(reader), destination->uri_as(credentials{"timid", "s3cret"}),
                 {"\\\"timid\\\"", "restore", "insert"});
}

TEST(copy_tls, without_users_copies_and_an_unknown_authority_is_refused) {
  const std::filesystem::path folder = lab_directory() / ("copy-security-" + std::to_string(::getpid()));
  replica_set_options options;
  options.name = "source";
  options.server.tls = make_certificates(folder);
  options.server.cache_gb = 0.25;
  replica_set source(options);
  options.name = "destination";
  replica_set destination(options);
  load_zoo(source.uri(), small_zoo());

  const std::string untrusted =
      "mongodb://" + source.node(0).address() + "/?replicaSet=source&tls=true&serverSelectionTimeoutMS=1000";
  const auto refused = copy(untrusted, destination.uri());
  EXPECT_FALSE(refused.status.success());
  EXPECT_TRUE(holds(refused.output, "certificate")) << refused.output;
  client seen = destination.connect();
  EXPECT_EQ(seen.count("__mdb_internal_sluice", "run"), 0);

  const auto done = copy(source.uri(), destination.uri());
  EXPECT_TRUE(done.status.success()) << done.output;
  const comparison verdict = compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::lab
