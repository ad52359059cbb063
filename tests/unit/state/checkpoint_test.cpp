// The checkpoint against a server that fails on demand: whole reads, repeated writes, leases.
#include "engine/state/checkpoint.hpp"

#include <algorithm>
#include <set>

#include <boost/asio/detached.hpp>

#include "bson/compare.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/wire/server_error.hpp"
#include "tests/unit/state/checkpoint_fixture.hpp"

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

class checkpoint_test : public checkpoint_fixture {
 protected:
  void expect_all(const std::vector<bson::document>& loaded) {
    EXPECT_EQ(loaded.size(), many);
    std::set<std::int64_t> numbers;
    for (const auto& one : loaded) numbers.insert(one.view().find("number").to_int64().value_or(-1));
    EXPECT_EQ(numbers.size(), many);
  }
  /// The whole document of the run.
  bson::document stored_run() {
    auto runs = server_.stored("__mdb_internal_sluice.run");
    return runs.empty() ? bson::document() : std::move(runs.front());
  }

  std::unique_ptr<checkpoint> owned_ = another();
  checkpoint& under_test_ = *owned_;
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

TEST_F(checkpoint_test, a_write_that_is_refused_for_now_is_sent_again) {
  server_.inject(loopback::fault::parse(nth("insert", 1, "error:11602")));
  must(under_test_.store("partitions", documents(3)));
  EXPECT_EQ(server_.documents("__mdb_internal_sluice.partitions"), 3U);
}

TEST_F(checkpoint_test, a_released_lease_is_free_for_another_process) {
  must(under_test_.open(parameters(), process("first")));
  EXPECT_TRUE(under_test_.lease_is_fresh());
  const auto other = another();
  EXPECT_NE(refusal(other->open(parameters(), neighbour("second"))).find("is being run by process"), std::string::npos);

  must(other->release(neighbour("second")));  // not the owner: nothing happens
  refusal(other->open(parameters(), neighbour("second")));
  EXPECT_FALSE(other->lease_is_fresh());
  must(under_test_.release(process("first")));
  EXPECT_FALSE(under_test_.lease_is_fresh());
  must(other->open(parameters(), neighbour("second")));
}

TEST_F(checkpoint_test, a_lease_that_was_taken_with_a_lost_reply_is_ours) {
  for (const char* what : {"cut", "drop", "truncate"}) {
    SCOPED_TRACE(what);
    server_.inject(loopback::fault::parse(nth("findAndModify", 1, what)));
    must(under_test_.open(parameters(), process("first")));
    must(under_test_.renew(1));
    must(under_test_.release(process("first")));
    server_.clear_faults();
  }
}

TEST_F(checkpoint_test, the_term_is_told_by_the_opening) {
  const auto first = must(under_test_.open(parameters(), process("first")));
  EXPECT_TRUE(first.term.known());
  elect();
  const auto second = must(another()->open(parameters(), process("second")));
  EXPECT_TRUE(second.term.known());
  EXPECT_NE(first.term, second.term);
}

TEST_F(checkpoint_test, the_phase_is_read_when_the_run_is_ours) {
  const auto slow = another(std::chrono::seconds(20), std::chrono::milliseconds(300));
  must(slow->open(parameters(), process("first")));
  // The second process has looked at the run and waits for the lease; meanwhile the run goes on.
  process_identity far = neighbour("second");
  far.machine = "another machine";
  const auto waiting = another(std::chrono::seconds(20), std::chrono::milliseconds(300));
  const auto wait_and_go_on = [&]() -> task<void> {
    const bool slept = co_await runtime::sleep_for(std::chrono::milliseconds(100), scope_);
    EXPECT_TRUE(slept);
    auto moved = co_await slow->set_phase(run_phase::copying);
    EXPECT_TRUE(moved) << moved.error().message;
  };
  boost::asio::co_spawn(lane_, wait_and_go_on, boost::asio::detached);
  const auto opened = must(waiting->open(parameters(), far));
  EXPECT_EQ(opened.phase, run_phase::copying);
  EXPECT_FALSE(opened.fresh);
}

TEST_F(checkpoint_test, who_lost_the_run_changes_nothing_of_it) {
  must(under_test_.open(parameters("sync"), process("first")));
  must(under_test_.set_phase(run_phase::copying));
  const auto other = another();
  must(other->open(parameters("sync"), process("second")));  // the first one's process is "gone": it is this one
  const auto before = stored_run();
  bson::builder fact;
  fact.append("t", 1);
  EXPECT_NE(refusal(under_test_.set_phase(run_phase::completed)).find("taken over"), std::string::npos);
  EXPECT_FALSE(under_test_.lease_is_fresh());
  refusal(under_test_.set_wish("commit"));
  refusal(under_test_.set_facts(fact.finish()));
  refusal(under_test_.renew(7));
  EXPECT_EQ(under_test_.phase(), run_phase::copying);
  EXPECT_TRUE(bson::same_bytes(before, stored_run()));
}

TEST_F(checkpoint_test, wishes_and_facts_come_back) {
  must(under_test_.open(parameters("sync"), process("first")));
  must(under_test_.set_wish("pause"));
  EXPECT_NE(refusal(under_test_.set_wish("sleep")).find("sleep"), std::string::npos);
  bson::builder first;
  first.append("startTime", bson::timestamp{10, 2}).open_document("more").append("a.b", 1).close();
  must(under_test_.set_facts(first.finish()));
  bson::builder second;
  second.append("fence", bson::timestamp{11, 3}).append("startTime", bson::timestamp{0, 0});
  must(under_test_.set_facts(second.finish()));
  must(under_test_.set_facts(bson::document()));
  bson::builder dotted;
  dotted.append("a.b", 1);
  refusal(under_test_.set_facts(dotted.finish()));

  const auto opened = must(another()->open(parameters("sync"), process("second")));
  EXPECT_EQ(opened.wish, "pause");
  const auto facts = opened.facts.view();
  EXPECT_EQ(facts.find("startTime").as_timestamp(), (bson::timestamp{0, 0}));
  EXPECT_EQ(facts.find("fence").as_timestamp(), (bson::timestamp{11, 3}));
  EXPECT_EQ(facts.at("more", "a.b").as_int32(), 1);
}

TEST_F(checkpoint_test, what_an_interrupted_drop_left_is_no_part_of_a_new_run) {
  must(under_test_.open(parameters("sync"), process("first")));
  must(under_test_.store("catalog", documents(2)));
  must(under_test_.store("mapped", documents(2)));
  must(under_test_.store_position({{5, 0}, {4, 0}}, {}));
  server_.inject(loopback::fault::parse(nth("drop", 2, "drop")));  // the run is gone, the rest is not
  ASSERT_FALSE(run(another(std::chrono::milliseconds(0))->drop()));
  EXPECT_FALSE(must(another()->exists()));
  EXPECT_GT(server_.namespaces().size(), 1U);
  server_.clear_faults();

  const auto next = another();
  const auto opened = must(next->open(parameters("sync"), process("second")));
  EXPECT_TRUE(opened.fresh);
  EXPECT_EQ(server_.namespaces(), std::vector<std::string>{"__mdb_internal_sluice.run"});
  EXPECT_EQ(must(next->load_position(opened.term)), std::nullopt);
  must(next->store("catalog", documents(3)));
  must(next->set_phase(run_phase::copying));
  must(another()->open(parameters("sync"), process("third")));
  EXPECT_EQ(server_.documents("__mdb_internal_sluice.catalog"), 3U) << "only what was left over is dropped";
}

TEST_F(checkpoint_test, drop_drops_whatever_is_there) {
  must(under_test_.open(parameters("sync"), process("first")));
  for (const char* collection : {"partitions", "refused", "catalog", "mapped", "of a later version"}) {
    must(under_test_.store(collection, documents(1)));
  }
  must(under_test_.store_position({{5, 0}, {4, 0}}, {}));
  EXPECT_EQ(server_.namespaces().size(), 7U);
  must(under_test_.drop());
  EXPECT_TRUE(server_.namespaces().empty());
}

TEST_F(checkpoint_test, a_run_whose_owner_lives_is_not_dropped_by_another_process) {
  must(under_test_.open(parameters("sync"), process("first")));
  must(under_test_.store("partitions", documents(3)));
  const auto other = another();
  const std::string why = refusal(other->drop_unless_owned(neighbour("second")));
  EXPECT_NE(why.find("only one process may write"), std::string::npos) << why;
  EXPECT_EQ(server_.documents("__mdb_internal_sluice.partitions"), 3U);
  must(under_test_.renew(1));
  must(under_test_.release(process("first")));
  must(other->drop_unless_owned(neighbour("second")));
  EXPECT_TRUE(server_.namespaces().empty());
  must(other->drop_unless_owned(neighbour("second")));  // nothing there
}

TEST_F(checkpoint_test, a_drop_ends_with_the_run_when_that_has_ended) {
  for (const auto phase : {run_phase::committed, run_phase::completed, run_phase::applying}) {
    SCOPED_TRACE(to_string(phase));
    const auto mine = another(std::chrono::milliseconds(0));
    must(mine->open(parameters("sync"), process("first")));
    for (const char* collection : {"apply", "partitions", "zebra"}) must(mine->store(collection, documents(1)));
    must(mine->set_phase(phase));
    server_.inject(loopback::fault::parse(nth("drop", 2, "drop")));
    ASSERT_FALSE(run(mine->drop()));
    server_.clear_faults();
    EXPECT_EQ(must(another()->exists()), phase != run_phase::applying);
    must(another()->drop());
  }
}

TEST_F(checkpoint_test, calls_at_the_same_time_take_turns) {
  must(under_test_.open(parameters("sync"), process("first")));
  int ended = 0;
  const auto flush = [&](int number) -> task<void> {
    for (int i = 0; i < 20; ++i) {
      bson::builder one;
      one.append("_id", std::to_string(number)).append("number", i);
      std::vector<bson::document> batch;
      batch.push_back(one.finish());
      auto added = co_await under_test_.add("partitions", std::move(batch));
      EXPECT_TRUE(added) << added.error().message;
      auto loaded = co_await under_test_.load("partitions");
      EXPECT_TRUE(loaded) << loaded.error().message;
      auto renewed = co_await under_test_.renew(i);
      EXPECT_TRUE(renewed) << renewed.error().message;
      auto stored = co_await under_test_.store_position({{5, 0}, {4, 0}}, {});
      EXPECT_TRUE(stored) << stored.error().message;
    }
    ++ended;
  };
  // Half of the faults meet somebody else's command: the connection is closed under nobody.
  for (std::uint64_t i = 1; i < 5; ++i) {
    server_.inject(loopback::fault::parse(nth("*", 17 * i, i % 2 == 0 ? "cut" : "drop")));
  }
  for (int i = 0; i < 5; ++i) boost::asio::co_spawn(lane_, flush(i), boost::asio::detached);
  lane_.run();
  lane_.restart();
  EXPECT_EQ(ended, 5);
  EXPECT_EQ(server_.documents("__mdb_internal_sluice.partitions"), 5U);
}

TEST_F(checkpoint_test, the_lease_is_kept_until_it_is_no_longer_wanted) {
  const auto mine = another(std::chrono::seconds(20), std::chrono::milliseconds(300));
  must(mine->open(parameters("sync"), process("first")));
  must(mine->renew(9));
  const auto before = commands("findAndModify");
  runtime::cancel_scope until;
  // Three times its length later it is still ours; then somebody says that this is enough.
  const auto look = [&]() -> task<void> {
    for (int i = 0; i < 9; ++i) {
      const bool slept = co_await runtime::sleep_for(std::chrono::milliseconds(100), scope_);
      EXPECT_TRUE(slept);
    }
    EXPECT_TRUE(mine->lease_is_fresh());
    const auto other = another(std::chrono::seconds(20), std::chrono::milliseconds(300));
    auto opened = co_await other->open(parameters("sync"), neighbour("second"));
    EXPECT_FALSE(opened) << "the lease was let go";
    until.cancel();
  };
  boost::asio::co_spawn(lane_, look, boost::asio::detached);
  must(mine->keep_lease(until));
  EXPECT_GE(commands("findAndModify"), before + 4);
  EXPECT_EQ(stored_run().view().find("confirmedFlush").to_int64(), 9) << "what the copy confirmed stays";
}

TEST_F(checkpoint_test, keeping_a_lost_lease_fails) {
  const auto mine = another(std::chrono::seconds(20), std::chrono::milliseconds(300));
  must(mine->open(parameters("sync"), process("first")));
  must(another()->open(parameters("sync"), process("second")));
  runtime::cancel_scope until;
  EXPECT_NE(refusal(mine->keep_lease(until)).find("taken over"), std::string::npos);
  EXPECT_FALSE(mine->lease_is_fresh());
}

TEST_F(checkpoint_test, a_lease_that_nobody_renews_is_fresh_no_more) {
  const auto mine = another(std::chrono::seconds(20), std::chrono::milliseconds(100));
  must(mine->open(parameters("sync"), process("first")));
  EXPECT_TRUE(mine->lease_is_fresh());
  const auto deadline = boot_clock::now() + std::chrono::seconds(20);
  while (mine->lease_is_fresh() && boot_clock::now() < deadline) {
  }
  EXPECT_FALSE(mine->lease_is_fresh());
}

}  // namespace
}  // namespace sluice::state
