// The applier between real servers: what a source's oplog says, through the spool, onto a destination. The judge is the
// oracle.
#include <atomic>
#include <chrono>
#include <thread>

#include <boost/asio/post.hpp>

#include "tests/integration/applier_between.hpp"

namespace sluice::apply {
namespace {

using namespace std::chrono_literals;
using testing::between;
using testing::document;
using testing::newest;
using testing::packed;

/// Data and catalog changes of several collections.
void operate(lab::client& server, std::mt19937_64& random, int operations) {
  const auto below = [&](std::uint64_t n) { return random() % n; };
  const auto quietly = [&](const char* database, const std::string& command) {
    document reply;
    bson_error_t ignored;
    (void)server.try_run(database, document::json(command), reply, ignored);
  };
  for (int i = 0; i < operations; ++i) {
    const std::string name(1, static_cast<char>('a' + below(4)));
    const std::string other(1, static_cast<char>('a' + below(6)));
    const std::string id = std::to_string(below(40));
    switch (below(40)) {
      case 0:
        quietly("admin",
                R"({"renameCollection": "d.)" + name + R"(", "to": "d.)" + other + R"(", "dropTarget": true})");
        break;
      case 1:
        quietly("d", R"({"drop": ")" + name + "\"}");
        break;
      case 2:
        quietly("d", R"({"create": ")" + name + R"(", "collation": {"locale": "en", "strength": 2}})");
        break;
      case 3:
        quietly("d", R"({"createIndexes": ")" + name + R"(", "indexes": [{"key": {"v": 1}, "name": "v"}]})");
        break;
      case 4:
        quietly("d", R"({"create": "capped", "capped": true, "size": 1000000})");
        quietly("d", R"({"insert": "capped", "documents": [{"v": )" + id + R"(}, {"v": 1}]})");
        break;
      case 5:
      case 6:
      case 7:
      case 8:
        quietly("d", R"({"delete": ")" + name + R"(", "deletes": [{"q": {"_id": )" + id + R"(}, "limit": 1}]})");
        break;
      default:
        if (below(2) == 0) {
          quietly("d", R"({"insert": ")" + name + R"(", "documents": [{"_id": )" + id + R"(, "v": 0, "a": []}]})");
        } else {
          quietly("d", R"({"update": ")" + name + R"(", "updates": [{"q": {"_id": )" + id +
                           R"(}, "u": {"$inc": {"v": 1}, "$push": {"a": )" + id + "}}}]}");
        }
    }
  }
}

void transact(lab::client& server, int inserts) {
  bson_error_t fault;
  auto* session = mongoc_client_start_session(server.get(), nullptr, &fault);
  ASSERT_NE(session, nullptr) << fault.message;
  ASSERT_TRUE(mongoc_client_session_start_transaction(session, nullptr, &fault)) << fault.message;
  for (int i = 0; i < inserts; ++i) {
    document options;
    ASSERT_TRUE(mongoc_client_session_append(session, options.get(), &fault));
    const auto command = document::json(R"({"insert": "t", "documents": [{"v": 1}]})");
    ASSERT_TRUE(mongoc_client_write_command_with_opts(server.get(), "d", command.get(), options.get(), nullptr, &fault))
        << fault.message;
  }
  bson_t reply;
  EXPECT_TRUE(mongoc_client_session_commit_transaction(session, &reply, &fault)) << fault.message;
  bson_destroy(&reply);
  mongoc_client_session_destroy(session);
}

TEST(apply_applier, data_and_catalog_come_out_the_same) {
  between sets;
  std::mt19937_64 random(1);
  operate(sets.source, random, 1500);
  transact(sets.source, 20);
  operate(sets.source, random, 500);
  const auto goal = newest(sets.source);
  EXPECT_EQ(sets.follow(goal), 1);
  sets.compare();
  EXPECT_GE(sets.checkpoint.applied, goal);
  EXPECT_EQ(sets.position.applied, packed(sets.checkpoint.applied));
  EXPECT_GT(sets.counters.commands, 10);
  EXPECT_EQ(sets.counters.violations, 0);
  EXPECT_TRUE(sets.position.consistent);
}

// A process dies around any checkpoint: its last act is in it, or is not.
TEST(apply_applier, a_restart_from_any_checkpoint_comes_to_the_same) {
  between sets;
  sets.checkpoint_every = 5ms;
  sets.window.changes_max = 20;
  std::mt19937_64 random(2);
  int deaths = 0;
  for (int part = 0; part < 8; ++part) {
    operate(sets.source, random, 150);
    const auto goal = newest(sets.source);
    sets.consistent_from = goal;
    for (int life = 0; life < 4; ++life) {
      sets.death = {.after_checkpoints = static_cast<int>(random() % 10), .stored = random() % 2 == 0};
      if (sets.live_once(goal)) break;
      ++deaths;
    }
    sets.death.reset();
    EXPECT_EQ(sets.follow(goal), 1);
    sets.compare();
  }
  EXPECT_GT(deaths, 5);
}

TEST(apply_applier, goes_on_behind_a_goal_and_stays_at_an_idle_sources_time) {
  between sets;
  sets.start();
  for (int part = 1; part <= 3; ++part) {
    sets.source.run("d", R"({"insert": "c", "documents": [{"_id": )" + std::to_string(part) + "}]}");
    const auto goal = sets.spool->feed(sets.source);
    sets.engine->stop_at(goal);
    auto end = sets.run();
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(end.value(), apply_end::reached);
    EXPECT_EQ(sets.position.applied, packed(goal));
    EXPECT_EQ(sets.checkpoint.applied, goal);
    sets.compare();
    // Nothing happens, and still the goal is reached: in the middle of the wait for it.
    const bson::timestamp later{goal.seconds + 1, 0};
    sets.engine->stop_at(later);
    std::thread feeder([&] { sets.spool->feed_idle(later); });
    end = sets.run();
    feeder.join();
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(sets.checkpoint.applied, later);
    std::this_thread::sleep_until(std::chrono::system_clock::time_point(std::chrono::seconds(later.seconds + 1)));
  }
}

TEST(apply_applier, changes_that_trickle_in_are_gathered_for_a_moment) {
  between sets;
  sets.start();
  constexpr int changes = 300;
  const bson::timestamp end_of_time{newest(sets.source).seconds + 1000, 0};
  sets.engine->stop_at(end_of_time);
  const auto began = std::chrono::steady_clock::now();
  std::thread feeder([&] {
    auto source = sets.source_set.connect();
    for (int i = 0; i < changes; ++i) {
      source.run("d", R"({"insert": "c", "documents": [{"_id": )" + std::to_string(i) + "}]}");
      sets.spool->feed(source);
    }
    sets.spool->feed_idle(end_of_time);
  });
  const auto end = sets.run();
  feeder.join();
  ASSERT_TRUE(end) << end.error().message;
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(sets.counters.inserts, changes);
  EXPECT_LE(sets.counters.windows, took / applier_options{}.gather_time + 2) << "of " << changes << " changes";
}

// A source that never rests must not keep a pause from being reached.
TEST(apply_applier, stops_at_its_goal_whatever_lies_behind) {
  between sets;
  sets.window.changes_max = 20;
  sets.source.run("d", R"({"insert": "c", "documents": [{"_id": -1}]})");
  const auto goal = newest(sets.source);
  for (int i = 0; i < 1000; ++i)
    sets.source.run("d", R"({"insert": "c", "documents": [{"_id": )" + std::to_string(i) + "}]}");
  const auto busy = newest(sets.source);
  sets.source.run("d", R"({"drop": "c"})");
  const auto dropped = newest(sets.source);
  const auto reach = [&](bson::timestamp at) {
    sets.engine->stop_at(at);
    const auto end = sets.run();
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(end.value(), apply_end::reached);
  };
  sets.start();
  (void)sets.spool->feed(sets.source, 10);
  reach(goal);
  EXPECT_GE(sets.position.applied, packed(goal));
  EXPECT_LT(sets.counters.changes, 500);
  auto destination = sets.destination_set.connect();
  reach(busy);
  EXPECT_EQ(sets.position.applied, packed(busy));
  EXPECT_EQ(testing::all_of(destination, "c").size(), 1001);
  reach(dropped);
  EXPECT_TRUE(testing::all_of(destination, "c").empty());
  sets.stop();
  sets.compare();
}

TEST(apply_applier, changes_of_collections_that_are_gone_are_left_out) {
  between sets;
  sets.source.run("d", R"({"insert": "gone", "documents": [{"_id": 1}]})");
  sets.checkpoint.applied = sets.checkpoint.resume_from = newest(sets.source);  // its create is not seen
  sets.source.run("d", R"({"insert": "gone", "documents": [{"_id": 2}]})");
  sets.source.run("d", R"({"drop": "gone"})");
  sets.source.run("d", R"({"insert": "there", "documents": [{"_id": 2}]})");
  EXPECT_EQ(sets.follow(newest(sets.source)), 1);
  EXPECT_EQ(sets.counters.skipped, 1);
  sets.compare();
}

TEST(apply_applier, cancelling_ends_every_wait) {
  between sets;
  sets.start();
  std::thread canceller([&] { boost::asio::post(sets.on.executor(), [&] { sets.on.scope().cancel(); }); });
  const auto end = sets.run();
  canceller.join();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, error_kind::cancelled);
  sets.stop();
}

TEST(apply_applier, a_damaged_entry_ends_it_with_its_name) {
  between sets;
  sets.source.run("d", R"({"insert": "c", "documents": [{"_id": 1}]})");
  sets.source.run("admin", R"({"applyOps": [{"op": "c", "ns": "d.$cmd", "o": {"create": "x"}}]})");
  sets.start();
  (void)sets.spool->feed(sets.source);
  sets.destination_set.connect().run("admin", R"({"configureFailPoint": "failCommand", "mode": {"times": 1},
                   "data": {"failCommands": ["insert"], "errorCode": 13}})");
  const auto end = sets.run();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().server_code, 13);
  EXPECT_NE(end.error().message.find("d.c: "), std::string::npos) << end.error().message;
  sets.stop();
}

// Elections tear what was acknowledged with w: 1 since the last checkpoint; it is applied again from there.
TEST(apply_applier, elections_lose_nothing) {
  between sets(3);
  std::mt19937_64 random(3);
  operate(sets.source, random, 400);
  EXPECT_GE(sets.follow(newest(sets.source)), 1);
  for (int round = 0; round < 2; ++round) {
    operate(sets.source, random, 3000);
    const auto goal = newest(sets.source);
    sets.consistent_from = goal;  // as a session says behind a tear
    sets.window.changes_max = 10;
    std::thread election([&] { sets.destination_set.step_down(); });
    (void)sets.follow(goal);
    election.join();
    sets.compare();
  }
}

}  // namespace
}  // namespace sluice::apply
