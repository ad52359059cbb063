// Live syncs between real servers: copied while an application writes, kept in step, paused, resumed, restarted and
// committed. The judge is the oracle.
#include <csignal>

#include "tests/integration/sluice_program.hpp"
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

// A to B, and B to C at once: what the first run keeps for itself on B is not the second one's.
TEST(sync, a_destination_is_the_source_of_another_run_at_the_same_time) {
  pair_of_sets sets;
  lab::replica_set last(set_of("last"));
  lab::load_lim(sets.source.uri(), {.documents = 3000});
  application writer(sets.source.uri());
  const auto first = sets.make();
  ASSERT_TRUE(first->start_now());
  ASSERT_TRUE(wait_until(*first, [](const progress& now) { return now.can_commit; }));
  scratch_folder spool;
  auto settings = sets.settings();
  settings.copy.source_uri = sets.destination.uri();
  settings.copy.destination_uri = last.uri();
  settings.spool_dir = spool.path();
  sync_session second(settings, {});
  ASSERT_TRUE(second.start_now());
  ASSERT_TRUE(wait_until(second, [](const progress& now) { return now.can_commit; }));
  const auto before = writer.written.load();
  ASSERT_TRUE(wait_until(second, [&](const progress&) { return writer.written > before + 200; }));
  writer.stop();
  commit(*first);
  commit(second);
  sets.expect_equal();
  const auto verdict = lab::compare({.source_uri = sets.source.uri(), .destination_uri = last.uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
  EXPECT_EQ(second.snapshot(false).follow.violations, 0);
}

/// With users, so that the writes of some can be refused.
lab::replica_set_options with_users(std::string name) {
  auto options = set_of(std::move(name));
  options.server.root = lab::credentials{"root", "secret"};
  return options;
}

bool takes_writes(const lab::replica_set& set, const lab::credentials& who) {
  try {
    lab::client(set.uri_as(who)).run("other", R"({"insert": "c", "documents": [{}]})");
    return true;
  } catch (const lab::failure& refused) {
    EXPECT_NE(std::string(refused.what()).find("\"371\""), std::string::npos) << refused.what();
    return false;
  }
}

TEST(sync_blocking, others_write_to_neither_side_at_the_wrong_time) {
  pair_of_sets sets(with_users("src"), with_users("dst"));
  const lab::credentials user{"app", "word"};
  for (lab::replica_set* set : {&sets.source, &sets.destination}) {
    set->add_user(user, R"(["readWriteAnyDatabase"])");
    set->add_user({"mover", "word"}, R"(["root", "restore", "backup"])");
  }
  auto settings = sets.settings();
  settings.copy.source_uri = sets.source.uri_as(lab::credentials{"mover", "word"});
  settings.copy.destination_uri = sets.destination.uri_as(lab::credentials{"mover", "word"});
  settings.block_writes = write_blocking::source_and_destination;
  lab::load_lim(sets.source.uri(), {.documents = 2000});
  {
    sync_session run(settings, {});
    ASSERT_TRUE(run.start_now());
    ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
    EXPECT_TRUE(takes_writes(sets.source, user));
    EXPECT_FALSE(takes_writes(sets.destination, user));
    run.stop();
    EXPECT_FALSE(run.wait());
    EXPECT_TRUE(takes_writes(sets.destination, user)) << "a run that ends leaves no block behind";
    sets.destination.connect().run("other", R"({"drop": "c"})");
  }
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  EXPECT_FALSE(takes_writes(sets.destination, user));
  commit(run);
  EXPECT_FALSE(takes_writes(sets.source, user)) << "what is written to the old side now would be lost";
  sets.expect_equal();
  EXPECT_TRUE(takes_writes(sets.destination, user));
}

TEST(sync_blocking, nobody_has_to_ask_for_it) {
  pair_of_sets sets(with_users("src"), with_users("dst"));
  const lab::credentials user{"app", "word"};
  const lab::credentials mover{"mover", "word"};
  const lab::credentials reader{"reader", "word"};
  for (lab::replica_set* set : {&sets.source, &sets.destination}) {
    set->add_user(user, R"(["readWriteAnyDatabase"])");
    set->add_user(mover, R"(["root", "restore", "backup"])");
  }
  sets.source.add_user(reader, R"(["clusterMonitor", "readAnyDatabase"])");
  lab::load_lim(sets.source.uri(), {.documents = 500});
  auto settings = sets.settings();
  settings.copy.destination_uri = sets.destination.uri_as(mover);
  settings.copy.source_uri = sets.source.uri_as(reader);
  settings.capture = "change-stream";  // which both users may
  {
    sync_session run(settings, {});
    ASSERT_TRUE(run.start_now());
    ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
    const auto told = run.snapshot(false).warnings;
    EXPECT_TRUE(std::ranges::any_of(told, [](const std::string& one) {
      return one.find("the source will not be refused") != std::string::npos &&
             one.find("setUserWriteBlockMode") != std::string::npos;
    }));
    run.stop();
    EXPECT_FALSE(run.wait());
  }
  settings.copy.source_uri = sets.source.uri_as(mover);
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  EXPECT_TRUE(takes_writes(sets.source, user));
  EXPECT_FALSE(takes_writes(sets.destination, user));
  commit(run);
  EXPECT_FALSE(takes_writes(sets.source, user));
  EXPECT_TRUE(takes_writes(sets.destination, user));
}

TEST(sync_blocking, a_block_that_a_crash_leaves_is_taken_up_by_the_next_process) {
  pair_of_sets sets(with_users("src"), with_users("dst"));
  const lab::credentials user{"app", "word"};
  const lab::credentials mover{"mover", "word"};
  for (lab::replica_set* set : {&sets.source, &sets.destination}) {
    set->add_user(user, R"(["readWriteAnyDatabase"])");
    set->add_user(mover, R"(["root", "restore", "backup"])");
  }
  lab::load_lim(sets.source.uri(), {.documents = 500});
  std::vector<std::string> arguments{
      "run", "--source",    sets.source.uri_as(mover), "--destination", sets.destination.uri_as(mover), "--port",
      "0",   "--spool-dir", sets.spool.path().string()};
  {
    lab::sluice_program dies(arguments);
    ASSERT_TRUE(lab::eventually([&] { return !takes_writes(sets.destination, user); }, 60s)) << dies.output();
    dies.process().signal(SIGKILL);
    EXPECT_EQ(dies.wait().signal, SIGKILL);
  }
  EXPECT_FALSE(takes_writes(sets.destination, user)) << "nobody was there to lift it";
  sets.destination.connect().run("other", R"({"dropDatabase": 1})");  // of the tries before there was a block
  arguments.emplace_back("--commit-when-caught-up");
  lab::sluice_program commits(arguments);
  ASSERT_TRUE(commits.wait().success()) << commits.output();
  EXPECT_TRUE(takes_writes(sets.destination, user));
}

// A commit that meets documents which a unique index does not allow goes back to following; repaired, it is committed.
TEST(sync, a_commit_that_cannot_be_finished_goes_on_following) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  source.run("d", R"({"insert": "c", "documents": [{"_id": 1, "k": 1}, {"_id": 2, "k": 2}]})");
  source.run("d", R"({"createIndexes": "c", "indexes": [{"key": {"k": 1}, "name": "k", "unique": true}]})");
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  // Somebody else writes to the destination.
  auto destination = sets.destination.connect();
  destination.run("d", R"({"insert": "c", "documents": [{"_id": 9, "k": 1}]})");
  ASSERT_TRUE(run->commit());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) {
    return now.now == state::running && !now.warnings.empty() &&
           now.warnings.back().find("unique index k") != std::string::npos;
  }));
  source.run("d", R"({"insert": "c", "documents": [{"_id": 3, "k": 3}]})");
  destination.run("d", R"({"delete": "c", "deletes": [{"q": {"_id": 9}, "limit": 1}]})");
  commit(*run);
  sets.expect_equal();
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
