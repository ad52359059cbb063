// The failCommand fail point for each command that the engine sends: refused, interrupted, or its connection closed.
// The copy completes all the same, and nothing differs.
#include <gtest/gtest.h>

#include "tests/fault/fault_run.hpp"
#include "tests/lab/oracle.hpp"

namespace sluice::fault {
namespace {

struct failure_kind {
  const char* name;
  const char* data;  // of the fail point, beside the commands
};
constexpr failure_kind kinds[] = {
    {"not_writable_primary", R"("errorCode": 10107)"},
    {"interrupted_by_an_election", R"("errorCode": 11602)"},
    {"host_unreachable", R"("errorCode": 6)"},
    {"connection_closed", R"("closeConnection": true)"},
};

class command_test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source_set = std::make_unique<lab::replica_set>(lab::replica_set_options{.name = "source"});
    destination_set = std::make_unique<lab::replica_set>(lab::replica_set_options{.name = "destination"});
    lab::client from(source_set->uri());
    std::vector<lab::document> documents;
    for (int i = 0; i < 500; ++i) {
      documents.push_back(lab::document::json(R"({"_id": )" + std::to_string(i) + R"(, "a": "text", "n": 1})"));
    }
    from.insert("shop", "orders", documents);
    from.run("shop", R"({"createIndexes": "orders", "indexes": [{"key": {"a": 1, "_id": 1}, "name": "a_1"}]})");
    from.run("shop", R"({"create": "log", "capped": true, "size": 100000})");
    from.insert("shop", "log", documents);
    from.run("shop", R"({"create": "cheap", "viewOn": "orders", "pipeline": [{"$match": {"n": 1}}]})");
  }
  static void TearDownTestSuite() {
    source_set.reset();
    destination_set.reset();
  }

  void copy_with(lab::mongod_process& node, const std::string& command, const std::string& data, int times) {
    SCOPED_TRACE(command + " " + data + " times " + std::to_string(times));
    {
      lab::client to(destination_set->uri());
      lab::drop_user_data(to);
      to.run("__mdb_internal_sluice", R"({"dropDatabase": 1})");
    }
    captured_log log;
    fail_command fault(node, R"({"times": )" + std::to_string(times) + "}",
                       R"({"failCommands": [")" + command + R"("], "appName": "sluice-fault", )" + data + "}");
    const auto outcome = copy(
        settings_for(source_set->uri() + "&appName=sluice-fault", destination_set->uri() + "&appName=sluice-fault"));
    EXPECT_GE(fault.hits(), times) << "the engine does not send this command so often";
    expect_success(outcome, log);
    expect_equal(source_set->uri(), destination_set->uri());
  }

  static std::unique_ptr<lab::replica_set> source_set;
  static std::unique_ptr<lab::replica_set> destination_set;
};
std::unique_ptr<lab::replica_set> command_test::source_set;
std::unique_ptr<lab::replica_set> command_test::destination_set;

TEST_F(command_test, of_the_destination) {
  for (const char* command :
       {"hello", "buildInfo", "getParameter", "replSetGetConfig", "connectionStatus", "find", "findAndModify", "update",
        "delete", "listDatabases", "create", "insert", "collMod", "createIndexes", "drop"}) {
    for (const failure_kind& kind : kinds) copy_with(destination_set->node(0), command, kind.data, 1);
  }
}

// The first insert is the checkpoint's; these are the ones that bring data.
TEST_F(command_test, of_the_data) {
  for (const failure_kind& kind : kinds) {
    const std::string data = R"("namespace": "shop.orders", )" + std::string(kind.data);
    copy_with(destination_set->node(0), "insert", data, 1);
    copy_with(destination_set->node(0), "insert", data, 2);
  }
}

TEST_F(command_test, of_the_source) {
  for (const char* command : {"hello", "buildInfo", "getParameter", "replSetGetConfig", "connectionStatus", "find",
                              "listDatabases", "listCollections", "listIndexes"}) {
    for (const failure_kind& kind : kinds) copy_with(source_set->node(0), command, kind.data, 1);
  }
}

TEST_F(command_test, twice_in_a_row) {
  for (const char* command : {"insert", "update", "findAndModify", "create"}) {
    copy_with(destination_set->node(0), command, R"("errorCode": 11602)", 2);
    copy_with(destination_set->node(0), command, R"("closeConnection": true)", 2);
  }
}

// The write is done, but no majority has it when the primary loses its role.
TEST_F(command_test, write_concern_errors) {
  for (const char* command : {"update", "findAndModify", "create", "collMod", "createIndexes", "drop"}) {
    copy_with(destination_set->node(0), command,
              R"("writeConcernError": {"code": 189, "errmsg": "Primary stepped down while waiting for replication"})",
              1);
  }
}

}  // namespace
}  // namespace sluice::fault
