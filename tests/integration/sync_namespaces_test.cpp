// Live syncs of a part of a source, or to other names: what is chosen comes over and is followed whatever happens to
// names, what is not chosen never appears.
#include <csignal>

#include "tests/integration/sync_program.hpp"

namespace sluice::session {
namespace {

using namespace testing;

std::vector<std::string> names_in(lab::client& on, const std::string& database) {
  std::vector<std::string> names;
  for (const auto& each :
       on.run(database.c_str(), R"({"listCollections": 1, "nameOnly": true})").child("cursor.firstBatch").elements()) {
    if (const auto name = each.text("name"); name != "system.views") names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

void insert(lab::client& on, const std::string& database, const std::string& collection, int id) {
  on.run(database.c_str(),
         R"({"insert": ")" + collection + R"(", "documents": [{"_id": )" + std::to_string(id) + R"(, "k": 1}]})");
}

void rename(lab::client& on, const std::string& from, const std::string& to) {
  on.run("admin", R"({"renameCollection": ")" + from + R"(", "to": ")" + to + R"(", "dropTarget": true})");
}

void expect_equal(const pair_of_sets& sets, std::vector<std::string> include) {
  const auto verdict = lab::compare(
      {.source_uri = sets.source.uri(), .destination_uri = sets.destination.uri(), .include = std::move(include)});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
}

/// How far a run has come, by what it has left on the destination; "" before it has left anything.
std::string stored_phase(const pair_of_sets& sets) {
  auto destination = sets.destination.connect();
  const auto found =
      destination.run("__mdb_internal_sluice", R"({"find": "run", "limit": 1})").child("cursor.firstBatch").elements();
  return found.empty() ? "" : found.front().text("phase");
}

/// Every way in which a name comes into the filter below or leaves it.
void move_names(lab::client& source, int round) {
  const std::string n = std::to_string(round);
  // Made inside and outside.
  insert(source, "shop_1", "made_" + n, 1);
  insert(source, "shop_1", "made_" + n + "_TMP", 1);
  insert(source, "shop_new" + n, "outside", 1);
  insert(source, "shop_" + std::to_string(100 + round), "inside", 1);
  // Out of the filter and into it, within a database and between two.
  insert(source, "shop_2", "leaves_" + n, 1);
  rename(source, "shop_2.leaves_" + n, "shop_2.leaves_" + n + "_tmp");
  for (int id = 0; id < 50; ++id) insert(source, "shop_2", "enters_" + n + "_tmp", id);
  rename(source, "shop_2.enters_" + n + "_tmp", "shop_2.enters_" + n);
  insert(source, "shop_2", "enters_" + n, 50);
  insert(source, "other", "moves_" + n, 1);
  rename(source, "other.moves_" + n, "shop_2.moves_" + n);
  rename(source, "shop_2.moves_" + n, "other.moved_" + n);
  rename(source, "other.moved_" + n, "shop_2.back_" + n);
  // The temporary collection of $out is a name of its own.
  source.run("shop_1", R"({"aggregate": "orders", "pipeline": [{"$limit": 3}, {"$out": "result"}], "cursor": {}})");
  source.run("shop_1", R"({"aggregate": "orders", "pipeline": [{"$limit": 2}, {"$out": "result_tmp"}], "cursor": {}})");
  source.run("shop_1", R"({"create": "seen_)" + n + R"(", "viewOn": "orders", "pipeline": []})");
  source.run("shop_1", R"({"create": "seen_)" + n + R"(_tmp", "viewOn": "orders", "pipeline": []})");
  // Whole databases.
  for (const char* database : {"shop_77", "outside"}) {
    insert(source, database, "a", 1);
    insert(source, database, "b_tmp", 1);
    source.run(database, R"({"dropDatabase": 1})");
  }
  insert(source, "shop_77", "again", round);
}

std::vector<std::string> with_filter(std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"--include", "/^shop_\\d+$/",     "--include", "only.this",
                                     "--exclude", "/^shop_/./_tmp$/i", "--exclude", "shop_9"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(sync_namespaces, expressions_choose_and_names_come_and_go) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  for (int id = 0; id < 100; ++id) insert(source, "shop_1", "orders", id);
  for (const char* ns : {"shop_2.orders", "shop_9.orders", "shop_x.orders", "only.this", "only.that", "shop_1.a_tmp"}) {
    const auto name = cluster::parse_namespace(ns);
    insert(source, name->database, name->collection, 1);
  }
  application inside(sets.source.uri(), "shop_3");
  application outside(sets.source.uri(), "shop_9", 2);
  const operated sluice(sets);
  int round = 0;
  for (const bool applying : {false, true, true}) {
    const auto run = sluice.run(with_filter());
    for (int i = 0; i < 2; ++i) move_names(source, round++);
    ASSERT_TRUE(
        lab::eventually([&] { return applying ? stored_phase(sets) == "applying" : !stored_phase(sets).empty(); }, 60s))
        << run->output();
    run->process().signal(SIGKILL);
    run->wait(30s);
  }
  const auto run = sluice.run(with_filter({"--commit-when-caught-up"}));
  for (int i = 0; i < 3; ++i) move_names(source, round++);
  inside.stop();
  outside.stop();
  EXPECT_TRUE(run->wait(90s).success()) << run->output();

  auto destination = sets.destination.connect();
  for (const char* database : {"other", "outside", "shop_9", "shop_x", "shop_new0"}) {
    EXPECT_EQ(names_in(destination, database), std::vector<std::string>()) << database;
  }
  EXPECT_EQ(names_in(destination, "only"), std::vector<std::string>{"this"});
  std::vector<std::string> all{"only.this"};
  for (const auto& database : {"shop_1", "shop_2", "shop_3", "shop_77", "shop_100", "shop_106"}) {
    for (const auto& name : names_in(source, database)) {
      if (!name.ends_with("_tmp") && !name.ends_with("_TMP")) all.push_back(std::string(database) + "." + name);
    }
    for (const auto& name : names_in(destination, database)) {
      EXPECT_FALSE(name.ends_with("_tmp") || name.ends_with("_TMP")) << database << "." << name;
    }
  }
  EXPECT_GT(all.size(), 20U);
  expect_equal(sets, all);
}

TEST(sync_namespaces, a_filter_that_matches_nothing_is_told_and_followed) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  insert(source, "d", "c", 1);
  auto settings = sets.settings();
  settings.copy.include = {"d", "/^later/", "elsewhere.c"};
  settings.copy.exclude = {"d.gone"};
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  std::string warnings;
  for (const auto& warning : run.snapshot(false).warnings) warnings += warning + "\n";
  for (const char* idle : {"the filter /^later/ matches nothing", "the filter elsewhere.c matches nothing",
                           "the filter d.gone matches nothing"}) {
    EXPECT_NE(warnings.find(idle), std::string::npos) << warnings;
  }
  EXPECT_EQ(warnings.find("the filter d matches"), std::string::npos) << warnings;
  insert(source, "later_on", "c", 1);
  commit(run);
  expect_equal(sets, {"d", "later_on"});
}

TEST(sync_namespaces, a_part_of_a_source_cannot_refuse_all_writes) {
  pair_of_sets sets;
  auto settings = sets.settings();
  settings.copy.include = {"d"};
  settings.block_writes = write_blocking::source_and_destination;
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  const auto how = run.wait();
  ASSERT_FALSE(how);
  EXPECT_NE(how.error().message.find("only a part is migrated"), std::string::npos) << how.error().message;
}

// The pattern is harmless for the names of the beginning.
TEST(sync_namespaces, an_expression_that_explodes_stops_the_run_by_name) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  insert(source, "d", "aaa", 1);
  auto settings = sets.settings();
  settings.copy.include = {"d./^(a+)+$/"};
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  insert(source, "d", std::string(60, 'a') + "!", 1);
  ASSERT_TRUE(wait_for(run, state::failed));
  const auto how = run.wait();
  ASSERT_FALSE(how);
  EXPECT_NE(how.error().message.find("/^(a+)+$/"), std::string::npos) << how.error().message;
}

TEST(sync_namespaces, a_restart_finds_its_filter_and_another_one_is_refused) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  insert(source, "d", "c", 1);
  insert(source, "e", "c", 1);
  {
    const auto run = sets.make();
    start_request request;
    request.source = "cluster0";
    request.destination = "cluster1";
    request.include = std::vector<std::string>{"/^d$/"};
    ASSERT_TRUE(run->start(request));
    ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
    run->stop();
    EXPECT_FALSE(run->wait());
  }
  {
    auto settings = sets.settings();
    settings.copy.include = {"/^d$/i"};
    sync_session other(settings, {});
    ASSERT_TRUE(other.start_now());
    const auto how = other.wait();
    ASSERT_FALSE(how);
    EXPECT_NE(how.error().message.find("--include was /^d$/ and is /^d$/i"), std::string::npos) << how.error().message;
  }
  const auto run = sets.make();  // as a server that was started again: nobody says what was filtered
  run->look_for_run();
  insert(source, "d", "c", 2);
  insert(source, "e", "c", 2);
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  commit(*run);
  expect_equal(sets, {"d"});
  auto destination = sets.destination.connect();
  EXPECT_EQ(names_in(destination, "e"), std::vector<std::string>());
}

}  // namespace
}  // namespace sluice::session
