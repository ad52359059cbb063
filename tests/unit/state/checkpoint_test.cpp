// The checkpoint against a server that fails on demand: whole reads, repeated writes, leases.
#include "engine/state/checkpoint.hpp"

#include <optional>
#include <set>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "engine/wire/server_error.hpp"
#include "tests/loopback/server.hpp"

namespace sluice::state {
namespace {

/// Two batches and a half of what load() asks for.
constexpr std::size_t many = 25'000;

std::vector<bson::document> documents(std::size_t count) {
  std::vector<bson::document> made;
  for (std::size_t i = 0; i < count; ++i) {
    bson::builder one;
    one.append("_id", "shop.orders#" + std::to_string(i)).append("number", static_cast<std::int64_t>(i));
    made.push_back(one.finish());
  }
  return made;
}

class checkpoint_test : public testing::Test {
 protected:
  template <class T>
  T run(task<T> work) {
    std::optional<T> value;
    auto body = [](task<T> todo, std::optional<T>* out) -> task<void> { out->emplace(co_await std::move(todo)); };
    boost::asio::co_spawn(lane_, body(std::move(work), &value), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    lane_.run();
    lane_.restart();
    return std::move(*value);
  }
  template <class T>
  T must(task<result<T>> work) {
    auto done = run(std::move(work));
    if (!done) throw std::runtime_error(done.error().message);
    return std::move(done.value());
  }
  void must(task<result<>> work) {
    auto done = run(std::move(work));
    if (!done) throw std::runtime_error(done.error().message);
  }

  void expect_all(const std::vector<bson::document>& loaded) {
    EXPECT_EQ(loaded.size(), many);
    std::set<std::int64_t> numbers;
    for (const auto& one : loaded) numbers.insert(one.view().find("number").to_int64().value_or(-1));
    EXPECT_EQ(numbers.size(), many);
  }

  std::uint64_t commands(const char* name) const { return server_.commands(name); }

  loopback::server server_{{}};
  boost::asio::io_context lane_;
  runtime::cancel_scope scope_;
  wire::connection_string uri_ = wire::connection_string::parse(server_.uri()).value();
  checkpoint under_test_{[this] { return wire::connection::open(uri_, uri_.hosts().front(), scope_); }, scope_,
                         std::chrono::seconds(20)};
};

TEST_F(checkpoint_test, stores_many_documents_with_few_inserts_and_reads_them_all) {
  must(under_test_.store("partitions", documents(many)));
  EXPECT_EQ(commands("insert"), 3U);
  EXPECT_EQ(commands("update"), 0U);
  expect_all(must(under_test_.load("partitions")));
  must(under_test_.store("partitions", documents(1)));
  EXPECT_EQ(must(under_test_.load("partitions")).size(), 1U) << "store replaces";
}

TEST_F(checkpoint_test, long_ids_are_inserted_in_messages_that_fit) {
  std::vector<bson::document> long_ones;
  for (char c = 'a'; c < 'f'; ++c) {
    bson::builder one;
    one.append("_id", std::string(5'000'000, c));
    long_ones.push_back(one.finish());
  }
  must(under_test_.store("partitions", std::move(long_ones)));
  EXPECT_EQ(commands("insert"), 5U);
  EXPECT_EQ(server_.documents("__mdb_internal_sluice.partitions"), 5U);
}

TEST_F(checkpoint_test, an_insert_whose_reply_is_lost_is_no_failure) {
  server_.inject(loopback::fault::parse("insert:2:cut"));
  must(under_test_.store("partitions", documents(many)));
  EXPECT_EQ(commands("insert"), 4U);
  EXPECT_EQ(server_.documents("__mdb_internal_sluice.partitions"), many);
}

TEST_F(checkpoint_test, reading_begins_anew_when_its_cursor_is_lost) {
  must(under_test_.store("partitions", documents(many)));
  for (const char* fault : {"error:43:CursorNotFound", "error:11602", "cut", "drop", "truncate"}) {
    SCOPED_TRACE(fault);
    const auto before = commands("find");
    server_.inject(loopback::fault::parse("getMore:" + std::to_string(commands("getMore") + 1) + ":" + fault));
    expect_all(must(under_test_.load("partitions")));
    EXPECT_EQ(commands("find"), before + 2);
    server_.clear_faults();
  }
}

TEST_F(checkpoint_test, a_cursor_that_is_lost_every_time_is_an_error) {
  must(under_test_.store("partitions", documents(many)));
  server_.inject(loopback::fault::parse("getMore:*:error:43:CursorNotFound"));
  const auto loaded = run(under_test_.load("partitions"));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().server_code, wire::cursor_not_found);
}

TEST_F(checkpoint_test, a_released_lease_is_free_for_another_process) {
  const process_identity first = this_process();
  process_identity second = first;  // on the same machine, with a pid that is somebody's
  second.token = "another";
  second.pid = 1;
  const run_parameters parameters{"a", "A", "b", "B", {}, {}};
  must(under_test_.open(parameters, first));

  checkpoint other([this] { return wire::connection::open(uri_, uri_.hosts().front(), scope_); }, scope_,
                   std::chrono::seconds(20));
  const auto early = run(other.open(parameters, second));
  ASSERT_FALSE(early) << "the first one holds the lease";
  EXPECT_EQ(early.error().kind, error_kind::refused);

  must(other.release(second));  // not the owner: nothing happens
  EXPECT_FALSE(run(other.open(parameters, second)));
  must(other.release(first));
  must(other.open(parameters, second));
}

}  // namespace
}  // namespace sluice::state
