// Both sides compared while the one follows the other: what differs is found, named, and stands against a commit.
#include "tests/integration/sync_lane.hpp"

namespace sluice::session {
namespace {

using namespace testing;

class sync_verify : public ::testing::Test {
 protected:
  /// A few collections, and a run that has compared all of them.
  void follow() {
    load("shop", "items", 3000);
    run_ = sets_.make();
    ASSERT_TRUE(run_->start_now());
    ASSERT_TRUE(wait_until(*run_, [](const progress& now) { return compared(now); }));
  }
  void load(const char* database, const char* collection, int count) {
    std::vector<lab::document> documents;
    for (int id = 0; id < count; ++id) {
      documents.push_back(
          lab::document::json(R"({"_id": )" + std::to_string(id) + R"(, "v": {"n": 1, "text": "abc"}})"));
    }
    source_.insert(database, collection, documents);
  }
  static bool compared(const progress& now) { return now.verification && now.verification->all_compared(); }
  /// Waits until so many documents are said to be different.
  void expect_different(std::int64_t count) {
    ASSERT_TRUE(wait_until(*run_, [count](const progress& now) {
      return compared(now) && now.verification->different == count && now.verification->undecided == 0;
    }));
  }
  [[nodiscard]] std::string told() const {
    std::string all;
    const progress now = run_->snapshot(false);
    for (const auto& one : now.verification->differences) {
      all += one.ns + " " + one.id_json + " " + one.what + "\n";
    }
    return all;
  }

  pair_of_sets sets_;
  lab::client source_ = sets_.source.connect();
  lab::client destination_ = sets_.destination.connect();
  std::unique_ptr<sync_session> run_;
};

TEST_F(sync_verify, equal_sides_are_compared_as_a_whole_and_committed) {
  lab::load_zoo(sets_.source.uri(), lab::small_zoo());
  follow();
  const auto figures = *run_->snapshot(false).verification;
  EXPECT_GE(figures.collections, 10);
  EXPECT_EQ(figures.collections_compared, figures.collections);
  EXPECT_GE(figures.source_documents, 3000);
  EXPECT_EQ(figures.different, 0) << told();
  commit(*run_);
  sets_.expect_equal();
}

TEST_F(sync_verify, what_somebody_changed_on_the_destination_before_is_found) {
  load("shop", "items", 3000);
  run_ = sets_.make();
  // While the run waits for the source, nobody looks yet.
  ASSERT_TRUE(run_->start_now());
  ASSERT_TRUE(wait_until(*run_, [](const progress& now) { return now.at >= phase::change_application; }));
  destination_.run("shop", R"({"delete": "items", "deletes": [{"q": {"_id": 17}, "limit": 1}]})");
  destination_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 18}, "u": {"$set": {"v.text": "x"}}}]})");
  destination_.run("shop", R"({"insert": "items", "documents": [{"_id": 5000}]})");
  // Changed on the source as well, so that they are looked at whether or not their turn had come before.
  source_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 18}, "u": {"$inc": {"v.n": 1}}}]})");
  source_.run("shop", R"({"insert": "items", "documents": [{"_id": 5000, "late": true}]})");
  source_.run("shop", R"({"delete": "items", "deletes": [{"q": {"_id": 5000}, "limit": 1}]})");
  source_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 17}, "u": {"$inc": {"v.n": 1}}}]})");
  expect_different(2);
  EXPECT_EQ(told(),
            "shop.items 17 is missing on the destination\n"
            "shop.items 18 differs in v.text\n");
}

TEST_F(sync_verify, a_difference_stands_against_a_commit_until_it_is_repaired) {
  follow();
  destination_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 7}, "u": {"$set": {"v.text": "x"}}}]})");
  source_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 7}, "u": {"$inc": {"v.n": 1}}}]})");
  expect_different(1);
  ASSERT_TRUE(wait_until(*run_, [](const progress& now) { return !now.can_commit && !now.warnings.empty(); }));
  const auto refused = run_->commit();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("shop.items 7"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("v.text"), std::string::npos) << refused.error().message;
  destination_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 7}, "u": {"$set": {"v.text": "abc"}}}]})");
  ASSERT_TRUE(wait_until(*run_, [](const progress& now) { return now.can_commit; }));
  commit(*run_);
  sets_.expect_equal();
}

TEST_F(sync_verify, a_commit_compares_what_has_changed_last) {
  follow();
  ASSERT_TRUE(wait_until(*run_, [](const progress& now) { return now.can_commit; }));
  destination_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 7}, "u": {"$set": {"v.text": "x"}}}]})");
  source_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 7}, "u": {"$inc": {"v.n": 1}}}]})");
  ASSERT_TRUE(run_->commit());
  ASSERT_TRUE(wait_until(*run_, [](const progress& now) {
    return now.now == state::running && !now.warnings.empty() && now.verification->different == 1;
  }));
  const auto now = run_->snapshot(false);
  EXPECT_NE(now.warnings.front().find("the commit stopped: shop.items 7 differs in v.text"), std::string::npos)
      << now.warnings.front();
  destination_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 7}, "u": {"$set": {"v.text": "abc"}}}]})");
  commit(*run_);
  sets_.expect_equal();
}

TEST_F(sync_verify, nothing_is_wrong_while_an_application_writes_everything) {
  everything writer(sets_.source.uri(), test_seed());
  follow();
  const auto before = writer.steps.load();
  ASSERT_TRUE(wait_until(*run_, [&](const progress& now) {
    EXPECT_EQ(now.verification->different, 0) << told();
    return writer.steps > before + 3000 || now.verification->different > 0;
  }));
  writer.stop();
  ASSERT_TRUE(wait_until(*run_, [](const progress& now) { return now.can_commit; }));
  EXPECT_GT(run_->snapshot(false).verification->looked_again, 0);
  commit(*run_);
  EXPECT_EQ(run_->snapshot(false).verification->different, 0) << told();
  sets_.expect_equal();
}

TEST_F(sync_verify, collections_that_come_and_go_are_followed) {
  follow();
  const auto before = run_->snapshot(false).verification->collections;
  load("shop", "more", 500);
  source_.run("admin", R"({"renameCollection": "shop.items", "to": "shop.things"})");
  ASSERT_TRUE(wait_until(
      *run_, [&](const progress& now) { return compared(now) && now.verification->collections == before + 1; }));
  destination_.run("shop", R"({"update": "things", "updates": [{"q": {"_id": 7}, "u": {"$set": {"v.text": "x"}}}]})");
  source_.run("shop", R"({"update": "things", "updates": [{"q": {"_id": 7}, "u": {"$inc": {"v.n": 1}}}]})");
  expect_different(1);
  EXPECT_EQ(told(), "shop.things 7 differs in v.text\n");
  source_.run("shop", R"({"drop": "things"})");
  ASSERT_TRUE(wait_until(*run_, [&](const progress& now) {
    return compared(now) && now.verification->collections == before && now.verification->different == 0;
  }));
  commit(*run_);
  sets_.expect_equal();
}

TEST_F(sync_verify, may_be_given_up_by_a_restart_and_stays_so) {
  follow();
  destination_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 7}, "u": {"$set": {"v.text": "x"}}}]})");
  source_.run("shop", R"({"update": "items", "updates": [{"q": {"_id": 7}, "u": {"$inc": {"v.n": 1}}}]})");
  expect_different(1);
  const auto again = [this](bool verify) {
    run_.reset();
    auto settings = sets_.settings();
    settings.verify = verify;
    run_ = std::make_unique<sync_session>(settings, labels());
    ASSERT_TRUE(run_->start_now());
    ASSERT_TRUE(wait_until(*run_, [](const progress& now) { return now.can_commit; }));
  };
  again(false);
  EXPECT_FALSE(run_->snapshot(false).verification);
  again(true);
  EXPECT_FALSE(run_->snapshot(false).verification) << "it was given up for this run";
  commit(*run_);
  const auto verdict = lab::compare({.source_uri = sets_.source.uri(), .destination_uri = sets_.destination.uri()});
  EXPECT_FALSE(verdict.equal()) << "that was the operator's choice";
}

TEST_F(sync_verify, waits_while_the_run_is_paused) {
  follow();
  ASSERT_TRUE(run_->pause());
  ASSERT_TRUE(wait_for(*run_, state::paused));
  source_.run("shop", R"({"update": "items", "updates": [{"q": {}, "u": {"$inc": {"v.n": 1}}, "multi": true}]})");
  const auto looked = run_->snapshot(false).verification->looked_again;
  const auto end = std::chrono::steady_clock::now() + 2s;
  ASSERT_TRUE(wait_until(*run_, [&](const progress& now) {
    EXPECT_EQ(now.verification->looked_again, looked);
    return std::chrono::steady_clock::now() > end;
  }));
  ASSERT_TRUE(run_->commit());
  ASSERT_TRUE(wait_for(*run_, state::committed));
  EXPECT_GE(run_->snapshot(false).verification->looked_again, looked + 3000);
  sets_.expect_equal();
}

}  // namespace
}  // namespace sluice::session
