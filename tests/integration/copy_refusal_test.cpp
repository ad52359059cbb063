// What cannot be copied is refused at once, by name, with the cause and what to do; nothing is written.
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::lab {
namespace {

class copy_refusal : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    replica_set_options options;
    options.name = "source";
    options.server.root = credentials{"root", "s3cret"};
    source_ = new replica_set(options);
    destination_ = new replica_set({.name = "destination"});
    load_lim(source_->uri(), {.documents = 1000});
  }
  static void TearDownTestSuite() {
    delete source_;
    delete destination_;
  }
  /// Fails with `code` within the time limits of the URI, says `words`, and never the password.
  static void expect_refused(const copy_outcome& outcome, const std::string& words) {
    EXPECT_EQ(outcome.status.signal, 0) << outcome.output;
    EXPECT_NE(outcome.status.code, 0);
    EXPECT_NE(outcome.output.find(words), std::string::npos) << outcome.output;
    EXPECT_EQ(outcome.output.find("s3cret"), std::string::npos) << outcome.output;
    client reader = destination_->connect();
    EXPECT_EQ(reader.count("lim", "docs"), 0);
    EXPECT_EQ(reader.count("__mdb_internal_sluice", "run"), 0);
  }
  static std::string address(replica_set& set) { return set.node(0).address(); }

  static replica_set* source_;
  static replica_set* destination_;
};

replica_set* copy_refusal::source_ = nullptr;
replica_set* copy_refusal::destination_ = nullptr;

TEST_F(copy_refusal, a_wrong_password) {
  const std::string uri = source_->uri_as(credentials{"root", "not-s3cret-at-all"});
  const auto begun = std::chrono::steady_clock::now();
  const auto outcome = copy(uri, destination_->uri());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  expect_refused(outcome, address(*source_));
}

TEST_F(copy_refusal, a_host_that_does_not_exist) {
  expect_refused(
      copy("mongodb://no-such-host.invalid/?replicaSet=x&serverSelectionTimeoutMS=1000", destination_->uri()),
      "no-such-host.invalid");
}

TEST_F(copy_refusal, a_port_where_nobody_listens) {
  const std::string port = std::to_string(free_port());
  expect_refused(
      copy("mongodb://127.0.0.1:" + port + "/?replicaSet=x&serverSelectionTimeoutMS=1000", destination_->uri()),
      "127.0.0.1:" + port);
}

TEST_F(copy_refusal, another_set_name) {
  expect_refused(copy("mongodb://root:s3cret@" + address(*source_) + "/?replicaSet=other&serverSelectionTimeoutMS=2000",
                      destination_->uri()),
                 "other");
}

TEST_F(copy_refusal, a_server_that_is_no_replica_set) {
  mongod_process standalone({}, "");
  expect_refused(copy("mongodb://" + standalone.address() + "/?serverSelectionTimeoutMS=2000", destination_->uri()),
                 "--replSet");
}

TEST_F(copy_refusal, one_deployment_as_both_sides) {
  const std::string other_spelling =
      "mongodb://localhost:" + std::to_string(destination_->node(0).port()) + "/?directConnection=true";
  expect_refused(copy(destination_->uri(), other_spelling), "same");
}

TEST_F(copy_refusal, shard_keys_for_a_replica_set) {
  const auto outcome = copy(source_->uri(), destination_->uri(), {"--sharding", R"({"shardingEntries": []})"});
  expect_refused(outcome, "is a replica set: leave it out");
  EXPECT_NE(outcome.output.find("--sharding"), std::string::npos) << outcome.output;
}

TEST_F(copy_refusal, a_destination_that_is_too_old) {
  replica_set_options options;
  options.name = "old";
  options.server.version = "5.0.4";
  replica_set old(options);
  const auto outcome = copy(source_->uri(), old.uri());
  EXPECT_EQ(outcome.status.code, 3) << outcome.output;
  EXPECT_NE(outcome.output.find("5.0"), std::string::npos) << outcome.output;
}

// What a destination may store goes by its feature compatibility version, not by its binary.
TEST_F(copy_refusal, a_destination_that_is_older_than_the_source) {
  client writer = destination_->connect();
  writer.run("admin", R"({"setFeatureCompatibilityVersion": "5.0"})");
  const auto outcome = copy(source_->uri(), destination_->uri());
  writer.run("admin", R"({"setFeatureCompatibilityVersion": "6.0"})");
  EXPECT_EQ(outcome.status.code, 3) << outcome.output;
  expect_refused(outcome, "setFeatureCompatibilityVersion");
  EXPECT_NE(outcome.output.find(address(*destination_)), std::string::npos) << outcome.output;
}

TEST_F(copy_refusal, a_user_who_may_not_read_everything) {
  source_->add_user({"weak", "s3cret-too"}, R"([{"role": "read", "db": "lim"}])");
  expect_refused(copy(source_->uri_as(credentials{"weak", "s3cret-too"}), destination_->uri()), "backup");
}

TEST_F(copy_refusal, namespaces_that_the_destination_already_holds) {
  client writer = destination_->connect();
  writer.insert("lim", "docs", document::json(R"({"_id": 1})"));
  const auto outcome = copy(source_->uri(), destination_->uri());
  EXPECT_EQ(outcome.status.code, 3) << outcome.output;
  EXPECT_NE(outcome.output.find("lim.docs"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("--drop"), std::string::npos) << "what to do: " << outcome.output;
  EXPECT_EQ(writer.count("lim", "docs"), 1);
  EXPECT_EQ(writer.count("__mdb_internal_sluice", "run"), 0);
  writer.run("lim", R"({"drop": "docs"})");
}

TEST_F(copy_refusal, drop_replaces_what_the_destination_holds_and_nothing_else) {
  client writer = destination_->connect();
  writer.insert("lim", "docs", document::json(R"({"_id": 1})"));
  writer.insert("other", "kept", document::json(R"({"_id": 1})"));
  const auto outcome = copy(source_->uri(), destination_->uri(), {"--include", "lim", "--drop"});
  EXPECT_TRUE(outcome.status.success()) << outcome.output;
  EXPECT_EQ(writer.count("lim", "docs"), 1000);
  EXPECT_EQ(writer.count("other", "kept"), 1);
  writer.run("lim", R"({"drop": "docs"})");
}

TEST_F(copy_refusal, drop_gone_drops_what_the_filters_cover_and_the_source_does_not_hold) {
  client writer = destination_->connect();
  for (const char* database : {"store", "lim", "other"}) {
    writer.insert(database, "gone", document::json(R"({"_id": 1})"));
    writer.insert(database, "left_out", document::json(R"({"_id": 1})"));
  }
  writer.run("store", R"({"create": "gone_view", "viewOn": "gone"})");
  EXPECT_EQ(copy(source_->uri(), destination_->uri(), {"--drop-gone"}).status.code, 2) << "it goes with --drop only";
  const auto outcome =
      copy(source_->uri(), destination_->uri(),
           {"--include", "lim", "--exclude", "lim.left_out", "--remap", "lim=store", "--drop", "--drop-gone"});
  EXPECT_TRUE(outcome.status.success()) << outcome.output;
  EXPECT_EQ(writer.count("store", "docs"), 1000);
  const auto left = writer.run("store", R"({"listCollections": 1, "filter": {"name": {"$regex": "^gone"}}})");
  EXPECT_TRUE(left.child("cursor.firstBatch").elements().empty()) << to_text(*left.get());
  EXPECT_EQ(writer.count("store", "left_out"), 1);
  for (const char* database : {"lim", "other"}) EXPECT_EQ(writer.count(database, "gone"), 1) << database;
  for (const char* database : {"store", "lim", "other"}) writer.run(database, R"({"dropDatabase": 1})");
}

TEST_F(copy_refusal, a_document_that_the_destination_will_not_take_is_named_and_the_copy_fails) {
  client writer = destination_->connect();
  writer.run("admin", R"({"configureFailPoint": "failCommand", "mode": "alwaysOn",
      "data": {"failCommands": ["insert"], "namespace": "lim.docs", "errorCode": 8000}})");
  load_lim(source_->uri(), {.documents = 2, .database = "two"});
  const auto outcome = copy(source_->uri(), destination_->uri(), {"--include", "lim"});
  const auto again = copy(source_->uri(), destination_->uri(), {"--include", "lim"});
  writer.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  EXPECT_EQ(outcome.status.code, 1) << outcome.output;
  EXPECT_NE(outcome.output.find("lim.docs"), std::string::npos);
  EXPECT_NE(outcome.output.find("$oid"), std::string::npos) << outcome.output;
  EXPECT_EQ(again.status.code, 1) << "a restart must not forget what is missing: " << again.output;
  EXPECT_NE(again.output.find("$oid"), std::string::npos) << again.output;
  writer.run("__mdb_internal_sluice", R"({"dropDatabase": 1})");
  writer.run("lim", R"({"drop": "docs"})");
}

}  // namespace
}  // namespace sluice::lab
