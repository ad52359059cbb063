// Live syncs of a part of a source, or to other names: what is chosen comes over and is followed whatever happens to
// names, what is not chosen never appears.
#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <random>

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

/// Documents of a source, as the destination is to have them: {_id: as text, the whole document as text}.
std::map<std::string, std::string> documents_of(lab::client& on, const std::string& database,
                                                const std::string& collection, const std::string& query = "{}") {
  std::map<std::string, std::string> all;
  for (const auto& each : on.run(database.c_str(), R"({"find": ")" + collection + R"(", "filter": )" + query +
                                                       R"(, "batchSize": 100000, "singleBatch": true})")
                              .child("cursor.firstBatch")
                              .elements()) {
    all.emplace(std::to_string(each.integer("_id")), lab::to_text(*each.get(), 10'000));
  }
  return all;
}

// --- other names on the destination ---

std::vector<std::string> with_remaps(std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"--remap", "zoo=garden", "--remap",         "app=application", "--remap",
                                     "d.a=e.b", "--remap",    "d.swap1=d.swap2", "--remap",         "d.swap2=d.swap1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

void expect_equal_under_other_names(const pair_of_sets& sets) {
  const auto verdict = lab::compare(
      {.source_uri = sets.source.uri(),
       .destination_uri = sets.destination.uri(),
       .exclude = {"garden", "application", "e.b"},
       .renamed = {
           {"zoo", "garden"}, {"app", "application"}, {"d.a", "e.b"}, {"d.swap1", "d.swap2"}, {"d.swap2", "d.swap1"}}});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
}

/// Every catalog change, of names that are remapped and of others, and across.
void change_catalog(lab::client& source, int round) {
  const std::string n = std::to_string(round);
  for (const char* database : {"app", "d", "plain"}) {
    insert(source, database, "made_" + n, 1);
    source.run(database, R"({"createIndexes": "made_)" + n +
                             R"(", "indexes": [{"key": {"k": 1}, "name": "k", "unique": true}]})");
    source.run(database, R"({"collMod": "made_)" + n + R"(", "validator": {"k": {"$lt": 1000}}})");
    source.run(database, R"({"create": "seen_)" + n + R"(", "viewOn": "made_)" + n + R"(", "pipeline": []})");
    insert(source, database, "renamed_" + n, 1);
    rename(source, std::string(database) + ".renamed_" + n, std::string(database) + ".now_" + n);
    source.run(database, R"({"create": "ring_)" + n + R"(", "capped": true, "size": 4096, "max": 3})");
    for (int id = 0; id < 5; ++id) insert(source, database, "ring_" + n, id);
    insert(source, database, "dropped_" + n, 1);
    source.run(database, R"({"drop": "dropped_)" + n + R"("})");
    source.run(database,
               R"({"aggregate": "made_)" + n + R"(", "pipeline": [{"$out": "out_)" + n + R"("}], "cursor": {}})");
  }
  rename(source, "app.now_" + n, "plain.from_app_" + n);
  rename(source, "plain.now_" + n, "app.from_plain_" + n);
  // Onto names that have rules of their own, and away from them.
  rename(source, "d.now_" + n, "d.a");
  insert(source, "d", "a", 100 + round);
  rename(source, "d.swap1", "d.aside");
  rename(source, "d.swap2", "d.swap1");
  rename(source, "d.aside", "d.swap2");
  insert(source, "d", "swap1", 100 + round);
  insert(source, "app", "gone", round);
  source.run("app2", R"({"create": "x"})");
  source.run("app2", R"({"dropDatabase": 1})");
}

TEST(sync_namespaces, databases_and_collections_have_other_names) {
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  auto source = sets.source.connect();
  for (int id = 0; id < 10; ++id) {
    insert(source, "d", "a", id);
    insert(source, "d", "swap1", id);
    insert(source, "d", "swap2", id + 1000);
    insert(source, "d", "same", id);
  }
  source.run("d", R"({"create": "seen", "viewOn": "swap1",
      "pipeline": [{"$lookup": {"from": "swap2", "localField": "k", "foreignField": "k", "as": "x"}}]})");
  application inside(sets.source.uri());
  const operated sluice(sets);
  int round = 0;
  for (const bool applying : {false, true, true}) {
    const auto run = sluice.run(with_remaps());
    for (int i = 0; i < 2; ++i) change_catalog(source, round++);
    ASSERT_TRUE(
        lab::eventually([&] { return applying ? stored_phase(sets) == "applying" : !stored_phase(sets).empty(); }, 60s))
        << run->output();
    run->process().signal(SIGKILL);
    run->wait(30s);
  }
  const auto run = sluice.run(with_remaps({"--commit-when-caught-up"}));
  change_catalog(source, round++);
  inside.stop();
  EXPECT_TRUE(run->wait(90s).success()) << run->output();
  source.run("d", R"({"drop": "seen"})");  // rewritten for the destination, which is looked at here
  auto destination = sets.destination.connect();
  const auto views = destination.run("d", R"({"listCollections": 1, "filter": {"name": "seen"}})")
                         .child("cursor.firstBatch")
                         .elements();
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(views.front().text("options.viewOn"), "swap2");
  EXPECT_EQ(views.front().text("options.pipeline.0.$lookup.from"), "swap1");
  destination.run("d", R"({"drop": "seen"})");
  expect_equal_under_other_names(sets);
  EXPECT_EQ(names_in(destination, "zoo"), std::vector<std::string>());
  EXPECT_EQ(names_in(destination, "app"), std::vector<std::string>());
}

TEST(sync_namespaces, a_whole_database_that_is_dropped_goes_where_it_was_called_otherwise) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  insert(source, "a", "c", 1);
  source.run("a", R"({"create": "v", "viewOn": "c", "pipeline": []})");
  insert(source, "other", "c", 1);
  auto settings = sets.settings();
  settings.copy.remaps = {{"a", "b"}};
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  const auto told = run.snapshot(true);
  const auto one = std::ranges::find(told.collections, "a.c", &collection_progress::ns);
  ASSERT_NE(one, told.collections.end());
  EXPECT_EQ(one->destination_ns, "b.c");
  auto destination = sets.destination.connect();
  EXPECT_EQ(names_in(destination, "b"), (std::vector<std::string>{"c", "v"}));
  source.run("a", R"({"dropDatabase": 1})");
  insert(source, "a", "later", 1);
  commit(run);
  EXPECT_EQ(names_in(destination, "b"), std::vector<std::string>{"later"});
}

/// Why a run with these settings does not begin.
std::string refusal(const sync_settings& settings) {
  sync_session run(settings, {});
  EXPECT_TRUE(run.start_now());
  const auto how = run.wait();
  EXPECT_FALSE(how);
  return how ? "" : how.error().message;
}

TEST(sync_namespaces, names_that_would_meet_on_the_destination_are_refused_before_anything_is_written) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  auto destination = sets.destination.connect();
  insert(source, "a", "c", 1);
  insert(source, "shop", "c", 1);
  source.run("a", R"({"create": "v", "viewOn": "c", "pipeline": []})");
  auto settings = sets.settings();
  settings.copy.remaps = {{"a", "shop"}};
  EXPECT_NE(refusal(settings).find("shop.c of the source would be called shop.c on the destination"), std::string::npos)
      << refusal(settings);
  settings.copy.remaps = {{"a", "Shop"}};
  EXPECT_NE(refusal(settings).find("differs by case only"), std::string::npos) << refusal(settings);
  settings.copy.remaps = {{"a.c", "b.c"}};
  EXPECT_NE(refusal(settings).find("the view a.v would be in a"), std::string::npos) << refusal(settings);
  settings.copy.remaps = {{"a", "taken"}};
  insert(destination, "taken", "c", 1);
  EXPECT_NE(refusal(settings).find("already holds 1 of the namespaces to be copied: taken.c"), std::string::npos)
      << refusal(settings);
  EXPECT_EQ(stored_phase(sets), "");
}

TEST(sync_namespaces, a_name_that_comes_up_later_and_is_taken_stops_the_run) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  insert(source, "a", "c", 1);
  insert(source, "d", "c", 1);
  auto settings = sets.settings();
  settings.copy.remaps = {{"a", "b"}};
  for (const bool by_rename : {false, true}) {
    settings.copy.reset = by_rename;
    sync_session run(settings, {});
    ASSERT_TRUE(run.start_now());
    ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
    if (by_rename) {
      rename(source, "d.c", "b.c");
    } else {
      insert(source, "b", "c", 5);
    }
    ASSERT_TRUE(wait_for(run, state::failed));
    EXPECT_NE(run.wait().error().message.find("of the source would be called b."), std::string::npos)
        << run.wait().error().message;
    auto destination = sets.destination.connect();
    EXPECT_EQ(documents_of(destination, "b", "c"), documents_of(source, "a", "c"));
    source.run("b", R"({"drop": "c"})");
    for (const char* database : {"b", "d"}) destination.run(database, R"({"dropDatabase": 1})");
  }
}

// --- some documents ---

constexpr const char* tenants = R"({"t": {"$in": ["a", 7]}})";

/// Documents that come, change, move across the filter in both directions, and go.
void change_documents(lab::client& source, std::mt19937_64& random, int rounds) {
  static constexpr std::array values{R"("a")", R"("b")",        "7",          R"({"$numberDecimal": "7.0"})",
                                     "null",   R"(["x", "a"])", R"({"k": 1})"};
  const auto some = [&] { return std::string(values[random() % values.size()]); };
  for (int i = 0; i < rounds; ++i) {
    const std::string id = std::to_string(random() % 400);
    const std::string q = R"({"_id": )" + id + "}";
    const auto update = [&](const std::string& u) {
      source.run("d", R"({"update": "c", "updates": [{"q": )" + q + R"(, "u": )" + u + R"(, "upsert": true}]})");
    };
    switch (random() % 8) {
      case 0:
        source.run("d", R"({"delete": "c", "deletes": [{"q": )" + q + R"(, "limit": 1}]})");
        break;
      case 1:
        update(R"({"t": )" + some() + R"(, "n": )" + std::to_string(i) + "}");
        break;
      case 2:
        update(R"({"$set": {"t": )" + some() + "}}");
        break;
      case 3:
        update(R"({"$unset": {"t": 1}})");
        break;
      case 4:
        update(R"({"$inc": {"n": 1}, "$set": {"more.x": )" + std::to_string(i) + "}}");
        break;
      case 5:
        update(R"([{"$set": {"t": )" + (random() % 2 == 0 ? std::string(R"("a")") : std::string("1")) +
               R"(, "big": {"$range": [0, 5]}}}])");
        break;
      case 6:
        source.run("d",
                   R"({"update": "c", "updates": [{"q": {"t": "b"}, "u": {"$set": {"t": "a"}}, "multi": false}]})");
        break;
      default:
        update(R"({"$push": {"list": )" + std::to_string(i) + "}}");
        break;
    }
  }
}

TEST(sync_namespaces, documents_are_chosen_by_a_field_and_may_come_and_go) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  pair_of_sets sets;
  auto source = sets.source.connect();
  for (int id = 0; id < 300; ++id) {
    source.run("d", R"({"insert": "c", "documents": [{"_id": )" + std::to_string(id) + R"(, "t": )" +
                        (id % 3 == 0   ? R"("a")"
                         : id % 3 == 1 ? R"("b")"
                                       : "7") +
                        R"(, "n": 0}]})");
  }
  source.run("d", R"({"createIndexes": "c", "indexes": [{"key": {"n": 1}, "name": "n"}]})");
  insert(source, "d", "none", 1);
  const std::vector<std::string> filter{"--document-filter", R"({"field": "t", "matchValues": ["a", 7]})"};
  const operated sluice(sets);
  for (const bool applying : {false, true, true}) {
    const auto run = sluice.run(filter);
    change_documents(source, random, 200);
    ASSERT_TRUE(
        lab::eventually([&] { return applying ? stored_phase(sets) == "applying" : !stored_phase(sets).empty(); }, 60s))
        << run->output();
    change_documents(source, random, 100);
    run->process().signal(SIGKILL);
    run->wait(30s);
  }
  auto arguments = filter;
  arguments.emplace_back("--commit-when-caught-up");
  const auto run = sluice.run(arguments);
  change_documents(source, random, 300);
  // Renamed in: copied as a whole, which is of the filter's documents.
  source.run("d", R"({"insert": "late", "documents": [{"_id": 1, "t": "a"}, {"_id": 2, "t": "b"}]})");
  EXPECT_TRUE(run->wait(90s).success()) << run->output();
  auto destination = sets.destination.connect();
  const auto wanted = documents_of(source, "d", "c", tenants);
  EXPECT_GT(wanted.size(), 20U);
  EXPECT_EQ(documents_of(destination, "d", "c"), wanted);
  EXPECT_EQ(documents_of(destination, "d", "late").size(), 1U);
  EXPECT_EQ(documents_of(destination, "d", "none").size(), 0U);
  EXPECT_EQ(names_in(destination, "d"), names_in(source, "d"));
  EXPECT_EQ(destination.run("d", R"({"listIndexes": "c"})").child("cursor.firstBatch").elements().size(), 2U);
}

TEST(sync_namespaces, documents_of_some_collections_cannot_be_chosen) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  source.run("d", R"({"create": "german", "collation": {"locale": "de"}})");
  auto settings = sets.settings();
  bson::builder given;
  given.append("field", "t").open_array("matchValues").push("a").close();
  settings.copy.documents = cluster::document_filter::of(given.finish()).value();
  EXPECT_NE(refusal(settings).find("d.german has a collation"), std::string::npos) << refusal(settings);
  source.run("d", R"({"drop": "german"})");
  source.run("d", R"({"create": "series", "timeseries": {"timeField": "at"}})");
  EXPECT_NE(refusal(settings).find("d.series is a time-series collection"), std::string::npos) << refusal(settings);
  EXPECT_EQ(stored_phase(sets), "");
  source.run("d", R"({"drop": "series"})");
  // Made while it is followed.
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  EXPECT_TRUE(run.snapshot(false).totals_unknown);
  source.run("d", R"({"create": "later", "collation": {"locale": "de"}})");
  ASSERT_TRUE(wait_for(run, state::failed));
  EXPECT_NE(run.wait().error().message.find("d.later has a collation"), std::string::npos);
}

// --- a destination that holds data of others ---

TEST(sync_namespaces, data_of_others_on_the_destination_is_left_alone) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  auto destination = sets.destination.connect();
  for (const char* ns : {"shop.orders", "shop.people", "blog.posts"}) {
    const auto name = cluster::parse_namespace(ns);
    for (int id = 0; id < 50; ++id) insert(source, name->database, name->collection, id);
  }
  source.run("shop", R"({"create": "seen", "viewOn": "orders", "pipeline": []})");
  insert(destination, "shop", "theirs", 1);
  insert(destination, "theirs", "c", 1);
  destination.run("shop", R"({"create": "their_view", "viewOn": "theirs", "pipeline": []})");
  const std::vector<std::string> beside{"--include", "shop", "--pre-existing-destination-data"};
  const operated sluice(sets);
  for (const bool applying : {false, true}) {
    const auto run = sluice.run(beside);
    ASSERT_TRUE(
        lab::eventually([&] { return applying ? stored_phase(sets) == "applying" : !stored_phase(sets).empty(); }, 60s))
        << run->output();
    EXPECT_NE(run->output().find("ATTENTION"), std::string::npos) << run->output();
    insert(destination, "shop", "theirs", applying ? 3 : 2);  // nobody refuses their writes
    insert(source, "shop", "orders", applying ? 101 : 100);
    source.run("shop", R"({"create": "seen_)" + std::string(applying ? "1" : "2") +
                           R"(", "viewOn": "orders", "pipeline": []})");
    run->process().signal(SIGKILL);
    run->wait(30s);
  }
  auto arguments = beside;
  arguments.emplace_back("--commit-when-caught-up");
  const auto run = sluice.run(arguments);
  source.run("shop", R"({"dropDatabase": 1})");
  insert(source, "shop", "again", 1);
  EXPECT_TRUE(run->wait(90s).success()) << run->output();
  EXPECT_EQ(names_in(destination, "shop"), (std::vector<std::string>{"again", "their_view", "theirs"}));
  EXPECT_EQ(documents_of(destination, "shop", "theirs").size(), 3U);
  EXPECT_EQ(names_in(destination, "theirs"), std::vector<std::string>{"c"});
  EXPECT_EQ(names_in(destination, "blog"), std::vector<std::string>());
}

TEST(sync_namespaces, two_sources_go_into_one_destination_side_by_side) {
  pair_of_sets sets;
  lab::replica_set other(set_of("src2", "6.0.27"));
  auto north = sets.source.connect();
  auto south = other.connect();
  for (int id = 0; id < 50; ++id) {
    insert(north, "north", "orders", id);
    insert(south, "south", "orders", id);
  }
  const scratch_folder other_spool;
  const auto run_of = [&](const std::string& name, const std::string& source_uri, const std::filesystem::path& spool) {
    auto settings = sets.settings();
    settings.copy.source_uri = source_uri;
    settings.copy.include = {name};
    settings.copy.migration_name = name;
    settings.beside_others = true;
    settings.spool_dir = spool;
    return std::make_unique<sync_session>(settings, labels());
  };
  const auto first = run_of("north", sets.source.uri(), sets.spool.path());
  const auto second = run_of("south", other.uri(), other_spool.path());
  ASSERT_TRUE(first->start_now());
  ASSERT_TRUE(second->start_now());
  for (const auto* run : {first.get(), second.get()}) {
    ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  }
  insert(north, "north", "orders", 100);
  insert(south, "south", "people", 100);
  // Another source under a name that is taken is told so.
  const scratch_folder third_spool;
  const auto third = run_of("north", other.uri(), third_spool.path());
  ASSERT_TRUE(third->start_now());
  EXPECT_FALSE(third->wait());
  commit(*first);
  insert(south, "south", "people", 101);
  commit(*second);
  expect_equal(sets, {"north"});
  const auto verdict =
      lab::compare({.source_uri = other.uri(), .destination_uri = sets.destination.uri(), .include = {"south"}});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
}

TEST(sync_namespaces, what_would_meet_data_of_others_is_refused_or_stops_the_run) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  auto destination = sets.destination.connect();
  insert(source, "shop", "orders", 1);
  insert(destination, "shop", "orders", 77);
  insert(destination, "shop", "theirs", 1);
  auto settings = sets.settings();
  settings.copy.include = {"shop"};
  settings.beside_others = true;
  EXPECT_NE(refusal(settings).find("already holds 1 of the namespaces to be copied: shop.orders"), std::string::npos)
      << refusal(settings);
  EXPECT_EQ(documents_of(destination, "shop", "orders").size(), 1U);
  destination.run("shop", R"({"drop": "orders"})");
  for (const bool by_rename : {false, true}) {
    settings.copy.reset = by_rename;
    sync_session run(settings, {});
    ASSERT_TRUE(run.start_now());
    ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
    if (by_rename) {
      rename(source, "shop.orders", "shop.theirs");
    } else {
      insert(source, "shop", "theirs", 5);
    }
    ASSERT_TRUE(wait_for(run, state::failed));
    EXPECT_NE(run.wait().error().message.find("shop.theirs was on the destination before this run"), std::string::npos)
        << run.wait().error().message;
    EXPECT_EQ(documents_of(destination, "shop", "theirs").size(), 1U);
    source.run("shop", R"({"drop": "theirs"})");
    if (!by_rename) destination.run("shop", R"({"drop": "orders"})");
  }
}

}  // namespace
}  // namespace sluice::session
