// What operators get wrong, and what others do to a run: calls at the wrong time, other writers, an oplog that nobody
// understands. The real program says what it met and what is allowed, and applies nothing beyond it.
#include "tests/integration/sync_misuse.hpp"

namespace sluice::session {
namespace {

using namespace testing;
using lab::document;

// --- the operator's calls ---

TEST(sync_calls, at_the_wrong_time_are_answered_with_the_state_and_what_is_allowed) {
  const pair_of_sets sets;
  lab::load_lim(sets.source.uri(), {.documents = 60'000});
  slow_inserts(sets, true);
  const auto port = lab::free_port();
  operated sluice(sets);
  const auto run = sluice.with_port(port).start(false);
  const auto call = [port](const std::string& name) {
    return testing::call(port, name, name == "start" ? R"({"source": "cluster0", "destination": "cluster1"})" : "{}");
  };
  const auto refused = [&](const std::string& name, const std::vector<std::string>& words) {
    const auto reply = call(name);
    EXPECT_EQ(reply.status, 409) << name << ": " << reply.body;
    for (const auto& each : words) EXPECT_NE(reply.body.find(each), std::string::npos) << each << ": " << reply.body;
  };
  const auto state_is = [port](const std::string& wanted) {
    return lab::eventually([&] { return progress_at(port).text("state") == wanted; }, 60s);
  };
  ASSERT_TRUE(reaches(*run, sets, "copying")) << run->output();
  ASSERT_TRUE(state_is("RUNNING"));
  refused("start", {"RUNNING", "allowed: pause"});
  refused("resume", {"RUNNING", "allowed: pause"});
  refused("commit", {"still being copied", "canCommit"});
  EXPECT_EQ(call("pause").status, 200);
  ASSERT_TRUE(state_is("PAUSED"));
  refused("pause", {"PAUSED", "allowed: resume and commit"});
  refused("start", {"PAUSED", "allowed: resume and commit"});
  refused("commit", {"still being copied"});
  slow_inserts(sets, false);
  EXPECT_EQ(call("resume").status, 200);
  ASSERT_TRUE(state_is("RUNNING"));
  ASSERT_TRUE(lab::eventually([&] { return call("commit").status == 200; }, 60s)) << run->output();
  expect_success(*run);
  sets.expect_equal();
}

// --- the source ---

TEST(sync_source, a_collection_that_is_dropped_and_made_again_is_the_new_one) {
  const pair_of_sets sets;
  auto source = sets.source.connect();
  lab::load_lim(sets.source.uri(), {.documents = 30'000});
  const auto make_again = [&](int generation) {
    source.run("lim", R"({"drop": "docs"})");
    source.run("lim", R"({"create": "docs", "validator": {"g": )" + std::to_string(generation) + "}}");
    source.insert("lim", "docs", document::json(R"({"_id": 1, "g": )" + std::to_string(generation) + "}"));
  };
  slow_inserts(sets, true);
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.documents_copied > 0; }));
  make_again(1);
  slow_inserts(sets, false);
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  make_again(2);
  make_again(3);
  commit(*run);
  sets.expect_equal();
  EXPECT_EQ(run->snapshot(false).follow.violations, 0);
}

// Members of a set compare their data by entries of the oplog that change nothing.
TEST(sync_source, commands_that_change_nothing_are_passed_over) {
  const pair_of_sets sets;
  auto source = sets.source.connect();
  source.run("d", R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]})");
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  source.run("d", R"({"dbCheck": "c"})");
  ASSERT_TRUE(lab::eventually(
      [&] {
        return source.run("local", R"({"find": "oplog.rs", "filter": {"o.dbCheck": {"$exists": true}}})")
            .has("cursor.firstBatch.0");
      },
      30s));
  source.run("d", R"({"insert": "c", "documents": [{"_id": 3}]})");
  commit(*run);
  sets.expect_equal();
}

/// An entry as a newer server, or a damaged one, may have it; between two that are understood.
class entry_of_another_kind {
 public:
  explicit entry_of_another_kind(pair_of_sets& sets) : sets_(sets) {}

  /// What is at `fields` stands behind {_id: "before"} and before {_id: "behind"}.
  void put(const std::string& fields) {
    auto source = sets_.source.connect();
    const auto before = source.run("d", R"({"insert": "c", "documents": [{"_id": "before"}]})");
    const auto seconds = time_of(before);
    // Behind it by at least a second, so that there is a time in between.
    EXPECT_TRUE(lab::eventually(
        [&] { return time_of(source.run("admin", R"({"appendOplogNote": 1, "data": {"a": 1}})")) > seconds + 1; },
        30s));
    source.run("d", R"({"insert": "c", "documents": [{"_id": "behind"}]})");
    // Nobody but a server that is no member of a set writes into an oplog.
    lab::mongod_process& node = sets_.source.node(0);
    node.restart_alone();
    node.connect().run("local", R"({"insert": "oplog.rs", "documents": [{"ts": {"$timestamp": {"t": )" +
                                    std::to_string(seconds + 1) + R"(, "i": 1000}}, "t": {"$numberLong": "1"},
                                    "v": {"$numberLong": "2"}, "wall": {"$date": "2026-01-01T00:00:00Z"}, )" +
                                    fields + "}]}");
    sets_.source.restart();
  }

 private:
  static std::uint32_t time_of(const document& reply) {
    bson_iter_t field;
    std::uint32_t seconds = 0;
    std::uint32_t increment = 0;
    if (bson_iter_init_find(&field, reply.get(), "operationTime")) bson_iter_timestamp(&field, &seconds, &increment);
    return seconds;
  }
  pair_of_sets& sets_;
};

struct strange_entry {
  const char* name;
  const char* fields;
  const char* words;  // of the message
};
const strange_entry strange_entries[] = {
    {"of_a_newer_server", R"("op": "xi", "ns": "d.c", "o": {"new": 1})", "does not know"},
    {"unknown_command", R"("op": "c", "ns": "d.$cmd", "o": {"importCollection": "c"})", "does not know"},
    {"malformed", R"("op": "i", "ns": "d.c", "o": {"_id": "new"}, "ui": 7)", "of a kind that it never has"},
};

class sync_oplog : public ::testing::TestWithParam<strange_entry> {};
INSTANTIATE_TEST_SUITE_P(entry, sync_oplog, ::testing::ValuesIn(strange_entries),
                         [](const auto& one) { return std::string(one.param.name); });

/// As it stands within a string of the log's JSON.
std::string in_log(std::string_view json) {
  std::string text;
  for (const char c : json) text += c == '"' ? std::string("\\\"") : std::string(1, c);
  return text;
}

TEST_P(sync_oplog, that_nobody_understands_stops_the_run_there_with_the_entry) {
  pair_of_sets sets;
  sets.source.connect().run("d", R"({"insert": "c", "documents": [{"_id": 1}]})");
  const operated sluice(sets);
  {
    const auto run = sluice.start(false);
    ASSERT_TRUE(reaches(*run, sets, "applying")) << run->output();
    stop(*run);
  }
  entry_of_another_kind(sets).put(GetParam().fields);
  for (int times = 0; times < 2; ++times) {  // again is the same
    const auto run = sluice.start(true);
    expect_refusal(*run, {GetParam().words, in_log(GetParam().fields)});
  }
  const auto beyond =
      sets.destination.connect().run("d", R"({"find": "c", "filter": {"_id": {"$nin": [1, "before"]}}})");
  EXPECT_FALSE(beyond.has("cursor.firstBatch.0")) << lab::to_text(*beyond.get());
}

// --- the destination ---

TEST(sync_destination, who_else_writes_to_it_is_found_out_and_the_documents_are_named) {
  const pair_of_sets sets;
  auto source = sets.source.connect();
  auto destination = sets.destination.connect();
  source.run("d", R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]})");
  const auto port = lab::free_port();
  operated sluice(sets);
  const auto run = sluice.with_port(port).start(false);
  ASSERT_TRUE(reaches(*run, sets, "applying")) << run->output();
  // From then on each write has its effect.
  ASSERT_TRUE(lab::eventually([&] { return progress_at(port).boolean("canCommit"); }, 60s)) << run->output();
  destination.run("d", R"({"delete": "c", "deletes": [{"q": {"_id": 2}, "limit": 1}]})");
  destination.run("d", R"({"insert": "c", "documents": [{"_id": "theirs"}]})");
  source.run("d", R"({"update": "c", "updates": [{"q": {"_id": 2}, "u": {"$set": {"a": 1}}}]})");
  source.run("d", R"({"insert": "c", "documents": [{"_id": "theirs", "a": 1}]})");
  ASSERT_TRUE(lab::eventually(
      [&] {
        return lab::to_text(*progress_at(port).get(), 100'000).find("somebody else may have") != std::string::npos;
      },
      60s))
      << run->output();
  expect_said(*run, {"d.c", "updates found nothing", "theirs"});
  stop(*run);
}

TEST(sync_destination, an_index_that_it_refuses_is_named_with_its_words) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  source.run("d", R"({"insert": "c", "documents": [{"_id": 1, "k": 1}]})");
  source.run("d", R"({"createIndexes": "c", "indexes": [{"key": {"k": 1}, "name": "wanted"}]})");
  sets.destination.connect().run("admin", R"({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data":
      {"failCommands": ["createIndexes"], "errorCode": 67, "namespace": "d.c"}})");
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  // Following goes on: what an index serves is the application's, later.
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  ASSERT_TRUE(run->commit());
  ASSERT_TRUE(
      wait_until(*run, [&](const progress& now) { return now.now == state::running && warns(*run, "wanted"); }));
  sets.destination.connect().run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  commit(*run);
  sets.expect_equal();
}

}  // namespace
}  // namespace sluice::session
