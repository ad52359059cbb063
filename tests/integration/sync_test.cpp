// Live syncs between real servers: copied while an application writes, kept in step, paused, resumed, restarted and
// committed. The judge is the oracle.
#include "tests/integration/sync_lane.hpp"

namespace sluice::session {
namespace {

using namespace testing;

TEST(sync, copies_follows_and_commits_while_an_application_writes) {
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  application writer(sets.source.uri());
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.at == phase::change_application; }));
  const auto before = writer.written.load();
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  ASSERT_TRUE(wait_until(*run, [&](const progress&) { return writer.written > before + 200; }));
  writer.stop();
  commit(*run);
  sets.expect_equal();
  const auto told = run->snapshot(false);
  EXPECT_GT(told.follow.events_applied, 0);
  EXPECT_EQ(told.follow.violations, 0);
  EXPECT_EQ(told.follow.lag_seconds, 0);
}

// Every operator, transactions and all kinds of catalog changes, from before the copy to the commit.
TEST(sync, takes_everything_that_a_source_does) {
  const auto seed = test_seed();
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  lab::storm_for(sets.source.uri(), {.commands = 500, .seed = seed});
  everything storm(sets.source.uri(), seed + 1);
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.at == phase::change_application; }));
  const auto then = storm.steps.load();
  ASSERT_TRUE(wait_until(*run, [&](const progress&) { return storm.steps > then + 3000; }));
  storm.stop();
  EXPECT_GT(storm.done.catalog_changes, 20U);
  EXPECT_GT(storm.done.transactions, 50U);
  commit(*run);
  sets.expect_equal();
  EXPECT_EQ(run->snapshot(false).follow.violations, 0);
}

TEST(sync, pauses_with_everything_applied_and_goes_on) {
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  lab::write_for(sets.source.uri(), {.duration = 500ms, .seed = 3});
  ASSERT_TRUE(run->pause());
  ASSERT_TRUE(wait_for(*run, state::paused));
  EXPECT_EQ(run->snapshot(false).follow.lag_seconds, 0);
  // What was written before the pause is there, but for what waits for the commit.
  const auto differing = lab::compare(
      {.source_uri = sets.source.uri(), .destination_uri = sets.destination.uri(), .include = {"written"}});
  EXPECT_TRUE(differing.equal()) << differing.text();

  application writer(sets.source.uri());
  ASSERT_TRUE(wait_until(*run, [&](const progress&) { return writer.written > 300; }));
  EXPECT_EQ(run->snapshot(false).now, state::paused);
  ASSERT_TRUE(run->resume());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.now == state::running && now.can_commit; }));
  writer.stop();
  commit(*run);
  sets.expect_equal();
}

TEST(sync, commits_from_a_pause) {
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  ASSERT_TRUE(run->pause());
  ASSERT_TRUE(wait_for(*run, state::paused));
  lab::write_for(sets.source.uri(), {.duration = 500ms, .seed = 5});
  commit(*run);
  sets.expect_equal();
}

TEST(sync, goes_on_in_another_process_from_where_it_stopped) {
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  application writer(sets.source.uri());
  for (const phase at : {phase::collection_copy, phase::change_application, phase::change_application}) {
    const auto run = sets.make();
    ASSERT_TRUE(run->start_now());
    ASSERT_TRUE(wait_until(*run, [at](const progress& now) { return now.at >= at; }));
    run->stop();
    const auto how = run->wait();
    ASSERT_FALSE(how);
    EXPECT_EQ(how.error().kind, error_kind::cancelled) << how.error().message;
  }
  const auto run = sets.make();
  run->look_for_run();  // as the server does when it starts
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  writer.stop();
  commit(*run);
  sets.expect_equal();

  const auto late = sets.make();
  late->look_for_run();
  ASSERT_TRUE(wait_for(*late, state::committed));
  EXPECT_TRUE(late->snapshot(false).can_write);
}

TEST(sync, a_pause_of_the_copy_stops_it_and_it_goes_on) {
  pair_of_sets sets;
  lab::load_lim(sets.source.uri(), {.documents = 200'000});
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.documents_copied > 10'000; }));
  ASSERT_TRUE(run->pause());
  ASSERT_TRUE(wait_for(*run, state::paused));
  const auto copied = run->snapshot(false).documents_copied;
  EXPECT_LT(copied, 200'000);
  lab::write_for(sets.source.uri(), {.duration = 300ms});
  EXPECT_EQ(run->snapshot(false).documents_copied, copied);
  const auto early = run->commit();
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().kind, error_kind::refused);
  ASSERT_TRUE(run->resume());
  commit(*run);
  sets.expect_equal();
}

TEST(sync, commits_by_itself_when_asked_to) {
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  auto settings = sets.settings();
  settings.commit_when_caught_up = true;
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_for(run, state::committed));
  sets.expect_equal();
}

}  // namespace
}  // namespace sluice::session
