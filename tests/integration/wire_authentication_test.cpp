// Every way into a server: SCRAM, TLS, X.509, each right and wrong, and what the operator reads when it is wrong.
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/wire/server_error.hpp"
#include "engine/wire/uri_options.hpp"
#include "tests/integration/wire_lane.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::wire {
namespace {

/// The user whom the server takes this connection for; empty: nobody.
std::string who_am_i(lane& on, connection& over) {
  auto answer = run_on(on, over, "admin", command("connectionStatus"));
  if (!answer) return answer.error().message;
  const auto users = answer.value().body.at("authInfo", "authenticatedUsers");
  const auto user = users.as_array()->at("0", "user");
  return user ? std::string(*user.as_string()) : "";
}

// --- with users ---

constexpr const char* root_user = "al@ice";
constexpr const char* root_password = "p:w/ %?";

class wire_authentication : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    lab::server_options server;
    server.root = lab::credentials{root_user, root_password};
    set = std::make_unique<lab::replica_set>(lab::replica_set_options{.server = server});
  }
  static void TearDownTestSuite() { set.reset(); }
  static std::string uri(const std::string& user, const std::string& password, const std::string& options = {}) {
    return "mongodb://" + percent_encoded(user) + ":" + percent_encoded(password) + "@" + set->node(0).address() +
           "/?directConnection=true" + options;
  }
  static inline std::unique_ptr<lab::replica_set> set;
  lane here;
  runtime::cancel_scope scope;
};

TEST_F(wire_authentication, scram_as_negotiated_and_as_asked_for) {
  for (const std::string options : {"", "&authMechanism=SCRAM-SHA-256", "&authMechanism=SCRAM-SHA-1",
                                    "&compressors=zstd,snappy", "&appName=copy"}) {
    SCOPED_TRACE(options);
    auto attempt = open_on(here, uri(root_user, root_password, options), scope);
    ASSERT_TRUE(attempt) << message_of(attempt);
    EXPECT_EQ(who_am_i(here, *attempt.value()), root_user);
    EXPECT_EQ(attempt.value()->hello().set_name, "rs0");
  }
}

TEST_F(wire_authentication, compression_is_agreed_on_after_the_hand_over) {
  auto attempt = open_on(here, uri(root_user, root_password, "&compressors=zlib"), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  const auto before = attempt.value()->transferred();
  bson::builder echo;
  echo.append("echo", std::string(100'000, 'x'));
  ASSERT_TRUE(run_on(here, *attempt.value(), "admin", echo.finish()));
  EXPECT_LT(attempt.value()->transferred().sent_bytes - before.sent_bytes, 10'000U);
  EXPECT_LT(attempt.value()->transferred().received_bytes - before.received_bytes, 10'000U);
}

TEST_F(wire_authentication, a_wrong_password_is_said_and_never_shown) {
  auto attempt = open_on(here, uri(root_user, "Sw0rdfish"), scope);
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().kind, error_kind::authentication) << attempt.error().message;
  EXPECT_TRUE(contains(attempt.error().message, "user \"al@ice\"")) << attempt.error().message;
  EXPECT_FALSE(contains(attempt.error().message, "Sw0rdfish")) << attempt.error().message;
  EXPECT_FALSE(is_retryable(attempt.error()));
}

TEST_F(wire_authentication, unknown_user_and_wrong_source) {
  for (const auto& bad : {uri("nobody", "x"), uri(root_user, root_password, "&authSource=shop")}) {
    auto attempt = open_on(here, bad, scope);
    ASSERT_FALSE(attempt);
    EXPECT_EQ(attempt.error().kind, error_kind::authentication) << attempt.error().message;
  }
}

TEST_F(wire_authentication, without_credentials_commands_are_refused) {
  auto attempt = open_on(here, "mongodb://" + set->node(0).address() + "/?directConnection=true", scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  bson::builder find;
  find.append("find", "c");
  const auto answer = run_on(here, *attempt.value(), "shop", find.finish());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().server_code, unauthorized);
}

TEST_F(wire_authentication, many_at_once_on_one_lane) {
  int authenticated = 0;
  for (int i = 0; i < 8; ++i) {
    here.also([&]() -> task<void> {
      const auto where = parsed(uri(root_user, root_password));
      auto attempt = co_await connection::open(where, where.hosts().front(), scope);
      if (attempt) ++authenticated;
    });
  }
  here.run([]() -> task<void> { co_return; });
  EXPECT_EQ(authenticated, 8);
}

// --- with TLS ---

class wire_tls : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = lab::lab_directory() / ("wire-tls-" + std::to_string(::getpid()));
    certificates = lab::make_certificates(folder / "ours");
    others = lab::make_certificates(folder / "others");
    lab::server_options server;
    server.root = lab::credentials{root_user, root_password};
    server.tls = certificates;
    set = std::make_unique<lab::replica_set>(lab::replica_set_options{.server = server});
    set->connect().run("$external", std::string(R"({"createUser": ")") + lab::client_certificate_subject +
                                        R"(", "roles": [{"role": "readAnyDatabase", "db": "admin"}]})");
  }
  static void TearDownTestSuite() {
    set.reset();
    std::filesystem::remove_all(folder);
  }
  static std::string uri(const std::string& options, const std::string& user = {},
                         const std::string& host = "127.0.0.1") {
    return "mongodb://" + user + host + ":" + std::to_string(set->node(0).port()) + "/?directConnection=true" + options;
  }
  static std::string with_authority() {
    return "&tls=true&tlsCAFile=" + percent_encoded(certificates.authority_file.string());
  }
  static std::string with_client_certificate() {
    return with_authority() + "&tlsCertificateKeyFile=" + percent_encoded(certificates.client_file.string());
  }
  static std::string root() { return percent_encoded(root_user) + ":" + percent_encoded(root_password) + "@"; }

  static inline std::filesystem::path folder;
  static inline lab::certificates certificates;
  static inline lab::certificates others;
  static inline std::unique_ptr<lab::replica_set> set;
  lane here;
  runtime::cancel_scope scope;
};

TEST_F(wire_tls, with_the_authority_and_its_user) {
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    auto attempt = open_on(here, uri(with_client_certificate(), root(), host), scope);
    ASSERT_TRUE(attempt) << message_of(attempt);
    EXPECT_EQ(who_am_i(here, *attempt.value()), root_user);
  }
}

TEST_F(wire_tls, large_messages_in_both_directions) {
  auto attempt = open_on(here, uri(with_client_certificate(), root()), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  bson::builder echo;
  std::string text(12'000'000, 'x');  // NOLINT(bugprone-string-constructor): that large
  for (std::size_t i = 0; i < text.size(); i += 97) text[i] = static_cast<char>('a' + i % 25);
  echo.append("echo", text);
  const auto answer = run_on(here, *attempt.value(), "admin", echo.finish());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value().body.at("echo", "echo").as_string(), text);
}

TEST_F(wire_tls, x509_takes_the_user_from_the_certificate) {
  auto attempt = open_on(here, uri(with_client_certificate() + "&authMechanism=MONGODB-X509"), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  EXPECT_EQ(who_am_i(here, *attempt.value()), lab::client_certificate_subject);
}

TEST_F(wire_tls, plain_towards_a_server_that_requires_it) {
  for (const std::string& user : {std::string(), root()}) {
    auto attempt = open_on(here, uri("", user), scope);
    ASSERT_FALSE(attempt);
    EXPECT_EQ(attempt.error().kind, error_kind::network);
    EXPECT_TRUE(contains(attempt.error().message, "add tls=true")) << attempt.error().message;
  }
}

TEST_F(wire_tls, a_certificate_of_an_unknown_authority_is_refused) {
  for (const auto& options :
       {std::string("&tls=true"), "&tls=true&tlsCAFile=" + percent_encoded(others.authority_file.string())}) {
    auto attempt = open_on(here, uri(options, root()), scope);
    ASSERT_FALSE(attempt);
    EXPECT_EQ(attempt.error().kind, error_kind::configuration) << attempt.error().message;
    EXPECT_TRUE(contains(attempt.error().message, "not trusted")) << attempt.error().message;
    EXPECT_TRUE(contains(attempt.error().message, "tlsCAFile")) << attempt.error().message;
  }
  auto trusting = open_on(here, uri("&tls=true&tlsAllowInvalidCertificates=true", root()), scope);
  EXPECT_TRUE(trusting) << message_of(trusting);
}

TEST_F(wire_tls, a_certificate_for_another_name_is_refused) {
  // "127.1" is another way to write the address, and no name in the certificate.
  auto attempt = open_on(here, uri(with_authority(), root(), "127.1"), scope);
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().kind, error_kind::configuration);
  EXPECT_TRUE(contains(attempt.error().message, "is not for \"127.1\"")) << attempt.error().message;
  auto lenient = open_on(here, uri(with_authority() + "&tlsAllowInvalidHostnames=true", root(), "127.1"), scope);
  EXPECT_TRUE(lenient) << message_of(lenient);
}

TEST_F(wire_tls, files_that_cannot_be_used_are_named) {
  const auto garbage = folder / "garbage.pem";
  std::ofstream(garbage) << "no certificate";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"&tls=true&tlsCAFile=%2Fno%2Fsuch.pem", "\"tlsCAFile\": /no/such.pem"},
      {with_authority() + "&tlsCertificateKeyFile=%2Fno%2Fsuch.pem", "\"tlsCertificateKeyFile\": /no/such.pem"},
      {with_authority() + "&tlsCRLFile=%2Fno%2Fsuch.pem", "\"tlsCRLFile\": /no/such.pem"},
      {"&tls=true&tlsCAFile=" + percent_encoded(garbage.string()), "\"tlsCAFile\": " + garbage.string()},
  };
  for (const auto& [options, expected] : cases) {
    auto attempt = open_on(here, uri(options, root()), scope);
    ASSERT_FALSE(attempt) << options;
    EXPECT_EQ(attempt.error().kind, error_kind::configuration);
    EXPECT_TRUE(contains(attempt.error().message, expected)) << attempt.error().message;
  }
}

}  // namespace
}  // namespace sluice::wire
