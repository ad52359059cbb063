// URIs: the drivers' shared test files, adapted where a copy must be stricter, and what we refuse and never show.
#include "engine/wire/connection_string.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "engine/runtime/limits.hpp"
#include "engine/wire/uri_options.hpp"

namespace sluice::wire {
namespace {

using namespace std::chrono_literals;

/// Valid for a driver, refused by us. Everything else in the files is taken as they say, but that what is only a
/// warning there is an error here.
bool is_stricter_here(const std::string& uri) {
  static const std::vector<std::string> never_for_a_copy{
      "readConcernLevel=arbitraryButStillValid", "w=arbitraryButStillValid", "w=5", "?w=1",
      "readPreference=", "socketTimeoutMS=", "timeoutMS=", "loadBalanced=true",
      // No such mechanism in libmongoc, and X.509 needs a client certificate, which these do not name.
      "authMechanism=MONGODB-OIDC", "authMechanism=MONGODB-X509",
      // libmongoc takes no dots in the database's name, and a copy has no use for one.
      "/admin.sock", "/admin.shoe"};
  for (const auto& part : never_for_a_copy) {
    if (uri.find(part) != std::string::npos) return true;
  }
  return false;
}

TEST(connection_string, the_drivers_test_files) {
  simdjson::dom::parser parser;
  std::size_t valid = 0;
  std::size_t invalid = 0;
  for (const auto& file : std::filesystem::directory_iterator(SLUICE_TEST_DATA "/uri")) {
    const simdjson::dom::element content = parser.load(file.path().string());
    for (const simdjson::dom::element test : content["tests"]) {
      const auto uri = std::string(test["uri"].get_string().value());
      SCOPED_TRACE(file.path().filename().string() + ": " + uri);
      const bool warns = test["warning"].is_bool() && test["warning"].get_bool().value();
      const bool expected = test["valid"].get_bool().value() && !warns && !is_stricter_here(uri);
      const auto parsed = connection_string::parse(uri);
      ASSERT_EQ(parsed.has_value(), expected) << (parsed ? "accepted" : parsed.error().message);
      if (!parsed) {
        ++invalid;
        EXPECT_EQ(parsed.error().kind, error_kind::configuration);
        continue;
      }
      ++valid;
      simdjson::dom::array hosts;
      if (test["hosts"].get(hosts) == simdjson::SUCCESS) {
        const auto& ours = parsed.value().hosts();
        ASSERT_EQ(ours.size(), hosts.size());
        std::size_t i = 0;
        for (const simdjson::dom::element host : hosts) {
          EXPECT_EQ(ours[i].host, host["host"].get_string().value());
          const bool is_unix = host["type"].get_string().value() == "unix";
          const std::int64_t port = host["port"].is_null() ? (is_unix ? 0 : 27017) : host["port"].get_int64().value();
          EXPECT_EQ(ours[i].port, port);
          ++i;
        }
      }
      std::string_view user;
      if (test["auth"]["username"].get(user) == simdjson::SUCCESS) {
        EXPECT_EQ(parsed.value().user(), user);
      }
    }
  }
  EXPECT_GT(valid, 60U);
  EXPECT_GT(invalid, 90U);
}

connection_string parsed(std::string_view uri) {
  auto value = connection_string::parse(uri);
  if (!value) throw std::runtime_error(value.error().message);
  return std::move(value).value();
}

std::string refused(std::string_view uri) {
  const auto value = connection_string::parse(uri);
  return value ? "accepted" : value.error().message;
}

TEST(connection_string, what_the_engine_asks_for) {
  const auto uri = parsed(
      "mongodb://al%40ice:s3cret@db1,[::1]:27018,%2Ftmp%2Fm.sock/?replicaSet=rs0&compressors=zstd,snappy,zlib"
      "&zlibCompressionLevel=4&connectTimeoutMS=1500&serverSelectionTimeoutMS=7000&appName=copy&authSource=users"
      "&authMechanism=SCRAM-SHA-256&readPreference=primary&readConcernLevel=majority&w=majority&retryWrites=true");
  EXPECT_EQ(uri.hosts(), (std::vector<host_port>{{"db1", 27017}, {"::1", 27018}, {"/tmp/m.sock", 0}}));
  EXPECT_EQ(uri.replica_set(), "rs0");
  EXPECT_EQ(uri.compressors(), (std::vector{compressor::zstd, compressor::snappy, compressor::zlib}));
  EXPECT_EQ(uri.zlib_level(), 4);
  EXPECT_EQ(uri.connect_timeout(), 1500ms);
  EXPECT_EQ(uri.server_selection_timeout(), 7s);
  EXPECT_EQ(uri.application_name(), "copy");
  EXPECT_TRUE(uri.has_credentials());
  EXPECT_EQ(uri.user(), "al@ice");
  EXPECT_EQ(uri.mechanism(), "SCRAM-SHA-256");
  EXPECT_FALSE(uri.direct_connection());
  EXPECT_FALSE(uri.is_srv());
  EXPECT_FALSE(uri.tls().enabled);
}

TEST(connection_string, defaults) {
  const auto uri = parsed("mongodb://db1");
  EXPECT_FALSE(uri.has_credentials());
  EXPECT_EQ(uri.user(), "");
  EXPECT_EQ(uri.connect_timeout(), limits::connect_timeout_default);
  EXPECT_EQ(uri.server_selection_timeout(), limits::server_selection_timeout_default);
  EXPECT_EQ(uri.zlib_level(), -1);
  EXPECT_TRUE(uri.compressors().empty());
  EXPECT_TRUE(parsed("mongodb://db1/?directConnection=true").direct_connection());
  EXPECT_GT(parsed("mongodb://db1/?connectTimeoutMS=0").connect_timeout(), 1h) << "0 is no limit";
}

TEST(connection_string, tls_options) {
  const auto files = parsed(
                         "mongodb://h/?tls=true&tlsCAFile=%2Fetc%2Fca.pem&tlsCertificateKeyFile=me.pem"
                         "&tlsCertificateKeyFilePassword=hunter2&tlsCRLFile=%2Fetc%2Fcrl.pem")
                         .tls();
  EXPECT_TRUE(files.enabled);
  EXPECT_EQ(files.ca_file, "/etc/ca.pem");
  EXPECT_EQ(files.certificate_key_file, "me.pem");
  EXPECT_EQ(files.certificate_key_password, "hunter2");
  EXPECT_EQ(files.crl_file, "/etc/crl.pem");
  EXPECT_FALSE(files.allow_invalid_certificates);
  EXPECT_FALSE(files.allow_invalid_hostnames);

  EXPECT_TRUE(parsed("mongodb://h/?ssl=true").tls().enabled);
  EXPECT_FALSE(parsed("mongodb://h/?tls=false&tlsCAFile=ca.pem").tls().enabled);
  EXPECT_TRUE(parsed("mongodb://h/?tlsCAFile=ca.pem").tls().enabled) << "as libmongoc does";
  EXPECT_TRUE(parsed("mongodb://h/?tlsCRLFile=crl.pem").tls().enabled);
  EXPECT_TRUE(parsed("mongodb+srv://cluster.example.com/").tls().enabled) << "the default of SRV names";
  EXPECT_FALSE(parsed("mongodb+srv://cluster.example.com/?tls=false").tls().enabled);
  const auto insecure = parsed("mongodb://h/?tlsInsecure=true&tls=true").tls();
  EXPECT_TRUE(insecure.allow_invalid_certificates && insecure.allow_invalid_hostnames);
  EXPECT_TRUE(
      parsed("mongodb://h/?tls=true&tlsDisableCertificateRevocationCheck=true&tlsCRLFile=x").tls().crl_file.empty());
}

TEST(connection_string, options_that_cannot_apply_are_named_with_the_reason) {
  const std::map<std::string, std::string> cases{
      {"readPreference=secondary", "\"readPreference\" can only be \"primary\""},
      {"readPreference=primaryPreferred", "\"readPreference\""},
      {"readPreferenceTags=dc:ny", "\"readPreferenceTags\" cannot be used"},
      {"maxStalenessSeconds=120", "\"maxStalenessSeconds\""},
      {"readConcernLevel=local", "\"readConcernLevel\" can only be \"majority\""},
      {"w=1", "\"w\" can only be \"majority\""},
      {"w=0", "\"w\""},
      {"socketTimeoutMS=1000", "\"socketTimeoutMS\" cannot be used"},
      {"timeoutMS=1000", "\"timeoutMS\" cannot be used"},
      {"loadBalanced=true", "\"loadBalanced\" cannot be used"},
      {"slaveOk=true", "\"slaveOk\""},
      {"safe=false", "\"safe\""},
  };
  for (const auto& [option, expected] : cases) {
    const auto message = refused("mongodb://h/?" + option);
    EXPECT_NE(message.find(expected), std::string::npos) << option << ": " << message;
  }
  EXPECT_EQ(refused("mongodb://h/?loadBalanced=false"), "accepted");
}

TEST(connection_string, malformed_values_name_their_key) {
  for (const std::string option :
       {"connectTimeoutMS=abc", "connectTimeoutMS=-2", "serverSelectionTimeoutMS=1s", "tls=maybe", "tlsInsecure=2",
        "directConnection=invalid", "zlibCompressionLevel=11", "compressors=zstd,lz4", "retryWrites=perhaps",
        "replicaSet=", "localThresholdMS=-1"}) {
    const auto message = refused("mongodb://h/?" + option);
    const auto key = lower_case(option.substr(0, option.find('=')));
    EXPECT_NE(lower_case(message).find("\"" + key + "\""), std::string::npos) << option << ": " << message;
  }
}

TEST(connection_string, unknown_options_suggest_the_nearest_name) {
  EXPECT_NE(refused("mongodb://h/?replicSet=rs0").find("\"replicSet\" (did you mean \"replicaSet\"?)"),
            std::string::npos);
  EXPECT_NE(refused("mongodb://h/?tlsCaFil=x").find("\"tlsCAFile\""), std::string::npos);
  EXPECT_NE(refused("mongodb://h/?conectTimeoutMS=5").find("\"connectTimeoutMS\""), std::string::npos);
  // Neighbouring letters swapped count once each: that is how people mistype, here as in flags and files.
  EXPECT_NE(refused("mongodb://h/?asef=true").find("(did you mean \"safe\"?)"), std::string::npos);
  EXPECT_EQ(refused("mongodb://h/?quux=1").find("did you mean"), std::string::npos);
}

TEST(connection_string, mechanisms) {
  EXPECT_NE(refused("mongodb://u:p@h/?authMechanism=SCRAM-SHA-512").find("\"authMechanism\""), std::string::npos);
  EXPECT_NE(refused("mongodb://h/?authMechanism=MONGODB-X509").find("tlsCertificateKeyFile"), std::string::npos);
  const auto x509 = parsed("mongodb://h/?authMechanism=MONGODB-X509&tls=true&tlsCertificateKeyFile=me.pem");
  EXPECT_TRUE(x509.has_credentials());
  EXPECT_EQ(x509.user(), "");
}

TEST(connection_string, no_secret_is_ever_in_a_message) {
  const std::vector<std::string> bad{
      "mongodb://al:Sw0rdfish:x@h/",
      "mongodb://al:Sw0rdfish@@h/",
      "mongodb://al:Sw0rdfish/x@h/",
      "mongodb://al:Sw0rdfish?x@h/",
      "mongodb://al:x/Sw0rdfish@h/?tls=true",
      "mongodb://al:1/x?Sw0rdfish=1@h/?tls=true",
      "mongodb://al:p@s/s?Sw0rdfish=1@h/",
      "mongodb://al:Sw0rd%66ish%zz@h/",
      "mongodb://al:%53w0rdfish:@h/",
      "mongodb://al:Sw0rdfish@h:99999/",
      "mongodb://al:Sw0rdfish@h/?tls=perhaps",
      "mongodb://al:Sw0rdfish@h/?nonsense=1",
      "mongodb://al:Sw0rdfish@h/?tls",
      "mongodb://al:Sw0rdfish@/",
      "mongodb://al:Sw0rdfish@h,/",
      "mongo://al:Sw0rdfish@h/",
      "mongodb://h/?tlsCertificateKeyFilePassword=Sw0rdfish%zz",
      "mongodb://h/?tlsCertificateKeyFilePassword=Sw0rdfish&tls=perhaps",
      "mongodb://u:p@h/?authMechanismProperties=AWS_SESSION_TOKEN:Sw0rdfish,&authMechanism=nonsense",
      "mongodb+srv://al:Sw0rdfish@a.example.com,b.example.com/",
      "mongodb+srv://al:Sw0rdfish@a.example.com:27017/",
      "al:Sw0rdfish@h",
  };
  for (const auto& uri : bad) {
    const auto message = refused(uri);
    EXPECT_NE(message, "accepted") << uri;
    EXPECT_EQ(message.find("Sw0rdfish"), std::string::npos) << uri << ": " << message;
  }
}

TEST(connection_string, half_a_password_is_no_host) {
  // Without the rule this is the host "al" with the port 1 and an application name.
  EXPECT_NE(refused("mongodb://al:1/x?appName=y@h").find("behind the host list"), std::string::npos);
}

TEST(connection_string, redacted) {
  EXPECT_EQ(parsed("mongodb://al:pw@h1,h2:27018/?replicaSet=rs&tlsCertificateKeyFilePassword=k&tls=true").redacted(),
            "mongodb://al:***@h1,h2:27018/?replicaSet=rs&tlsCertificateKeyFilePassword=***&tls=true");
  EXPECT_EQ(parsed("mongodb://h").redacted(), "mongodb://h/");
}

TEST(connection_string, with_hosts_keeps_everything_else) {
  const auto seeds = parsed("mongodb+srv://al:pw@cluster.example.com/?appName=x");
  EXPECT_TRUE(seeds.is_srv());
  EXPECT_EQ(seeds.srv_host(), "cluster.example.com");
  EXPECT_TRUE(seeds.hosts().empty());
  const auto members = seeds.with_hosts({{"a", 1}, {"::1", 2}, {"/tmp/s.sock", 0}});
  EXPECT_FALSE(members.is_srv());
  EXPECT_EQ(members.hosts().size(), 3U);
  EXPECT_TRUE(members.tls().enabled) << "SRV's default stays";
  EXPECT_EQ(members.application_name(), "x");
  EXPECT_EQ(members.user(), "al");
  EXPECT_EQ(members.redacted(), "mongodb://al:***@a:1,[::1]:2,%2Ftmp%2Fs.sock/?appName=x");
  EXPECT_TRUE(seeds.is_srv()) << "the original is untouched";
}

TEST(host_port, as_servers_write_it) {
  const std::map<std::string, host_port> good{{"db1:27018", {"db1", 27018}},
                                              {"db1", {"db1", 27017}},
                                              {"[::1]:5", {"::1", 5}},
                                              {"[::1]", {"::1", 27017}},
                                              {"/tmp/mongodb-27017.sock", {"/tmp/mongodb-27017.sock", 0}}};
  for (const auto& [text, expected] : good) {
    const auto value = parse_host_port(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(value.value(), expected);
  }
  EXPECT_EQ(parse_host_port("[fe80::1]:27017").value().to_string(), "[fe80::1]:27017");
  EXPECT_EQ(parse_host_port("a:1").value().to_string(), "a:1");
  for (const std::string text : {"", ":1", "a:", "a:b", "a:0", "a:65536", "a:1x", "[::1", "[]:1", "[::1]1"}) {
    EXPECT_FALSE(parse_host_port(text)) << text;
  }
}

}  // namespace
}  // namespace sluice::wire
