// A committed run that is turned around: what is written to the destination comes back, and may be committed again.
#include "tests/integration/sync_lane.hpp"

namespace sluice::session {
namespace {

using namespace testing;

const lab::credentials mover{"mover", "word"};
const lab::credentials user{"app", "word"};

lab::replica_set_options with_users(std::string name) {
  auto options = set_of(std::move(name));
  options.server.root = lab::credentials{"root", "secret"};
  return options;
}

class sync_reverse : public ::testing::Test {
 protected:
  sync_reverse() {
    for (lab::replica_set* set : {&sets_.source, &sets_.destination}) {
      set->add_user(user, R"(["readWriteAnyDatabase", "dbAdminAnyDatabase"])");
      set->add_user(mover, R"(["root", "restore", "backup"])");
    }
  }
  [[nodiscard]] sync_settings settings() const {
    auto chosen = sets_.settings();
    chosen.copy.source_uri = sets_.source.uri_as(mover);
    chosen.copy.destination_uri = sets_.destination.uri_as(mover);
    chosen.reversible = true;
    return chosen;
  }
  void start() {
    run_ = std::make_unique<sync_session>(settings(), labels{"cluster0", "cluster1"});
    ASSERT_TRUE(run_->start_now());
  }
  void reverse() {
    const auto taken = run_->reverse();
    ASSERT_TRUE(taken) << taken.error().message;
    ASSERT_TRUE(wait_for(*run_, state::running));
  }
  static bool takes_writes(const lab::replica_set& set) {
    try {
      lab::client(set.uri_as(user)).run("other", R"({"insert": "c", "documents": [{}]})");
      return true;
    } catch (const lab::failure& refused) {
      EXPECT_NE(std::string(refused.what()).find("\"371\""), std::string::npos) << refused.what();
      return false;
    }
  }

  pair_of_sets sets_{with_users("src"), with_users("dst")};
  std::unique_ptr<sync_session> run_;
};

TEST_F(sync_reverse, brings_back_what_is_written_to_the_other_side) {
  lab::load_zoo(sets_.source.uri(), lab::small_zoo());
  auto source = sets_.source.connect();
  source.run("shop",
             R"({"insert": "items", "documents": [{"_id": 1, "k": 1}, {"_id": 2, "k": 2}, {"_id": 3, "k": 3}]})");
  source.run("shop", R"({"createIndexes": "items", "indexes": [{"key": {"k": 1}, "name": "k", "unique": true},
                          {"key": {"t": 1}, "name": "t", "expireAfterSeconds": 9999}]})");
  start();
  const auto early = run_->reverse();
  ASSERT_FALSE(early);
  EXPECT_NE(early.error().message.find("RUNNING"), std::string::npos) << early.error().message;
  commit(*run_);
  EXPECT_FALSE(takes_writes(sets_.source));
  EXPECT_TRUE(takes_writes(sets_.destination));

  // Also between the commit and the call, and keys that change places, which a unique index would not let through.
  auto destination = sets_.destination.connect();
  destination.run("shop", R"({"insert": "items", "documents": [{"_id": 4, "k": 4}]})");
  reverse();
  const auto told = run_->snapshot(false);
  EXPECT_EQ(told.source_name.substr(0, 8), "cluster1") << told.source_name;
  EXPECT_FALSE(told.can_write);
  EXPECT_FALSE(takes_writes(sets_.source)) << "it is the one that is written to by us only";
  EXPECT_TRUE(takes_writes(sets_.destination));
  for (int round = 0; round < 20; ++round) {
    destination.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 1}, "u": {"$set": {"k": -1}}}]})");
    destination.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 2}, "u": {"$set": {"k": 1}}}]})");
    destination.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 1}, "u": {"$set": {"k": 2}}}]})");
  }
  destination.run("shop", R"({"delete": "items", "deletes": [{"q": {"_id": 3}, "limit": 1}]})");
  destination.run("shop", R"({"create": "later", "capped": true, "size": 4096})");
  destination.run("shop", R"({"insert": "later", "documents": [{"_id": 1}]})");
  {
    everything writer(sets_.destination.uri(), test_seed());
    ASSERT_TRUE(wait_until(*run_, [&](const progress&) { return writer.steps > 500; }));
  }
  commit(*run_);
  sets_.expect_equal();
  EXPECT_TRUE(takes_writes(sets_.source)) << "it is the application's again";
  EXPECT_FALSE(takes_writes(sets_.destination));

  // And once more.
  source.run("shop", R"({"insert": "items", "documents": [{"_id": 5, "k": 5}]})");
  reverse();
  EXPECT_EQ(run_->snapshot(false).source_name.substr(0, 8), "cluster0");
  commit(*run_);
  sets_.expect_equal();
}

TEST_F(sync_reverse, is_taken_by_a_process_that_finds_the_run_committed_and_goes_on_in_another) {
  lab::load_lim(sets_.source.uri(), {.documents = 2000});
  start();
  commit(*run_);
  run_ = std::make_unique<sync_session>(settings(), labels{"cluster0", "cluster1"});
  run_->look_for_run();
  ASSERT_TRUE(wait_for(*run_, state::committed));
  EXPECT_TRUE(run_->snapshot(false).reversible);
  auto destination = sets_.destination.connect();
  destination.run("lim", R"({"insert": "docs", "documents": [{"_id": "one more"}]})");
  reverse();
  run_.reset();
  destination.run("lim", R"({"insert": "docs", "documents": [{"_id": "and another"}]})");
  run_ = std::make_unique<sync_session>(settings(), labels{"cluster0", "cluster1"});
  run_->look_for_run();
  ASSERT_TRUE(wait_until(*run_, [](const progress& now) { return now.can_commit; }));
  EXPECT_EQ(run_->snapshot(false).source_name.substr(0, 8), "cluster1");
  commit(*run_);
  sets_.expect_equal();
}

TEST_F(sync_reverse, is_refused_where_the_run_was_not_begun_so) {
  lab::load_lim(sets_.source.uri(), {.documents = 100});
  auto plain = settings();
  plain.reversible = false;
  run_ = std::make_unique<sync_session>(plain, labels{"cluster0", "cluster1"});
  ASSERT_TRUE(run_->start_now());
  commit(*run_);
  const auto refused = run_->reverse();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("reversible"), std::string::npos) << refused.error().message;
  EXPECT_EQ(run_->snapshot(false).now, state::committed);
}

TEST(sync_reverse_without_users, is_refused_at_the_start_unless_writes_are_nobody_s_business) {
  pair_of_sets sets;
  lab::load_lim(sets.source.uri(), {.documents = 100});
  auto settings = sets.settings();
  settings.reversible = true;
  {
    sync_session run(settings, {});
    ASSERT_TRUE(run.start_now());
    const auto how = run.wait();
    ASSERT_FALSE(how);
    EXPECT_NE(how.error().message.find("without authentication"), std::string::npos) << how.error().message;
  }
  settings.copy.reset = true;
  settings.block_writes = write_blocking::none;
  lab::client(sets.destination.uri()).run("lim", R"({"dropDatabase": 1})");
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  commit(run);
  auto destination = sets.destination.connect();
  destination.run("lim", R"({"insert": "docs", "documents": [{"_id": "one more"}]})");
  ASSERT_TRUE(run.reverse());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  commit(run);
  sets.expect_equal();
}

}  // namespace
}  // namespace sluice::session
