// mongodb+srv:// names, looked up by the real program at a name server of the test's own: the members, the options of
// the TXT record, and what is said when there are none. Needs the right to port 53 and to a private /etc/resolv.conf.
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/dns_server.hpp"
#include "tests/integration/sluice_program.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::lab {
namespace {

using kind = dns_record::kind;

/// "127.x.y.1" with this process's number in it, so that two runs do not meet.
std::string own_address() {
  const auto number = static_cast<unsigned>(::getpid());
  return "127." + std::to_string(16 + (number >> 8 & 0x7F)) + "." + std::to_string(number & 0xFF) + ".1";
}

class srv : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source = std::make_unique<replica_set>(replica_set_options{.name = "source"});
    destination = std::make_unique<replica_set>(replica_set_options{.name = "destination"});
    load_lim(source->uri(), {.documents = 1000});
  }
  static void TearDownTestSuite() {
    source.reset();
    destination.reset();
  }
  void SetUp() override {
    client cleaner = destination->connect();
    drop_user_data(cleaner);
    names_file = lab_directory() / ("resolv-" + std::to_string(::getpid()) + ".conf");
    std::filesystem::create_directories(lab_directory());
    std::ofstream(names_file) << "nameserver " << own_address() << "\noptions timeout:1 attempts:1\n";
  }
  void TearDown() override { std::filesystem::remove(names_file); }

  /// The outcome of a copy from `name`, where the name server knows these records; nothing where this cannot be done.
  std::optional<copy_outcome> copy_from(const std::string& name, std::vector<dns_record> records) {
    const dns_server names(own_address(), std::move(records));
    if (!names.ready() || ::geteuid() != 0) {
      not_run("a name server on port 53 and a private /etc/resolv.conf need root");
      return std::nullopt;
    }
    auto outcome = copy("mongodb+srv://" + name + "/?tls=false&serverSelectionTimeoutMS=2000", destination->uri(), {},
                        {}, confined("resolver=" + names_file.string()));
    EXPECT_GT(names.questions(), 0) << "nobody asked: " << outcome.output;
    return outcome;
  }
  std::vector<dns_record> records_of_source() const {
    return {{kind::srv, "_mongodb._tcp.cluster.lab.test", "node1.lab.test", source->node(0).port()},
            {kind::a, "node1.lab.test", "127.0.0.1"}};
  }
  static void expect_refused(const copy_outcome& outcome, const std::string& words) {
    EXPECT_FALSE(outcome.status.success());
    EXPECT_EQ(outcome.status.signal, 0);
    EXPECT_NE(outcome.output.find(words), std::string::npos) << outcome.output;
    EXPECT_EQ(destination->connect().count("lim", "docs"), 0);
  }

  static inline std::unique_ptr<replica_set> source;
  static inline std::unique_ptr<replica_set> destination;
  std::filesystem::path names_file;
};

TEST_F(srv, a_name_leads_to_the_members) {
  auto records = records_of_source();
  records.push_back({kind::txt, "cluster.lab.test", "replicaSet=source"});
  const auto outcome = copy_from("cluster.lab.test", records);
  if (!outcome) return;
  EXPECT_TRUE(outcome->status.success()) << outcome->output;
  const comparison verdict = compare({.source_uri = source->uri(), .destination_uri = destination->uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
  EXPECT_EQ(verdict.documents, 1000U);
}

TEST_F(srv, options_of_the_txt_record_hold) {
  auto records = records_of_source();
  records.push_back({kind::txt, "cluster.lab.test", "replicaSet=another-one"});
  const auto outcome = copy_from("cluster.lab.test", records);
  if (outcome) expect_refused(*outcome, "another-one");
}

TEST_F(srv, a_name_that_does_not_exist_is_named) {
  const auto outcome = copy_from("cluster.lab.test", {});
  if (outcome) expect_refused(*outcome, "cluster.lab.test");
}

// Whoever can answer for one name must not lead a client, and its password, to another domain.
TEST_F(srv, members_of_another_domain_are_not_followed) {
  const auto outcome = copy_from(
      "cluster.lab.test", {{kind::srv, "_mongodb._tcp.cluster.lab.test", "node1.evil.test", source->node(0).port()},
                           {kind::a, "node1.evil.test", "127.0.0.1"}});
  if (outcome) expect_refused(*outcome, "cluster.lab.test");
}

}  // namespace
}  // namespace sluice::lab
