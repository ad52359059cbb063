// The bundle of sluice doctor: what is in it, that it is made whatever is missing, and that it holds no secret.
#include "tools/doctor_command.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/archive.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class doctor_command : public ::testing::Test {
 protected:
  doctor_command() {
    fs::create_directories(place_ / "log");
    options_.output = (place_ / "bundle.tar.gz").string();
  }
  ~doctor_command() override { fs::remove_all(place_); }

  exit_code run() { return run_doctor(options_, calls_, out_, err_); }

  /// The members by their names without the folder, as tar unpacks them.
  std::map<std::string, std::string> unpacked() {
    const fs::path into = place_ / "unpacked";
    fs::create_directories(into);
    EXPECT_EQ(std::system(("tar -xzf " + options_.output + " -C " + into.string()).c_str()), 0);
    std::map<std::string, std::string> members;
    for (const auto& each : fs::recursive_directory_iterator(into)) {
      if (!each.is_regular_file()) continue;
      const std::string path = fs::relative(each.path(), into).string();
      members[path.substr(path.find('/') + 1)] = text_of(each.path());
    }
    return members;
  }

  const fs::path place_ = fs::temp_directory_path() / ("doctor-" + std::to_string(::getpid()));
  doctor_options options_;
  doctor_calls calls_{[](std::string_view path) -> result<api_reply> {
                        if (path == "/readyz") return api_reply{503, "{\"error\":\"NotReady\"}"};
                        return api_reply{200, "the answer of " + std::string(path) + ", s%33cret-token"};
                      },
                      "sluice 1.2.3", "epoll", "the kernel refuses"};
  std::ostringstream out_, err_;
};

TEST_F(doctor_command, everything_is_in_it_and_no_secret) {
  options_.uris = {"mongodb://user:s3cret-word@a"};
  options_.tokens = {"s3cret-token"};
  options_.values.cluster0 = options_.uris[0];
  options_.values.log_path = (place_ / "log").string();
  options_.values.sharding.emplace();
  std::ofstream(place_ / "log" / "sluice.log") << "s3cret-word in the log\n";
  std::ofstream(place_ / "log" / "sluice-2026-01-01T00-00-00.000.log") << "older\n";
  std::ofstream(place_ / "log" / "other.log") << "of others\n";
  ASSERT_EQ(run(), exit_code::everything_is_there) << err_.str();
  EXPECT_EQ(out_.str(), options_.output + "\n");
  struct stat about {};
  ASSERT_EQ(::stat(options_.output.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777U, 0600U);
  const auto members = unpacked();
  std::vector<std::string> names;
  for (const auto& [name, text] : members) {
    names.push_back(name);
    EXPECT_EQ(text.find("3cret"), std::string::npos) << text;
    EXPECT_EQ(text.find("33cret"), std::string::npos) << text;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"api/assessment.json", "api/healthz.json", "api/history.json", "api/metrics.txt",
                                      "api/namespaces.json", "api/progress.json", "api/readyz.json",
                                      "configuration.json", "contents.txt", "host.txt",
                                      "log/sluice-2026-01-01T00-00-00.000.log", "log/sluice.log", "version.txt"}));
  EXPECT_EQ(members.at("log/sluice.log"), "*** in the log\n");
  EXPECT_EQ(members.at("api/metrics.txt"), "the answer of /metrics, ***");
  EXPECT_EQ(members.at("version.txt"), "sluice 1.2.3\n");
  EXPECT_EQ(members.at("configuration.json"),
            "{\"cluster0\":\"mongodb://user:***@a\",\"logPath\":\"" + *options_.values.log_path +
                "\",\"sharding\":{\"createSupportingIndexes\":false,\"ignoreUnusedShardingEntries\":false,"
                "\"shardingEntries\":[]}}\n");
  EXPECT_NE(members.at("host.txt").find("epoll: the kernel refuses"), std::string::npos);
  EXPECT_NE(members.at("host.txt").find("Max open files"), std::string::npos);
  EXPECT_NE(members.at("contents.txt").find("api/readyz.json: it is an answer with status 503"), std::string::npos);
}

TEST_F(doctor_command, it_is_made_whatever_is_missing) {
  int calls = 0;
  calls_.get = [&](std::string_view) -> result<api_reply> {
    ++calls;
    return failure(error_kind::network, "nobody answers there");
  };
  options_.complaints = {"the file is broken"};
  options_.values.log_path = "/nowhere/at/all";
  options_.values.spool_dir = "/proc/nothing/here";
  ASSERT_EQ(run(), exit_code::everything_is_there) << err_.str();
  EXPECT_EQ(calls, 1);  // the others would wait as long
  const auto members = unpacked();
  EXPECT_EQ(members.size(), 4U);
  for (const char* what : {"configuration: the file is broken", "api: nobody answers there", "log: /nowhere/at/all"}) {
    EXPECT_NE(members.at("contents.txt").find(what), std::string::npos) << members.at("contents.txt");
    EXPECT_NE(err_.str().find(what), std::string::npos) << err_.str();
  }
}

TEST_F(doctor_command, one_call_that_fails_keeps_no_other_out) {
  calls_.get = [](std::string_view path) -> result<api_reply> {
    if (path == "/api/v1/progress") return failure(error_kind::timeout, "it does not answer in time");
    return api_reply{200, "here"};
  };
  ASSERT_EQ(run(), exit_code::everything_is_there) << err_.str();
  const auto members = unpacked();
  EXPECT_EQ(members.count("api/progress.json"), 0U);
  EXPECT_EQ(members.at("api/metrics.txt"), "here");
  EXPECT_NE(members.at("contents.txt").find("api/progress.json: it does not answer in time"), std::string::npos);
}

TEST_F(doctor_command, of_a_long_log_the_end_and_whole_lines) {
  options_.tokens = {"s3cret-token"};
  options_.values.log_path = (place_ / "long.log").string();
  {
    std::ofstream log(place_ / "long.log");
    for (int line = 0; line < 900'000; ++line) log << "s3cret-token\n";  // 11.7 MB
    log << "the end\n";
  }
  std::ofstream(place_ / "long-2026.log") << "older\n";
  fs::last_write_time(place_ / "long-2026.log", fs::file_time_type::clock::now() - std::chrono::hours(1));
  ASSERT_EQ(run(), exit_code::everything_is_there) << err_.str();
  const auto members = unpacked();
  const std::string& log = members.at("log/long.log");
  EXPECT_EQ(log.substr(0, 8), "***\n***\n");
  EXPECT_TRUE(log.ends_with("***\nthe end\n"));
  EXPECT_GT(log.size(), 2'000'000U);
  EXPECT_EQ(log.find("oken"), std::string::npos);
}

TEST_F(doctor_command, what_is_there_is_not_overwritten) {
  std::ofstream(options_.output) << "precious";
  EXPECT_EQ(run(), exit_code::refused);
  EXPECT_EQ(text_of(options_.output), "precious");
  EXPECT_NE(err_.str().find("is there already"), std::string::npos);
  options_.output = "/nowhere/bundle.tar.gz";
  EXPECT_EQ(run(), exit_code::failed);
}

TEST_F(doctor_command, goes_to_a_stream) {
  const std::string file = options_.output;
  options_.output = "-";
  ASSERT_EQ(run(), exit_code::everything_is_there);
  std::ofstream(file, std::ios::binary) << out_.str();
  options_.output = file;
  EXPECT_EQ(unpacked().count("contents.txt"), 1U);
}

TEST_F(doctor_command, takes_the_flags_of_the_server_and_forgives_what_is_broken) {
  const auto parse = [](std::vector<std::string> arguments) {
    return parse_command_line(
        std::move(arguments),
        [](const char* name) {
          return std::string_view(name) == cluster1_variable ? std::optional<std::string>("mongodb://e:env@c")
                                                             : std::nullopt;
        },
        "");
  };
  std::ofstream(place_ / "token") << "0123456789abcdef\n";
  std::ofstream(place_ / "uri") << "mongodb://f:file@b\n";
  std::ofstream(place_ / "config.yaml") << "cluster0: mongodb://u:configured@a\nport: 4000\nbind: 10.0.0.1\n"
                                        << "cluster1-file: " << (place_ / "uri").string()
                                        << "\nlogPath: /var/log/sluice\napi-token-file: " << (place_ / "token").string()
                                        << "\n";
  const auto line = parse({"doctor", "--config", (place_ / "config.yaml").string(), "--cluster0", "mongodb://u:flag@a",
                           "--spool-dir", "/spool", "--output", "-"});
  ASSERT_TRUE(line) << line.error().message;
  const auto& options = std::get<doctor_options>(line.value().what);
  EXPECT_EQ(options.uris, (std::vector<std::string>{"mongodb://e:env@c", "mongodb://u:flag@a",
                                                    "mongodb://u:configured@a", "mongodb://f:file@b"}));
  EXPECT_EQ(options.tokens, std::vector<std::string>{"0123456789abcdef"});
  EXPECT_EQ(options.server.text(), "10.0.0.1:4000");
  EXPECT_EQ(options.server.token, "0123456789abcdef");
  EXPECT_EQ(options.values.log_path, "/var/log/sluice");
  EXPECT_EQ(options.values.spool_dir, "/spool");
  EXPECT_EQ(options.output, "-");

  std::ofstream(place_ / "config.yaml") << "no: such: thing\n";
  const auto broken = parse({"doctor", "--config", (place_ / "config.yaml").string(), "--cluster0-file", "/nowhere/uri",
                             "--api-token-file", "/nowhere/token", "--url", "https://db7.example:1"});
  ASSERT_TRUE(broken) << broken.error().message;
  EXPECT_EQ(std::get<doctor_options>(broken.value().what).complaints.size(), 3U);
  EXPECT_TRUE(std::get<doctor_options>(broken.value().what).server.tls);
  EXPECT_FALSE(parse({"doctor", "--no-such-flag"}));
  EXPECT_FALSE(parse({"doctor", "--url", "nonsense"}));
}

TEST(archive, is_what_tar_unpacks_whatever_the_sizes) {
  const fs::path place = fs::temp_directory_path() / ("archive-" + std::to_string(::getpid()));
  fs::create_directories(place);
  archive packed(1'700'000'000);
  std::map<std::string, std::string> wanted{{"empty", ""},
                                            {"block", std::string(512, 'a')},
                                            {"more", std::string(513, 'b')},
                                            {std::string(100, 'n'), "long"}};
  for (const auto& [name, text] : wanted) packed.add(name, text);
  std::ofstream(place / "a.tar.gz", std::ios::binary) << packed.compressed().value();
  ASSERT_EQ(std::system(("cd " + place.string() + " && tar -xzf a.tar.gz").c_str()), 0);
  for (const auto& [name, text] : wanted) EXPECT_EQ(text_of(place / name), text) << name;
  fs::remove_all(place);
}

}  // namespace
}  // namespace sluice::tools
