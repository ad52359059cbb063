// The API beyond this machine: asked for, with a token and TLS, by curl as an operator would ask it.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/certificates.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr const char* token = "f3a1-not-to-be-logged-5b7c";
// Nobody is there: only the API is of interest.
const std::vector<std::string> nowhere{"--cluster0", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100",
                                       "--cluster1", "mongodb://127.0.0.1:2/?serverSelectionTimeoutMS=100"};

class serve_access : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(place_);
    const fs::path file = place_ / "token";
    std::ofstream(file) << token << "\n";
    fs::permissions(file, fs::perms::owner_read);
  }
  void TearDown() override { fs::remove_all(place_); }

  std::unique_ptr<sluice_program> start(std::vector<std::string> more) {
    std::vector<std::string> arguments = nowhere;
    for (std::string one :
         {std::string("--port"), std::to_string(port_), std::string("--verbosity"), std::string("TRACE")}) {
      arguments.push_back(std::move(one));
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<sluice_program>(std::move(arguments));
  }
  /// The status that curl got; what it printed is in `body_`. 0: there was no reply.
  int curl(const std::string& arguments, const std::string& path, const std::string& scheme = "http") {
    const fs::path body = place_ / "body", code = place_ / "code";
    const std::string command = "curl -s -m 10 -o " + body.string() + " -w '%{http_code}' " + arguments + " " + scheme +
                                "://localhost:" + std::to_string(port_) + path + " >" + code.string();
    const int ended = std::system(command.c_str());
    body_ = text_of(body);
    return ended == 0 ? std::stoi(text_of(code)) : 0;
  }
  static std::string text_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
  }
  bool answers(const std::string& arguments = {}, const std::string& scheme = "http") {
    return eventually([&] { return curl(arguments, "/healthz", scheme) == 200; }, seconds(30));
  }

  const fs::path place_ = lab_directory() / ("access-" + std::to_string(::getpid()));
  const std::uint16_t port_ = free_port();
  const std::string with_token_ = std::string("-H 'Authorization: Bearer ") + token + "'";
  const std::string token_file_ = (place_ / "token").string();
  std::string body_;
};

TEST_F(serve_access, beyond_this_machine_only_with_a_token) {
  const auto sluice = start({"--bind", "0.0.0.0"});
  const exit_status ended = sluice->wait(seconds(30));
  EXPECT_EQ(ended.code, 3) << sluice->output();
  EXPECT_NE(sluice->output().find("--api-token-file"), std::string::npos) << sluice->output();
}

TEST_F(serve_access, the_token_opens_what_it_guards_and_is_never_logged) {
  const auto sluice = start({"--bind", "0.0.0.0", "--api-token-file", token_file_});
  ASSERT_TRUE(answers()) << sluice->output();
  EXPECT_EQ(curl("", "/api/v1/progress"), 401);
  EXPECT_EQ(curl("-H 'Authorization: Bearer guessed-guessed-guessed'", "/api/v1/progress"), 401);
  EXPECT_EQ(curl(with_token_, "/api/v1/progress"), 200) << body_;
  EXPECT_EQ(curl(with_token_, "/metrics"), 200) << body_;
  EXPECT_EQ(curl(with_token_ + " -X POST -d '{}'", "/api/v1/pause"), 409) << body_;
  EXPECT_EQ(curl("-X POST -d '{}'", "/api/v1/pause"), 401) << body_;

  const std::string port = std::to_string(port_);
  sluice_program stranger({"status", "--port", port});
  EXPECT_EQ(stranger.wait(seconds(30)).code, 3) << stranger.output();
  EXPECT_NE(stranger.output().find("--api-token-file"), std::string::npos) << stranger.output();
  sluice_program known({"status", "--port", port, "--api-token-file", token_file_});
  EXPECT_EQ(known.wait(seconds(30)).code, 0) << known.output();

  sluice->process().signal(SIGTERM);
  sluice->wait(seconds(30));
  EXPECT_NE(sluice->output().find("unencrypted"), std::string::npos) << sluice->output();
  EXPECT_EQ(sluice->output().find(token), std::string::npos) << sluice->output();
  EXPECT_EQ(sluice->output().find("guessed-guessed"), std::string::npos) << sluice->output();
}

TEST_F(serve_access, speaks_tls_with_its_certificate) {
  const certificates made = make_certificates(place_);
  const auto sluice = start({"--api-tls-certificate-key-file", made.server_file.string()});
  const std::string trusting = "--cacert " + made.authority_file.string();
  ASSERT_TRUE(answers(trusting, "https")) << sluice->output();
  EXPECT_EQ(curl(trusting, "/api/v1/progress", "https"), 200) << body_;
  EXPECT_NE(body_.find("\"state\""), std::string::npos) << body_;
  EXPECT_EQ(curl("", "/api/v1/progress", "https"), 0) << "nobody has said that this authority is to be trusted";
  EXPECT_EQ(curl("", "/api/v1/progress", "http"), 0) << "it answers in the clear";
  EXPECT_EQ(curl(trusting + " --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0", "/healthz", "https"), 0);
  EXPECT_EQ(curl(trusting + " -N -m 3 --max-filesize 100000", "/api/v1/events", "https"), 0) << "it has no end";
  EXPECT_NE(body_.find("event: progress\ndata: {"), std::string::npos) << body_;
  EXPECT_NE(sluice->output().find("https://localhost"), std::string::npos) << sluice->output();

  const std::string url = "https://localhost:" + std::to_string(port_);
  sluice_program known({"status", "--url", url, "--api-ca-file", made.authority_file.string()});
  EXPECT_EQ(known.wait(seconds(30)).code, 0) << known.output();
  sluice_program distrustful({"status", "--url", url});
  EXPECT_EQ(distrustful.wait(seconds(30)).code, 1) << distrustful.output();
  EXPECT_NE(distrustful.output().find("--api-ca-file"), std::string::npos) << distrustful.output();
}

TEST_F(serve_access, a_file_without_a_certificate_is_refused_by_name) {
  const auto sluice = start({"--api-tls-certificate-key-file", token_file_});
  EXPECT_EQ(sluice->wait(seconds(30)).code, 3);
  EXPECT_NE(sluice->output().find("--api-tls-certificate-key-file " + token_file_), std::string::npos)
      << sluice->output();
}

}  // namespace
}  // namespace sluice::lab
