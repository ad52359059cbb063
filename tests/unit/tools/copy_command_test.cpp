// `sluice copy` around a session that does what the test says: exit codes, signals, the summary.
#include "tools/copy_command.hpp"

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "tools/summary.hpp"

namespace sluice::tools {
namespace {

/// Runs until `finish`, or until it is stopped.
class fake_copy {
 public:
  [[nodiscard]] session_calls calls() {
    return {[this](bool) { return last; }, [this] { return start_outcome; }, [this] { return wait(); },
            [this] { finish(failure(error_kind::cancelled, "stopped")); }};
  }
  void finish(result<> how) {
    const std::lock_guard guard(mutex_);
    outcome_ = std::move(how);
    ended_.notify_all();
  }

  session::progress last;
  result<> start_outcome = ok();

 private:
  result<> wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return outcome_.has_value(); });
    return *outcome_;
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<result<>> outcome_;
};

class copy_command : public testing::Test {
 protected:
  void SetUp() override {
    options_.log.format = log_format::json;  // no live display, whatever the tests run on
    options_.log.verbosity = log_level::fatal;
    log_ = log_output::open(options_.log, stderr, "sluice").value();
  }
  exit_code run() { return run_copy(options_, copy_.calls(), signals_, *log_); }

  copy_options options_;
  signal_watch signals_;
  std::unique_ptr<log_output> log_;
  fake_copy copy_;
};

TEST_F(copy_command, success_is_zero_and_leaves_a_summary) {
  const auto path = std::filesystem::temp_directory_path() / ("summary-" + std::to_string(::getpid()));
  options_.summary_json = path.string();
  copy_.last.documents_copied = 3;
  copy_.last.bytes_copied = 400;
  copy_.last.collections_copied = 2;
  copy_.last.indexes_built = 5;
  copy_.last.duplicates_skipped = 1;
  copy_.finish(ok());
  EXPECT_EQ(run(), exit_code::everything_is_there);
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::filesystem::remove(path);
  const boost::json::object summary = boost::json::parse(text.str()).as_object();
  EXPECT_EQ(summary.at("documents"), boost::json::value(3));
  EXPECT_EQ(summary.at("bytes"), boost::json::value(400));
  EXPECT_EQ(summary.at("collections"), boost::json::value(2));
  EXPECT_EQ(summary.at("indexes"), boost::json::value(5));
  EXPECT_EQ(summary.at("duplicates_skipped"), boost::json::value(1));
  for (const char* name : {"seconds", "cpu_user_seconds", "cpu_system_seconds"}) {
    EXPECT_TRUE(summary.at(name).is_double()) << name;
  }
  EXPECT_GT(summary.at("peak_memory_bytes").as_int64(), 1'000'000);
}

TEST_F(copy_command, a_summary_that_cannot_be_written_is_refused_before_anything_starts) {
  options_.summary_json = "/nonexistent/summary.json";
  EXPECT_EQ(run(), exit_code::refused);  // with a copy that would never end
}

TEST_F(copy_command, a_refusal_before_the_first_write_has_its_own_code) {
  copy_.finish(failure(error_kind::refused, "namespaces exist"));
  EXPECT_EQ(run(), exit_code::refused);
  copy_.last.destination_written = true;
  EXPECT_EQ(run(), exit_code::failed);
}

TEST_F(copy_command, a_failure_is_one) {
  copy_.finish(failure(error_kind::network, "gone"));
  EXPECT_EQ(run(), exit_code::failed);
}

TEST_F(copy_command, a_start_that_is_refused_ends_at_once) {
  copy_.start_outcome = failure(error_kind::refused, "no");
  EXPECT_EQ(run(), exit_code::refused);
}

TEST_F(copy_command, an_interrupt_stops_the_copy_in_order) {
  for (const int signal : {SIGINT, SIGTERM}) {
    fake_copy copy;
    ::kill(::getpid(), signal);  // blocked and kept for the one who waits
    EXPECT_EQ(run_copy(options_, copy.calls(), signals_, *log_), exit_code::interrupted);
  }
}

TEST_F(copy_command, a_copy_that_ends_well_all_the_same_is_complete) {
  EXPECT_EQ(exit_code_of(ok(), true, true), exit_code::everything_is_there);
}

TEST(copy_command_death, the_second_interrupt_ends_the_process) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        signal_watch signals;
        copy_options options;
        options.log.format = log_format::json;
        options.log.verbosity = log_level::fatal;
        auto log_to = log_output::open(options.log, stderr, "sluice").value();
        fake_copy copy;
        session_calls calls = copy.calls();
        calls.stop = [] { ::kill(::getpid(), SIGTERM); };  // deaf, and interrupted again
        ::kill(::getpid(), SIGINT);
        static_cast<void>(run_copy(options, calls, signals, *log_to));
      },
      testing::ExitedWithCode(130), "");
}

TEST(copy_summary, the_table_names_every_number) {
  copy_summary summary;
  summary.documents = 1'000'000;
  summary.bytes = 2'000'000'000;
  summary.seconds = 4;
  const std::string table = summary_table(summary);
  for (const char* text : {"1,000,000", "2.000", "4.00", "0.500", "peak memory", "collections", "indexes"}) {
    EXPECT_NE(table.find(text), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace sluice::tools
