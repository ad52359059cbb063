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
  for (const std::string command : {"hello", "insert", "update", "findAndModify", "create", "dropDatabase"}) {
    for (const char* fault : {":lie:1073741824", ":lie:12", ":garbage", ":truncate", ":cut"}) {
      const std::string planned = command + ":1" + fault;
      SCOPED_TRACE(planned);
      const auto outcome = copy_with(nullptr, planned.c_str());
      expect_clear(outcome, command, destination->port());
    }
  }
}

}  // namespace
}  // namespace sluice::fault
