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

/// The same roles for a user of another database than admin, which has to say where they are.
std::string roles_of_admin(const std::string& roles) {
  std::string spelled = "[";
  for (std::size_t at = roles.find('"'); at != std::string::npos; at = roles.find('"', at + 1)) {
    const std::size_t end = roles.find('"', at + 1);
    spelled += (spelled.size() > 1 ? ", " : "") + std::string(R"({"db": "admin", "role": )") +
               roles.substr(at, end - at + 1) + "}";
    at = end;
  }
  return spelled + "]";
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
                 {"\\\"narrow\\\"", "backup", "find", source->node(0).address()});
  destination->add_user({"timid", "s3cret"}, R"(["readAnyDatabase", "clusterMonitor"])");
  expect_refused(source->uri_as(reader), destination->uri_as(credentials{"timid", "s3cret"}),
                 {"\\\"timid\\\"", "restore", "insert", destination->node(0).address()});
}

// A server that was not compiled with it: refused by the server, or before anything is sent.
TEST_F(copy_security, a_mechanism_that_the_server_does_not_have) {
  expect_refused(source->uri_as(reader, "authMechanism=PLAIN&authSource=$external"), destination->uri_as(writer),
                 {source->node(0).address(), "PLAIN"});
}

/// Both sides ask for TLS and know no users.
class copy_tls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = lab_directory() / ("copy-security-" + std::to_string(::getpid()));
    replica_set_options options;
    options.name = "source";
    options.server.tls = make_certificates(folder);
    options.server.cache_gb = 0.25;
    source = std::make_unique<replica_set>(options);
    options.name = "destination";
    destination = std::make_unique<replica_set>(options);
    load_zoo(source->uri(), small_zoo());
  }
  static void TearDownTestSuite() {
    source.reset();
    destination.reset();
    std::filesystem::remove_all(folder);
  }
  static void expect_refused(const std::string& from, const std::vector<std::string>& words) {
    const auto began = std::chrono::steady_clock::now();
    const auto refused = copy(from + "&serverSelectionTimeoutMS=1000", destination->uri());
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
    EXPECT_EQ(refused.status.signal, 0);
    EXPECT_FALSE(refused.status.success());
    for (const auto& each : words) EXPECT_TRUE(holds(refused.output, each)) << each << " is not in " << refused.output;
    EXPECT_EQ(destination->connect().count("__mdb_internal_sluice", "run"), 0);
  }
  static std::string address() { return source->node(0).address(); }

  static inline std::filesystem::path folder;
  static inline std::unique_ptr<replica_set> source;
  static inline std::unique_ptr<replica_set> destination;
};

TEST_F(copy_tls, an_unknown_authority_is_refused) {
  expect_refused("mongodb://" + address() + "/?replicaSet=source&tls=true", {address(), "certificate"});
}

TEST_F(copy_tls, plain_text_towards_a_server_that_requires_it) {
  expect_refused("mongodb://" + address() + "/?replicaSet=source", {address(), "tls=true"});
}

TEST_F(copy_tls, towards_a_server_that_has_none) {
  mongod_process plain({}, "plain");
  expect_refused("mongodb://" + plain.address() + "/?replicaSet=plain&tls=true", {plain.address(), "TLS"});
}

TEST_F(copy_tls, without_users_copies_whole) {
  const auto done = copy(source->uri(), destination->uri());
  EXPECT_TRUE(done.status.success()) << done.output;
  const comparison verdict = compare({.source_uri = source->uri(), .destination_uri = destination->uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
}

/// A user whose certificate is the login, with what it needs on both sides.
TEST(copy_x509, a_certificate_is_the_login_of_a_whole_copy) {
  const std::filesystem::path folder = lab_directory() / ("copy-x509-" + std::to_string(::getpid()));
  const certificates made = make_certificates(folder);
  replica_set_options options = guarded("source");
  options.server.tls = made;
  replica_set source(options);
  options.name = "destination";
  replica_set destination(options);
  load_zoo(source.uri(), small_zoo());
  for (auto [set, roles] : {std::pair{&source, source_roles}, std::pair{&destination, destination_roles}}) {
    set->connect().run("$external", std::string(R"({"createUser": ")") + client_certificate_subject +
                                        R"(", "roles": )" + roles_of_admin(roles) + "}");
  }
  const std::string login =
      "authMechanism=MONGODB-X509&authSource=$external&tlsCertificateKeyFile=" + made.client_file.string();
  const auto refused = copy(source.uri_as(std::nullopt), destination.uri_as(std::nullopt, login));
  EXPECT_EQ(refused.status.code, 3) << "anybody may read: " << refused.output;
  const auto done = copy(source.uri_as(std::nullopt, login), destination.uri_as(std::nullopt, login));
  EXPECT_TRUE(done.status.success()) << done.output;
  const comparison verdict = compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
  EXPECT_GT(verdict.documents, 0U);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::lab
