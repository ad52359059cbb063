// Servers that lie, send garbage or stop in the middle: the engine says who and during what, and never crashes.
#include <gtest/gtest.h>

#include "tests/fault/fault_run.hpp"
#include "tests/loopback/server.hpp"

namespace sluice::fault {
namespace {

constexpr std::uint64_t documents = 30'000;

class loopback_test : public ::testing::Test {
 protected:
  /// How a copy ends whose source, or destination, has one fault.
  result<> copy_with(const char* source_fault, const char* destination_fault) {
    loopback::server_options from{.set_name = "from", .data = {.collections = 1, .documents = documents}};
    loopback::server_options to{.set_name = "to"};
    if (source_fault != nullptr) from.faults.push_back(loopback::fault::parse(source_fault));
    if (destination_fault != nullptr) to.faults.push_back(loopback::fault::parse(destination_fault));
    source = std::make_unique<loopback::server>(from);
    destination = std::make_unique<loopback::server>(to);
    auto settings = settings_for(source->uri() + "&serverSelectionTimeoutMS=2000&connectTimeoutMS=2000",
                                 destination->uri() + "&serverSelectionTimeoutMS=2000&connectTimeoutMS=2000");
    settings.retry_time = std::chrono::seconds(1);
    return copy(settings);
  }
  /// Complete, or an error that names the server and the command.
  void expect_clear(const result<>& outcome, const std::string& command, std::uint16_t port) {
    if (!outcome.has_error()) {
      EXPECT_GE(destination->documents("load.docs"), documents);
      return;
    }
    EXPECT_NE(outcome.error().kind, error_kind::cancelled);
    const std::string& words = outcome.error().message;
    EXPECT_NE(words.find(std::to_string(port)), std::string::npos) << words;
    EXPECT_NE(words.find(command), std::string::npos) << words;
  }

  captured_log log;
  std::unique_ptr<loopback::server> source;
  std::unique_ptr<loopback::server> destination;
};

TEST_F(loopback_test, no_fault_no_error) {
  expect_success(copy_with(nullptr, nullptr), log);
  EXPECT_EQ(destination->documents("load.docs"), documents);
}

TEST_F(loopback_test, a_destination_far_away_gets_fewer_and_larger_batches) {
  expect_success(copy_with(nullptr, nullptr), log);
  const auto inserts_nearby = destination->commands("insert");
  expect_success(copy_with(nullptr, "ping:*:delay:20"), log);
  EXPECT_EQ(destination->documents("load.docs"), documents);
  EXPECT_GT(inserts_nearby, 2 * destination->commands("insert"));
}

TEST_F(loopback_test, of_the_source) {
  for (const std::string command :
       {"hello", "buildInfo", "connectionStatus", "find", "listCollections", "listIndexes", "getMore"}) {
    for (const char* fault : {":1:lie:1073741824", ":1:lie:12", ":1:lie:-1", ":1:garbage", ":1:truncate", ":1:cut"}) {
      const std::string planned = command + fault;
      SCOPED_TRACE(planned);
      const auto outcome = copy_with(planned.c_str(), nullptr);
      expect_clear(outcome, command, source->port());
    }
  }
}

// What never gets better ends in an error, not in an endless loop.
TEST_F(loopback_test, of_the_source_for_ever) {
  for (const std::string command : {"find", "listIndexes", "getMore"}) {
    for (const char* fault : {":*:garbage", ":*:truncate"}) {
      const std::string planned = command + fault;
      SCOPED_TRACE(planned);
      const auto outcome = copy_with(planned.c_str(), nullptr);
      EXPECT_TRUE(outcome.has_error());
      expect_clear(outcome, command, source->port());
    }
  }
}

TEST_F(loopback_test, of_the_destination) {
  // The first insert is the checkpoint's, the second one brings data.
  for (const std::string nth :
       {"hello:1", "insert:1", "insert:2", "update:1", "findAndModify:1", "create:1", "dropDatabase:1"}) {
    for (const char* fault : {":lie:1073741824", ":lie:12", ":garbage", ":truncate", ":cut"}) {
      const std::string planned = nth + fault;
      SCOPED_TRACE(planned);
      const auto outcome = copy_with(nullptr, planned.c_str());
      expect_clear(outcome, nth.substr(0, nth.find(':')), destination->port());
    }
  }
}

// A process that serves lives on after its run has failed: the next start must not wait for the end of its lease.
class lease_test : public ::testing::Test {
 protected:
  /// A run that is still there when it has ended; the second insert is the first that brings data.
  void begin(const std::string& second_insert) {
    destination.inject(loopback::fault::parse("insert:2:" + second_insert));
    auto settings = settings_for(source.uri(), destination.uri());
    settings.retry_time = std::chrono::seconds(1);
    run = std::make_unique<running_copy>(settings);
  }
  [[nodiscard]] bool is_owned() const {
    const auto runs = destination.stored("__mdb_internal_sluice.run");
    return runs.size() == 1 && runs.front().view().find("owner");
  }
  [[nodiscard]] bool is_known() const { return destination.stored("__mdb_internal_sluice.run").size() == 1; }

  captured_log log;
  loopback::server source{{.set_name = "from", .data = {.collections = 1, .documents = 100}}};
  loopback::server destination{{.set_name = "to"}};
  std::unique_ptr<running_copy> run;
};

TEST_F(lease_test, is_given_up_by_a_run_that_failed) {
  begin("error:13:Unauthorized");
  const auto outcome = run->wait();
  ASSERT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().server_code, 13) << outcome.error().message;
  EXPECT_TRUE(is_known());
  EXPECT_FALSE(is_owned()) << log.tail();
}

TEST_F(lease_test, is_given_up_by_a_run_that_was_stopped) {
  begin("stall");
  ASSERT_TRUE(lab::eventually([&] { return destination.commands("insert") == 2; }, std::chrono::seconds(20)))
      << log.tail();
  EXPECT_TRUE(is_owned());
  const auto outcome = run->wait(std::chrono::seconds(0));  // stops it
  EXPECT_TRUE(outcome.has_error());
  EXPECT_TRUE(is_known());
  EXPECT_FALSE(is_owned()) << log.tail();
}

TEST_F(lease_test, that_cannot_be_given_up_does_not_hide_why_the_run_failed) {
  begin("error:13:Unauthorized");
  const auto first = run->wait();
  // A run of the same kind sends as many updates; the last of them ends the lease.
  const auto updates = destination.commands("update");
  run.reset();
  loopback::server another{{.set_name = "to"}};
  another.inject(loopback::fault::parse("insert:2:error:13:Unauthorized"));
  another.inject(loopback::fault::parse("update:" + std::to_string(updates) + ":error:8000:AtlasError"));
  const auto outcome = copy(settings_for(source.uri(), another.uri()));
  ASSERT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().server_code, 13) << outcome.error().message;
  EXPECT_EQ(another.commands("update"), updates);
  EXPECT_EQ(log.count("The lease could not be given up"), 1U) << log.tail();
}

}  // namespace
}  // namespace sluice::fault
