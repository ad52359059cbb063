// Which replies are errors, what they say, and which are worth another try.
#include "engine/wire/server_error.hpp"

#include <gtest/gtest.h>

#include "bson/document.hpp"

namespace sluice::wire {
namespace {

bson::document failed(std::int32_t code, std::string_view name, std::string_view words) {
  bson::builder reply;
  reply.append("ok", 0.0).append("errmsg", words).append("code", code).append("codeName", name);
  return reply.finish();
}

error server_failure(std::int32_t code) {
  return {.kind = error_kind::server, .message = "", .server_code = code};
}

TEST(server_error, ok_of_every_numeric_type) {
  for (int form = 0; form < 4; ++form) {
    bson::builder reply;
    if (form == 0) reply.append("ok", 1.0);
    if (form == 1) reply.append("ok", 1);
    if (form == 2) reply.append("ok", std::int64_t{1});
    if (form == 3) reply.append("ok", true);
    EXPECT_FALSE(error_of_reply(reply.finish(), "ping", "h:1"));
  }
  EXPECT_TRUE(error_of_reply(bson::document(), "ping", "h:1")) << "a reply without ok is no success";
}

TEST(server_error, names_host_command_words_and_code) {
  const auto e = error_of_reply(failed(26, "NamespaceNotFound", "ns does not exist"), "collMod", "db1:27017");
  ASSERT_TRUE(e);
  EXPECT_EQ(e->kind, error_kind::server);
  EXPECT_EQ(e->server_code, 26);
  EXPECT_EQ(e->server_code_name, "NamespaceNotFound");
  EXPECT_EQ(e->message, "db1:27017: command \"collMod\" failed: ns does not exist (NamespaceNotFound, code 26)");
}

// The server lists up to 8 MB of them.
TEST(server_error, names_some_of_the_documents_that_keep_an_index_from_being_unique) {
  bson::builder reply;
  reply.append("ok", 0.0).append("errmsg", "resolve conflicts").append("code", 359).open_array("violations");
  for (int group = 0; group < 5000; ++group) {
    reply.open_document(reply.next_index()).open_array("ids").push(2 * group).push(std::string("x"));
    reply.close().close();
  }
  const auto e = error_of_reply(reply.close().finish(), "collMod", "h:1");
  EXPECT_NE(e->message.find("; documents with the same key: [0, \"x\"] [2, \"x\"] ["), std::string::npos) << e->message;
  EXPECT_TRUE(e->message.ends_with(" and more"));
  EXPECT_LT(e->message.size(), 2500u);
}

TEST(server_error, missing_parts_leave_a_sentence) {
  bson::builder reply;
  reply.append("ok", 0);
  EXPECT_EQ(error_of_reply(reply.finish(), "x", "h:1")->message,
            "h:1: command \"x\" failed: the server gave no reason");
}

TEST(server_error, write_concern_errors) {
  bson::builder reply;
  reply.append("ok", 1.0).append("n", 1).open_document("writeConcernError");
  reply.append("code", 64).append("codeName", "WriteConcernFailed").append("errmsg", "waiting timed out").close();
  const bson::document whole = reply.finish();
  EXPECT_FALSE(error_of_reply(whole, "insert", "h:1"));
  const auto e = write_concern_error_of_reply(whole, "h:1");
  ASSERT_TRUE(e);
  EXPECT_EQ(e->server_code, write_concern_failed);
  EXPECT_NE(e->message.find("waiting timed out"), std::string::npos);
  bson::builder fine;
  fine.append("ok", 1.0);
  EXPECT_FALSE(write_concern_error_of_reply(fine.finish(), "h:1"));
}

TEST(server_error, what_is_retried) {
  for (const std::int32_t code : {6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436}) {
    EXPECT_TRUE(is_retryable(server_failure(code))) << code;
  }
  for (const std::int32_t code : {0, 13, 18, 26, 43, 48, 59, 85, 121, 11000, 14031, 371}) {
    EXPECT_FALSE(is_retryable(server_failure(code))) << code;
  }
  // Of a mongos, while a shard elects, cannot be reached, or has just got or given something.
  for (const std::int32_t code : {133, 202, 249, 13388}) {
    EXPECT_TRUE(is_retryable(server_failure(code))) << code;
    EXPECT_FALSE(is_not_primary(server_failure(code))) << code;
  }
  EXPECT_TRUE(is_retryable(failure(error_kind::network, "")));
  EXPECT_TRUE(is_retryable(failure(error_kind::timeout, "")));
  for (const auto kind : {error_kind::cancelled, error_kind::authentication, error_kind::protocol,
                          error_kind::configuration, error_kind::refused, error_kind::storage}) {
    EXPECT_FALSE(is_retryable(failure(kind, "")));
  }
}

TEST(server_error, who_is_no_primary) {
  for (const std::int32_t code : {91, 189, 10058, 10107, 11600, 11602, 13435, 13436}) {
    EXPECT_TRUE(is_not_primary(server_failure(code))) << code;
  }
  for (const std::int32_t code : {6, 89, 262, 11000}) EXPECT_FALSE(is_not_primary(server_failure(code))) << code;
  EXPECT_FALSE(is_not_primary(failure(error_kind::network, "")));
}

}  // namespace
}  // namespace sluice::wire
