// Each fault, seen from the client's side of the socket.
#include <chrono>

#include <gtest/gtest.h>

#include "perf/blocking_client.hpp"
#include "tests/loopback/server.hpp"

namespace sluice::loopback {
namespace {

using perf::blocking_client;

bson::document ping() {
  bson::builder command;
  return command.append("ping", 1).finish();
}

/// An array of `count` equal documents, as insert takes it.
bson::document array_of(std::int32_t count) {
  bson::builder array;
  bson::builder document;
  const bson::document one = document.append("text", std::string(1000, 'x')).finish();
  for (std::int32_t i = 0; i < count; ++i) array.append(std::to_string(i), one);
  return array.finish();
}

TEST(loopback_fault, is_parsed_from_text) {
  const auto cut = fault::parse("getMore:17:cut");
  EXPECT_EQ(cut.command, "getMore");
  EXPECT_EQ(cut.nth, 17U);
  EXPECT_EQ(cut.kind, fault_kind::cut);
  const auto error = fault::parse("insert:*:error:10107:NotWritablePrimary");
  EXPECT_EQ(error.nth, 0U);
  EXPECT_EQ(error.code, 10107);
  EXPECT_EQ(error.code_name, "NotWritablePrimary");
  EXPECT_EQ(fault::parse("find:1:delay:250").delay_ms, 250U);
  for (const char* wrong : {"", "getMore", "getMore:17", "getMore:x:cut", "getMore:1:burn", "getMore:1:cut:5"}) {
    EXPECT_THROW(static_cast<void>(fault::parse(wrong)), std::invalid_argument) << wrong;
  }
}

TEST(loopback_fault, cut_runs_the_command_and_drop_does_not) {
  for (const auto& [text, inserted] : {std::pair{"insert:2:cut", 20U}, std::pair{"insert:2:drop", 10U}}) {
    const server served({.faults = {fault::parse(text)}});
    auto client = blocking_client::connect_to_primary(served.uri());
    const bson::document array = array_of(10);
    client.insert("d", "c", array.bytes());
    EXPECT_THROW(client.insert("d", "c", array.bytes()), perf::connection_failure) << text;
    EXPECT_EQ(served.documents("d.c"), inserted) << text;
    auto again = blocking_client::connect_to_primary(served.uri());
    again.insert("d", "c", array.bytes());
    EXPECT_EQ(served.documents("d.c"), inserted + 10) << text;
  }
}

TEST(loopback_fault, spoils_a_reply) {
  for (const char* text : {"ping:1:truncate", "ping:1:lie", "ping:1:lie:12", "ping:1:garbage"}) {
    const server served({.faults = {fault::parse(text)}});
    auto client = blocking_client::connect_to_primary(served.uri());
    EXPECT_THROW(client.run("admin", ping()), perf::connection_failure) << text;
    EXPECT_NO_THROW(blocking_client::connect_to_primary(served.uri()).run("admin", ping())) << text;
  }
}

TEST(loopback_fault, answers_with_an_error_and_does_nothing) {
  server served({});
  auto client = blocking_client::connect_to_primary(served.uri());
  served.inject(fault::parse("insert:*:error:112:WriteConflict"));
  const bson::document array = array_of(1);
  try {
    client.insert("d", "c", array.bytes());
    FAIL() << "the planned error did not come";
  } catch (const perf::server_failure& failure) {
    EXPECT_EQ(failure.code, 112);
  }
  served.clear_faults();
  client.insert("d", "c", array.bytes());
  EXPECT_EQ(served.documents("d.c"), 1U);
}

TEST(loopback_fault, delays_a_reply) {
  const server served({.faults = {fault::parse("ping:1:delay:80")}});
  auto client = blocking_client::connect_to_primary(served.uri());
  const auto begin = std::chrono::steady_clock::now();
  client.run("admin", ping());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(80));
}

TEST(loopback_fault, stalls_until_the_connection_is_closed) {
  server served({.faults = {fault::parse("ping:1:stall")}});
  auto client = blocking_client::connect_to_primary(served.uri());
  client.send("admin", ping());
  while (served.commands("ping") == 0) std::this_thread::yield();
  served.close_all_connections();
  EXPECT_THROW(static_cast<void>(client.receive()), perf::connection_failure);
}

TEST(loopback_trust, counts_documents_that_it_never_read) {
  const server served({.trust_sizes = true});
  auto client = blocking_client::connect_to_primary(served.uri());
  for (const std::int32_t count : {1, 9, 10, 11, 99, 101, 9'999}) {
    const std::uint64_t before = served.documents_inserted();
    const bson::document array = array_of(count);
    client.insert("d", "c", array.bytes());
    EXPECT_EQ(served.documents_inserted() - before, static_cast<std::uint64_t>(count));
  }
  client.run("admin", ping());  // the stream is still in step
}

TEST(loopback_protocol, refuses_an_array_whose_lengths_lie) {
  const server served({});
  auto client = blocking_client::connect_to_primary(served.uri());
  bson::document array = array_of(2000);  // larger than what is validated as a whole
  std::vector<std::byte> bytes(array.bytes().begin(), array.bytes().end());
  const std::size_t first_length = 4 + 3;
  bytes[first_length + 1] = std::byte{0x7F};
  EXPECT_THROW(client.insert("d", "c", bytes), std::runtime_error);
  EXPECT_EQ(served.documents("d.c"), 0U);
}

}  // namespace
}  // namespace sluice::loopback
