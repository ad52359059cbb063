// The program as a service: what its manager hears, from the first request that it answers to its end. A datagram
// socket plays systemd.
#include <array>
#include <csignal>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/mongod_process.hpp"
#include "tests/unit/http/raw_client.hpp"
#include "tests/unit/tools/notify_listener.hpp"

namespace sluice::lab {
namespace {

using http::test::raw_client;
using std::chrono::seconds;
using tools::test::notify_listener;

// Nobody is there: only what the manager hears is of interest.
constexpr const char* nobody = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=2000";
constexpr const char* nobody_else = "mongodb://127.0.0.1:2/?serverSelectionTimeoutMS=100";
constexpr const char* nobody_yet = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=60000";  // looked for all the while

class service : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> serving() const {
    return {"--cluster0", nobody, "--cluster1", nobody_else, "--port", std::to_string(port_)};
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> under_systemd(std::string watchdog) const {
    return {{"NOTIFY_SOCKET", systemd_.name()}, {"WATCHDOG_USEC", std::move(watchdog)}};
  }
  bool answers() const {
    raw_client client(port_);
    client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.read_reply().status == 200;
  }

  const std::uint16_t port_ = free_port();
  notify_listener systemd_{"@sluice-service-" + std::to_string(::getpid())};
};

TEST_F(service, is_ready_when_it_answers_lives_and_says_that_it_stops) {
  sluice_program program(serving(), under_systemd("400000"));
  const std::string first = systemd_.next();
  EXPECT_TRUE(first.starts_with("READY=1\nSTATUS=I")) << first << program.output();
  EXPECT_TRUE(answers()) << program.output();
  EXPECT_TRUE(systemd_.hears_all({"WATCHDOG=1", "STATUS=IDLE"})) << "it has found no run to go on with";
  EXPECT_TRUE(systemd_.hears("WATCHDOG=1"));
  program.process().signal(SIGTERM);
  EXPECT_TRUE(systemd_.hears("STOPPING=1"));
  EXPECT_EQ(program.wait(seconds(30)).code, 0) << program.output();
}

TEST_F(service, a_run_in_the_foreground_does_the_same) {
  sluice_program program({"run", "--source", nobody_yet, "--destination", nobody_else, "--port", std::to_string(port_)},
                         under_systemd("400000"));
  EXPECT_TRUE(systemd_.next().starts_with("READY=1\nSTATUS=I")) << program.output();
  EXPECT_TRUE(answers()) << program.output();
  EXPECT_TRUE(systemd_.hears("STATUS=RUNNING"));
  EXPECT_TRUE(systemd_.hears("WATCHDOG=1"));
  program.process().signal(SIGTERM);
  EXPECT_TRUE(systemd_.hears("STOPPING=1"));
  EXPECT_EQ(program.wait(seconds(30)).signal, 0) << program.output();
}

/// A log that nobody reads: a pipe, which holds a page. Whoever writes to it waits when it is full.
class stuck_log {
 public:
  stuck_log() : path_(lab_directory() / ("stuck-" + std::to_string(::getpid()))) {
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    fd_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    EXPECT_GT(::fcntl(fd_, F_SETPIPE_SZ, 4096), 0);
  }
  ~stuck_log() {
    reading_ = {};
    ::close(fd_);
    std::filesystem::remove(path_);
  }
  stuck_log(const stuck_log&) = delete;
  stuck_log& operator=(const stuck_log&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void read_from_now_on() {
    reading_ = std::jthread([this](const std::stop_token& enough) {
      std::array<char, 4096> bytes{};
      while (!enough.stop_requested()) {
        pollfd ready{fd_, POLLIN, 0};
        if (::poll(&ready, 1, 100) > 0) static_cast<void>(::read(fd_, bytes.data(), bytes.size()));
      }
    });
  }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  std::jthread reading_;
};

// The lane of the HTTP API logs each answer, so it hangs as soon as the log does.
TEST_F(service, a_lane_that_hangs_ends_the_signs_of_life_until_it_turns_again) {
  stuck_log log;
  child_process::options how;
  how.command = serving();
  how.command.insert(how.command.begin(), SLUICE_BINARY);
  how.command.insert(how.command.end(), {"--verbosity", "DEBUG"});
  how.output = log.path();
  how.environment = under_systemd("400000");
  child_process program(how);
  ASSERT_TRUE(systemd_.hears("STATUS=IDLE"))
      << "whoever looks for an earlier run logs, too, as long as nobody is there";

  raw_client client(port_);
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::string requests;
  for (int each = 0; each < 100; ++each) requests += request;
  ASSERT_TRUE(client.send(requests));
  std::string message = systemd_.next();
  while (message.find("hangs: ") == std::string::npos && !message.empty()) message = systemd_.next();
  EXPECT_EQ(message, "STATUS=hangs: sluice-http");

  log.read_from_now_on();
  EXPECT_TRUE(systemd_.hears("WATCHDOG=1"));
  EXPECT_EQ(client.read_reply().status, 200);
}

}  // namespace
}  // namespace sluice::lab
