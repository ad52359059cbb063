// The program as a service manager hears it: a datagram socket listens as systemd's does.
#include "tools/service_notice.hpp"

#include <atomic>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/runtime/lane.hpp"
#include "tests/unit/tools/notify_listener.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;

service_manager_wishes wishes_of(const std::map<std::string, std::string>& set, pid_t own = 7) {
  return read_wishes(
      [&set](const char* name) {
        const auto found = set.find(name);
        return found == set.end() ? std::nullopt : std::optional(found->second);
      },
      own);
}

TEST(service_manager, its_wishes_are_read_from_the_environment) {
  EXPECT_EQ(wishes_of({}).socket, "");
  const auto both = wishes_of({{"NOTIFY_SOCKET", "/run/n"}, {"WATCHDOG_USEC", "3000000"}});
  EXPECT_EQ(both.socket, "/run/n");
  EXPECT_EQ(both.watchdog, 3s);
  EXPECT_EQ(wishes_of({{"WATCHDOG_USEC", "3000000"}}).watchdog, std::nullopt) << "nobody would hear it";
  EXPECT_EQ(wishes_of({{"NOTIFY_SOCKET", "/run/n"}, {"WATCHDOG_USEC", "1s"}}).watchdog, std::nullopt);
  EXPECT_EQ(wishes_of({{"NOTIFY_SOCKET", "/run/n"}, {"WATCHDOG_USEC", "0"}}).watchdog, std::nullopt);
}

TEST(service_manager, a_watchdog_of_another_process_is_not_ours) {
  const std::map<std::string, std::string> set{
      {"NOTIFY_SOCKET", "/run/n"}, {"WATCHDOG_USEC", "3000000"}, {"WATCHDOG_PID", "7"}};
  EXPECT_EQ(wishes_of(set, 7).watchdog, 3s);
  EXPECT_EQ(wishes_of(set, 8).watchdog, std::nullopt);
}

using test::notify_listener;

std::string a_path() {
  return (std::filesystem::temp_directory_path() / ("sluice-notify-" + std::to_string(::getpid()))).string();
}

session::progress copying(std::int64_t copied) {
  session::progress now;
  now.now = session::state::running;
  now.at = session::phase::collection_copy;
  now.bytes_total = 2'000'000'000;
  now.bytes_copied = copied;
  return now;
}

TEST(service_manager, hears_by_a_path_and_by_an_abstract_name) {
  for (const std::string& name : {a_path(), "@sluice-notify-" + std::to_string(::getpid())}) {
    notify_listener systemd(name);
    service_manager(name).tell("READY=1");
    EXPECT_EQ(systemd.next(), "READY=1") << name;
  }
}

TEST(service_manager, one_that_is_not_there_is_no_fault) {
  service_manager("/nowhere/at/all").tell("READY=1");
  service_manager("vsock:2:1234").tell("READY=1");
  service_manager("/" + std::string(200, 'x')).tell("READY=1");
  service_notice nobody({}, [] { return session::progress{}; });
  nobody.stopping();
}

TEST(service_notice, says_what_the_run_does) {
  EXPECT_EQ(service_status(session::progress{}), "INITIALIZING");
  EXPECT_EQ(service_status(copying(500'000'000)), "RUNNING: collection copy, 25 % of 2.00 GB");
  session::progress filtered = copying(500'000'000);
  filtered.totals_unknown = true;
  EXPECT_EQ(service_status(filtered), "RUNNING: collection copy, 500 MB");
  session::progress following;
  following.now = session::state::paused;
  following.at = session::phase::change_application;
  EXPECT_EQ(service_status(following), "PAUSED: change event application");
  following.follow.lag_seconds = 3;
  EXPECT_EQ(service_status(following), "PAUSED: change event application, 3 s behind");
}

TEST(service_notice, a_failure_is_one_line_without_a_password) {
  session::progress failed;
  failed.now = session::state::failed;
  failed.failure = failure(error_kind::network, "no way\nto mongodb://al:hunter2@h/");
  EXPECT_EQ(service_status(failed), "FAILED: no way?to mongodb://al:***@h/");
}

TEST(service_notice, ready_at_once_a_new_state_soon_and_stopping_once) {
  notify_listener systemd(a_path());
  std::mutex mutex;
  session::progress now = copying(0);
  {
    service_notice notice({.socket = systemd.name()}, [&] {
      const std::scoped_lock lock(mutex);
      return now;
    });
    EXPECT_EQ(systemd.next(), "READY=1\nSTATUS=RUNNING: collection copy, 0 % of 2.00 GB");
    {
      const std::scoped_lock lock(mutex);
      now.now = session::state::paused;
    }
    EXPECT_EQ(systemd.next(), "STATUS=PAUSED: collection copy, 0 % of 2.00 GB");
    notice.stopping();
  }
  EXPECT_EQ(systemd.next(), "STOPPING=1");
  service_manager(systemd.name()).tell("the last one");
  EXPECT_EQ(systemd.next(), "the last one");
}

TEST(service_notice, figures_alone_are_told_every_few_seconds) {
  notify_listener systemd(a_path());
  std::atomic<std::int64_t> calls{0};
  service_notice notice({.socket = systemd.name()}, [&] { return copying(++calls * 100'000'000); });
  EXPECT_EQ(systemd.next(), "READY=1\nSTATUS=RUNNING: collection copy, 5 % of 2.00 GB");
  const std::string second = systemd.next();
  EXPECT_TRUE(second.starts_with("STATUS=RUNNING: collection copy, ")) << second;
  EXPECT_GE(calls, 4) << "the second message came at once: " << second;
}

// With a sign of life a second, looks and beats may fall together for minutes.
TEST(service_notice, a_new_state_is_told_while_a_lane_has_not_answered_yet) {
  notify_listener systemd(a_path());
  runtime::lane slow("slow");
  slow.start();
  std::promise<void> release;
  boost::asio::post(slow.context(), [waits = release.get_future().share()] { waits.wait(); });
  std::atomic<bool> copies{false};
  {
    service_notice notice({.socket = systemd.name(), .watchdog = 1h},
                          [&] { return copies ? copying(0) : session::progress{}; });
    EXPECT_TRUE(systemd.hears("READY=1"));
    copies = true;
    EXPECT_TRUE(systemd.hears("STATUS=RUNNING"));
  }
  release.set_value();
}

TEST(service_notice, a_lane_that_hangs_ends_the_signs_of_life) {
  notify_listener systemd(a_path());
  runtime::lane well("well"), ill("ill");
  well.start();
  ill.start();
  service_notice notice({.socket = systemd.name(), .watchdog = 400ms}, [] { return session::progress{}; });
  EXPECT_EQ(systemd.next(), "READY=1\nSTATUS=INITIALIZING");
  EXPECT_TRUE(systemd.hears("WATCHDOG=1"));
  EXPECT_TRUE(systemd.hears("WATCHDOG=1"));

  std::promise<void> release;
  boost::asio::post(ill.context(), [waits = release.get_future().share()] { waits.wait(); });
  EXPECT_TRUE(systemd.hears("STATUS=hangs: ill"));
  EXPECT_EQ(systemd.next(), "STATUS=hangs: ill") << "a sign of life, or nothing, a whole beat later";
  release.set_value();
  EXPECT_TRUE(systemd.hears_all({"WATCHDOG=1", "STATUS=INITIALIZING"})) << "it turns again";
}

}  // namespace
}  // namespace sluice::tools
