// sluice doctor beside a server that runs a migration with passwords: its bundle has everything, and none of them.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr const char* token = "f3a1-not-for-strangers-5b7c";

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

int shell(const std::string& command) {
  return std::system(command.c_str());
}

/// Two sets with passwords that every encoding writes otherwise, and a server that follows one into the other.
class doctor : public ::testing::Test {
 protected:
  doctor() {
    fs::create_directories(place_ / "log");
    std::ofstream(place_ / "token") << token << "\n";
    fs::permissions(place_ / "token", fs::perms::owner_read);
    std::ofstream(place_ / "sluice.yaml")
        << "cluster0: '" << source_.uri() << "'\ncluster1: '" << destination_.uri() << "'\nport: " << port_
        << "\napi-token-file: " << token_file_ << "\nlogPath: " << (place_ / "log").string()
        << "\nspool-dir: " << (place_ / "spool").string() << "\n";
  }
  ~doctor() override { fs::remove_all(place_); }

  std::unique_ptr<sluice_program> start_server() {
    auto server = std::make_unique<sluice_program>(std::vector<std::string>{"--config", config_});
    const std::string call = "curl -sf -m 10 -H 'Authorization: Bearer " + std::string(token) +
                             "' http://localhost:" + std::to_string(port_) + "/api/v1/";
    const std::string body = R"({"source": "cluster0", "destination": "cluster1"})";
    EXPECT_TRUE(eventually([&] { return shell(call + "start -d '" + body + "' >/dev/null") == 0; }, seconds(60)));
    EXPECT_TRUE(eventually([&] { return shell(call + "progress | grep -q '\"canCommit\":true'") == 0; }, seconds(60)));
    return server;
  }
  /// Runs the program; its bundle is unpacked into `unpacked`.
  exit_status make_bundle(const std::string& name) {
    sluice_program made({"doctor", "--config", config_, "--output", (place_ / name).string()});
    const exit_status ended = made.wait(seconds(60));
    said_ = made.output();
    fs::remove_all(place_ / "unpacked");
    fs::create_directories(place_ / "unpacked");
    EXPECT_EQ(shell("tar -xzf " + (place_ / name).string() + " -C " + (place_ / "unpacked").string() +
                    " --strip-components=1"),
              0);
    return ended;
  }
  std::string member(const std::string& name) { return text_of(place_ / "unpacked" / name); }

  replica_set source_{{.name = "a", .server = {.root = credentials{"root", "f1rst/p:a@s\"s%41"}}}};
  replica_set destination_{{.name = "b", .server = {.root = credentials{"root", "s3cond\\pass"}}}};
  const fs::path place_ = lab_directory() / ("doctor-" + std::to_string(::getpid()));
  const std::string config_ = (place_ / "sluice.yaml").string();
  const std::string token_file_ = (place_ / "token").string();
  const std::uint16_t port_ = free_port();
  std::string said_;
};

TEST_F(doctor, tells_all_of_a_running_server_and_none_of_its_secrets) {
  load_zoo(source_.uri(), small_zoo());
  const auto server = start_server();
  // What no message of ours says, some library's might; the passwords are also in the configuration.
  std::ofstream(place_ / "log" / "sluice-2026-01-01T00-00-00.000.log")
      << "f1rst/p:a@s\"s%41 f1rst%2Fp%3Aa%40s%22s%2541 f1rst%2fp%3aa%40s%22s%2541 {\"a\":\"f1rst/p:a@s\\\"s%41\"}\n"
      << "s3cond\\pass s3cond%5Cpass s3cond\\\\pass Bearer " << token << "\n"
      << "E11000 duplicate key error collection: shop.a dup key: { mail: \"someone@home\" }\n";
  ASSERT_EQ(make_bundle("bundle.tar.gz").code, 0) << said_;
  struct stat about {};
  ASSERT_EQ(::stat((place_ / "bundle.tar.gz").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777U, 0600U);
  for (const char* name :
       {"contents.txt", "version.txt", "host.txt", "configuration.json", "log/sluice.log",
        "log/sluice-2026-01-01T00-00-00.000.log", "api/healthz.json", "api/readyz.json", "api/progress.json",
        "api/namespaces.json", "api/history.json", "api/assessment.json", "api/metrics.txt"}) {
    EXPECT_FALSE(member(name).empty()) << name;
  }
  for (const char* secret : {"f1rst", "s%41", "s%2541", "s3cond", "pass", token, "someone"}) {
    EXPECT_NE(shell("grep -rF '" + std::string(secret) + "' " + (place_ / "unpacked").string()), 0) << secret;
  }
  EXPECT_NE(member("api/progress.json").find("\"state\":\"RUNNING\""), std::string::npos);
  EXPECT_NE(member("api/namespaces.json").find("\"success\":true"), std::string::npos);
  EXPECT_NE(member("api/metrics.txt").find("sluice_state"), std::string::npos);
  EXPECT_NE(member("configuration.json").find("mongodb://root:***@"), std::string::npos);
  EXPECT_NE(member("contents.txt").find("why:\n  nothing\n"), std::string::npos) << member("contents.txt");
}

TEST_F(doctor, is_of_use_where_no_server_runs) {
  ASSERT_EQ(make_bundle("bundle.tar.gz").code, 0) << said_;
  EXPECT_NE(member("contents.txt").find("no sluice answers at 127.0.0.1:"), std::string::npos);
  EXPECT_NE(said_.find("not in it: api: no sluice answers"), std::string::npos) << said_;
  EXPECT_NE(member("host.txt").find("waits with"), std::string::npos);
  EXPECT_EQ(make_bundle("bundle.tar.gz").code, 3);
  EXPECT_NE(said_.find("is there already"), std::string::npos) << said_;
}

}  // namespace
}  // namespace sluice::lab
