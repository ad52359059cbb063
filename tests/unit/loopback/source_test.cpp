// What the engine asks of a source and drivers do not: exhaust cursors, resume tokens, RecordIds, samples.
#include <cstring>

#include <gtest/gtest.h>

#include "perf/blocking_client.hpp"
#include "tests/loopback/server.hpp"

namespace sluice::loopback {
namespace {

using perf::blocking_client;

class loopback_source : public testing::Test {
 protected:
  server served_{{.data = {.collections = 1, .documents = 1000, .document_bytes = 400}}};
  blocking_client client_ = blocking_client::connect_to_primary(served_.uri());

  bson::builder find() {
    bson::builder command;
    command.append("find", "docs").open_document("hint").append("$natural", 1).close();
    command.append("$_requestResumeToken", true);
    return command;
  }
  static std::int64_t count(bson::document_view reply, std::string_view array) {
    const auto documents = reply.at("cursor", array).as_array().value();
    return std::distance(documents.begin(), documents.end());
  }
  static std::int64_t token(bson::document_view reply) {
    return reply.at("cursor", "postBatchResumeToken", "$recordId").as_int64().value();
  }
};

TEST_F(loopback_source, streams_a_cursor_without_being_asked_again) {
  bson::builder command = find();
  const auto opened = client_.run("load", command.append("batchSize", 0).finish());
  EXPECT_EQ(count(opened.body, "firstBatch"), 0);
  bson::builder more;
  more.append("getMore", opened.body.at("cursor", "id").as_int64().value()).append("collection", "docs");
  more.append("batchSize", 300);
  client_.send("load", more.finish(), true);
  std::vector<std::int64_t> tokens;
  std::uint64_t index = 0;
  std::int32_t previous = 0;
  while (true) {
    const auto reply = client_.receive();
    if (previous != 0) {
      EXPECT_EQ(reply.response_to, previous);
    }
    previous = reply.id;
    tokens.push_back(token(reply.body));
    for (const auto element : reply.body.at("cursor", "nextBatch").as_array().value_or(bson::document_view())) {
      const auto bytes = element.as_document()->bytes();
      const auto expected = served_.data().document_at(0, index++);
      ASSERT_EQ(bytes.size(), 400U);
      ASSERT_EQ(std::memcmp(bytes.data(), expected.bytes().data(), bytes.size()), 0);
    }
    if (reply.more_to_come) continue;
    EXPECT_EQ(reply.body.at("cursor", "id").as_int64(), 0);
    break;
  }
  EXPECT_EQ(index, 1000U);
  EXPECT_EQ(tokens, (std::vector<std::int64_t>{300, 600, 900, 1000}));
}

TEST_F(loopback_source, resumes_behind_a_record) {
  bson::builder command = find();
  command.open_document("$_resumeAfter").append("$recordId", std::int64_t{990}).close();
  const auto reply = client_.run("load", command.finish());
  EXPECT_EQ(count(reply.body, "firstBatch"), 10);
  const auto first = (*reply.body.at("cursor", "firstBatch").as_array()->begin()).as_document().value();
  EXPECT_EQ(served_.data().index_of(first.find("_id")), 990U);

  bson::builder beyond = find();
  beyond.open_document("$_resumeAfter").append("$recordId", std::int64_t{1001}).close();
  EXPECT_THROW(client_.run("load", beyond.finish()), perf::server_failure);
}

TEST_F(loopback_source, gives_record_ids_of_sampled_documents) {
  bson::builder aggregate;
  aggregate.append("aggregate", "docs").open_array("pipeline");
  aggregate.open_document("0").open_document("$sample").append("size", 5).close().close();
  aggregate.open_document("1").open_document("$project").append("_id", 1).close().close().close();
  aggregate.open_document("cursor").close();
  const auto sampled = client_.run("load", aggregate.finish());
  ASSERT_EQ(count(sampled.body, "firstBatch"), 5);

  bson::builder command;
  command.append("find", "docs").open_document("filter").open_document("_id").open_array("$in");
  for (const auto element : sampled.body.at("cursor", "firstBatch").as_array().value_or(bson::document_view())) {
    command.push(element.as_document()->find("_id"));
  }
  command.close().close().close().open_document("projection").append("_id", 1).close().append("showRecordId", true);
  const auto records = client_.run("load", command.finish());
  EXPECT_GT(count(records.body, "firstBatch"), 0);
  for (const auto element : records.body.at("cursor", "firstBatch").as_array().value_or(bson::document_view())) {
    const auto document = element.as_document().value();
    const auto index = served_.data().index_of(document.find("_id"));
    EXPECT_EQ(document.find("$recordId").as_int64(), static_cast<std::int64_t>(index.value()) + 1);
  }
}

TEST_F(loopback_source, scans_a_range_of_ids) {
  bson::builder command;
  command.append("find", "docs").append("batchSize", 1000).open_document("filter").open_document("_id");
  command.append("$gte", (*served_.data().id_at(100).view().begin()).as_object_id().value());
  command.append("$lt", (*served_.data().id_at(175).view().begin()).as_object_id().value());
  const auto reply = client_.run("load", command.close().close().finish());
  EXPECT_EQ(count(reply.body, "firstBatch"), 75);
}

TEST(loopback_data_set, is_the_same_for_the_same_seed) {
  const data_set one({.collections = 1, .documents = 10, .seed = 5});
  const data_set same({.collections = 1, .documents = 10, .seed = 5});
  const data_set other({.collections = 1, .documents = 10, .seed = 6});
  const auto bytes = [](const data_set& data) {
    const auto document = data.document_at(0, 3);
    return std::vector<std::byte>(document.bytes().begin(), document.bytes().end());
  };
  EXPECT_EQ(bytes(one), bytes(same));
  EXPECT_NE(bytes(one), bytes(other));
}

TEST(loopback_data_set, never_ends_when_endless) {
  const server served(
      {.data = {.collections = 1, .documents = 10, .document_bytes = 64, .endless = true, .same_ids = true}});
  auto client = blocking_client::connect_to_primary(served.uri());
  bson::builder find;
  const auto opened = client.run("load", find.append("find", "docs").append("batchSize", 100'000).finish());
  const auto id = opened.body.at("cursor", "id").as_int64().value();
  ASSERT_NE(id, 0);
  bson::builder more;
  const auto next = client.run("load", more.append("getMore", id).append("collection", "docs").finish());
  EXPECT_EQ(next.body.at("cursor", "id").as_int64(), id);
}

}  // namespace
}  // namespace sluice::loopback
