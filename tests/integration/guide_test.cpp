// The guide that operators of mongosync follow, as they type it: the name, the YAML file, the unit's command line, curl
// and jq. Nothing here knows Sluice.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <regex>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/typed_shell.hpp"
#include "tests/lab/child_process.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/mongod_process.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr const char* configuration = R"(cluster0: "%SOURCE"
cluster1: "%DESTINATION"
logPath: "/var/log/mongosync"
verbosity: "INFO"
port: 27182
loadLevel: 3
)";

constexpr const char* unit = R"([Unit]
Description=mongosync
After=network-online.target

[Service]
Type=simple
ExecStart=/usr/local/bin/mongosync --config /etc/mongosync.conf
Restart=on-failure

[Install]
WantedBy=multi-user.target
)";

/// A machine on which the guide is followed: its paths lie in a folder, its port is a free one.
class guide : public ::testing::Test {
 protected:
  guide() : root_(lab_directory() / ("guide-" + std::to_string(::getpid()))), port_(std::to_string(free_port())) {
    fs::remove_all(root_);
    for (const char* folder : {"usr/local/bin", "etc", "var/log/mongosync"}) fs::create_directories(root_ / folder);
    fs::create_symlink(SLUICE_BINARY, root_ / "usr/local/bin/mongosync");
    write_file(root_ / "etc/mongosync.conf",
               here(replaced(replaced(configuration, "%SOURCE", source->uri()), "%DESTINATION", destination->uri())));
    write_file(root_ / "etc/mongosync.service", here(unit));
    fs::permissions(root_ / "etc/mongosync.conf", fs::perms::owner_read | fs::perms::owner_write);
  }
  ~guide() override { fs::remove_all(root_); }

  static void SetUpTestSuite() {
    source = std::make_unique<replica_set>(replica_set_options{.name = "source"});
    destination = std::make_unique<replica_set>(replica_set_options{.name = "destination"});
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
    load_lim(source->uri(), {.documents = 20'000});
  }

  /// A line of the guide, for this machine.
  [[nodiscard]] std::string here(std::string line) const {
    for (const char* folder : {"/usr/local/bin", "/etc/", "/var/log/"}) {
      line = replaced(line, folder, root_.string() + folder);
    }
    return replaced(line, "27182", port_);
  }

  /// Typed into a shell.
  said type(const std::string& line) const { return typed_shell(root_, here(line)).wait(); }
  void expect(const std::string& line, const std::string& answer) const {
    const said got = type(line);
    EXPECT_TRUE(got.status.success()) << line << "\n" << got.text;
    EXPECT_EQ(got.text, answer) << line;
  }
  /// Until the line says so.
  void expect_soon(const std::string& line, const std::string& answer) const {
    std::string text;
    EXPECT_TRUE(eventually([&] { return (text = type(line).text) == answer; }, seconds(60)))
        << line << "\n"
        << text << "\n"
        << read_file(root_ / "var/log/mongosync/mongosync.log");
  }
  /// What systemd would start, in a process.
  [[nodiscard]] std::unique_ptr<child_process> start_unit() const {
    const std::string text = read_file(root_ / "etc/mongosync.service");
    std::smatch found;
    if (!std::regex_search(text, found, std::regex("ExecStart=(\\S+) (\\S+) (\\S+)"))) throw failure("no ExecStart");
    return std::make_unique<child_process>(
        child_process::options{.command = {found[1], found[2], found[3]}, .output = root_ / "journal"});
  }
  void expect_equal() const {
    const comparison verdict = compare({.source_uri = source->uri(), .destination_uri = destination->uri()});
    EXPECT_TRUE(verdict.equal()) << verdict.text();
    EXPECT_GT(verdict.documents, 20'000U);
  }

  static constexpr const char* state = "curl -s localhost:27182/api/v1/progress | jq -r .progress.state";
  static constexpr const char* begin = R"(curl -s localhost:27182/api/v1/start -XPOST --data '
    { "source": "cluster0", "destination": "cluster1" }' | jq -c .)";

  const fs::path root_;
  const std::string port_;
  static inline std::unique_ptr<replica_set> source;
  static inline std::unique_ptr<replica_set> destination;
};

TEST_F(guide, connectivity_is_verified_before_anything_is_begun) {
  const said well = type("/usr/local/bin/mongosync --config /etc/mongosync.conf --verifyConnectivity");
  EXPECT_TRUE(well.status.success()) << well.text;
  for (replica_set* set : {source.get(), destination.get()}) {
    EXPECT_NE(well.text.find(set->node(0).address()), std::string::npos) << well.text;
  }
  EXPECT_EQ(destination->connect().count("__mdb_internal_sluice", "run"), 0);
  write_file(root_ / "etc/mongosync.conf",
             here(replaced(replaced(configuration, "%SOURCE", source->uri()), "%DESTINATION",
                           "mongodb://127.0.0.1:1/?replicaSet=away&serverSelectionTimeoutMS=500")));
  const said away = type("/usr/local/bin/mongosync --config /etc/mongosync.conf --verifyConnectivity");
  EXPECT_EQ(away.status.code, 1) << away.text;
  EXPECT_NE(away.text.find("127.0.0.1:1"), std::string::npos) << away.text;
}

TEST_F(guide, as_operators_follow_it) {
  const said version = type("/usr/local/bin/mongosync --version | head -1");
  EXPECT_TRUE(std::regex_search(version.text, std::regex("\\d+\\.\\d+\\.\\d+"))) << version.text;

  auto service = start_unit();
  expect_soon(state, "IDLE");
  expect("curl -s localhost:27182/api/v1/progress | jq -c '[.progress.canWrite, .progress.info, .success]'",
         "[null,null,true]");
  expect(begin, R"({"success":true})");
  expect(std::string(begin) + " | jq -r .error", "IllegalState");

  // The monitor of the guide: every field is there, in every answer.
  constexpr const char* monitor = R"(curl -s localhost:27182/api/v1/progress | jq -c '.progress |
    [.state, .phase, (.lagTimeSeconds | type), (.collectionsCopy.estimatedDocumentCounts.copied | type),
     (.collectionsCopy.estimatedDocumentCounts.total | type), has("estimatedTotalSecondsToComplete")]')";
  expect_soon(monitor, R"(["RUNNING","change event application","number","number","number",true])");
  expect("curl -s localhost:27182/api/v1/progress | jq -c .progress.collectionsCopy.estimatedDocumentCounts",
         R"({"copied":20000,"total":20000})");

  source->connect().run("lim", R"({"insert": "docs", "documents": [{"_id": "while it follows"}]})");
  expect_soon("curl -s localhost:27182/api/v1/progress | jq .progress.totalEventsApplied", "1");

  expect("curl -s localhost:27182/api/v1/pause -XPOST --data '{}' | jq .success", "true");
  expect_soon(state, "PAUSED");
  expect("curl -s localhost:27182/api/v1/progress | jq .progress.lagTimeSeconds", "0");
  // Counts and spot checks.
  EXPECT_EQ(destination->connect().count("lim", "docs"), 20'001);
  source->connect().run("lim", R"({"insert": "docs", "documents": [{"_id": "while it pauses"}]})");
  expect("curl -s localhost:27182/api/v1/resume -XPOST --data '{}' | jq .success", "true");
  expect_soon(state, "RUNNING");
  expect_soon("curl -s localhost:27182/api/v1/progress | jq -c '.progress | [.canCommit, .totalEventsApplied]'",
              "[true,2]");
  EXPECT_EQ(destination->connect().count("lim", "docs"), 20'002);

  expect("curl -s localhost:27182/api/v1/commit -XPOST --data '{}' | jq .success", "true");
  expect_soon("curl -s localhost:27182/api/v1/progress | jq -c '.progress | [.state, .canWrite]'",
              R"(["COMMITTED",true])");
  expect_equal();

  // The log is where the file says, and logrotate's signal begins another one.
  expect(R"(jq -r 'select(.message == "Commit handler called") | .level' /var/log/mongosync/mongosync.log)", "info");
  service->signal(SIGUSR1);
  expect_soon("ls /var/log/mongosync | wc -l", "2");
  service->signal(SIGTERM);
  const auto ended = service->poll_exit(seconds(30));
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->success()) << ended->code;
}

TEST_F(guide, the_commit_may_follow_on_the_pause) {
  auto service = start_unit();
  expect_soon(state, "IDLE");
  expect(begin, R"({"success":true})");
  expect_soon("curl -s localhost:27182/api/v1/progress | jq .progress.canCommit", "true");
  source->connect().run("lim", R"({"insert": "docs", "documents": [{"_id": "before the pause"}]})");
  expect("curl -s localhost:27182/api/v1/pause -XPOST | jq .success", "true");
  expect_soon(state, "PAUSED");
  source->connect().run("lim", R"({"insert": "docs", "documents": [{"_id": "in the pause"}]})");
  expect("curl -s localhost:27182/api/v1/commit -XPOST | jq .success", "true");
  expect_soon(state, "COMMITTED");
  expect_equal();
}

}  // namespace
}  // namespace sluice::lab
