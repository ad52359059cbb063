// Who may reach the API, as flags, the configuration file and the token's file say it.
#include "tools/api_access.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tools/command_line.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

class token_file {
 public:
  explicit token_file(const std::string& text, fs::perms who = fs::perms::owner_read | fs::perms::owner_write)
      : path_(fs::temp_directory_path() / (std::to_string(::getpid()) + "-token")) {
    std::ofstream(path_, std::ios::binary) << text;
    fs::permissions(path_, who);
  }
  ~token_file() { fs::remove(path_); }
  token_file(const token_file&) = delete;
  token_file& operator=(const token_file&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

std::string complaint(const std::string& text) {
  const token_file file(text);
  const auto token = read_token_file(file.path());
  return token ? "" : token.error().message;
}

result<command_line> parse(std::vector<std::string> arguments) {
  return parse_command_line(
      std::move(arguments), [](const char*) { return std::nullopt; }, "");
}

TEST(api_access, a_token_is_one_line) {
  for (const char* text : {"0123456789abcdef", "0123456789abcdef\n", "0123456789abcdef\r\n"}) {
    const token_file file(text);
    EXPECT_EQ(read_token_file(file.path()).value(), "0123456789abcdef");
  }
}

TEST(api_access, what_is_no_token_is_refused_and_not_repeated) {
  for (const std::string text : {"", "\n", "0123456789abcde\n", "0123456789abcdef extra\n", "0123456789\nabcdefghijk\n",
                                 "0123456789abcdef\t", "0123456789abcdef\xc3\xa9"}) {
    const std::string message = complaint(text);
    EXPECT_NE(message.find("at least 16 characters"), std::string::npos) << message;
    EXPECT_EQ(message.find("0123456789"), std::string::npos) << message;
  }
  EXPECT_NE(complaint(std::string(5000, 'x')), "");
  const auto missing = read_token_file("/nowhere/token");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("/nowhere/token"), std::string::npos);
}

TEST(api_access, a_file_that_others_can_read_is_named) {
  const std::string text = "0123456789abcdef\n";
  {
    const token_file file(text);
    EXPECT_EQ(check_api_access({.token_file = file.path()}).value().exposed_file, "");
  }
  const token_file file(text, fs::perms::owner_all | fs::perms::others_read);
  EXPECT_EQ(check_api_access({.token_file = file.path()}).value().exposed_file, file.path());
}

TEST(api_access, is_said_by_flags_and_by_the_configuration_file) {
  const token_file file("0123456789abcdef\n");
  const std::vector<std::string> flags{
      "--bind", "0.0.0.0", "--api-token-file", file.path(), "--api-tls-certificate-key-file", "/etc/api.pem"};
  const auto is_all_there = [](const api_access& api) {
    EXPECT_EQ(api.bind, "0.0.0.0");
    EXPECT_EQ(api.token, "0123456789abcdef");
    EXPECT_EQ(api.tls_certificate_key_file, "/etc/api.pem");
  };
  std::vector<std::string> serve{"--cluster0", "mongodb://a", "--cluster1", "mongodb://b"};
  serve.insert(serve.end(), flags.begin(), flags.end());
  is_all_there(std::get<serve_options>(parse(serve).value().what).api);
  std::vector<std::string> run{"run", "--source", "mongodb://a", "--destination", "mongodb://b"};
  run.insert(run.end(), flags.begin(), flags.end());
  is_all_there(std::get<run_options>(parse(run).value().what).api);

  const fs::path config = fs::temp_directory_path() / (std::to_string(::getpid()) + "-api.yaml");
  std::ofstream(config) << "cluster0: mongodb://a\ncluster1: mongodb://b\nbind: 0.0.0.0\napi-token-file: "
                        << file.path() << "\napi-tls-certificate-key-file: /etc/api.pem\n";
  is_all_there(std::get<serve_options>(parse({"--config", config.string()}).value().what).api);
  fs::remove(config);

  const auto plain = parse({"--cluster0", "mongodb://a", "--cluster1", "mongodb://b"});
  EXPECT_EQ(std::get<serve_options>(plain.value().what).api.bind, "127.0.0.1");
  EXPECT_EQ(std::get<serve_options>(plain.value().what).api.token, "");
}

TEST(api_access, a_client_shows_the_token) {
  const token_file file("0123456789abcdef\n");
  const auto line = parse({"status", "--api-token-file", file.path()});
  EXPECT_EQ(std::get<client_options>(line.value().what).server.token, "0123456789abcdef");
  EXPECT_FALSE(parse({"status", "--api-token-file", "/nowhere"}));
}

}  // namespace
}  // namespace sluice::tools
