// The writer against real servers: what a window comes to, what servers refuse, elections and lost connections.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/fault/proxy.hpp"
#include "tests/integration/apply_sets.hpp"

namespace sluice::apply {
namespace {

using namespace std::chrono_literals;
using testing::all_of;
using testing::destination;
using testing::document;
using testing::expect_same;
using testing::newest;
using testing::oplog_of;
using testing::plan_of;
using testing::set_of;
using testing::target_named;

/// One server for all tests of this file that need no other; each test begins with an empty database.
class apply_writer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { set_ = new lab::replica_set(set_of("apply", "6.0.27")); }
  static void TearDownTestSuite() {
    delete set_;
    set_ = nullptr;
  }
  void SetUp() override { server.run("d", R"({"dropDatabase": 1})"); }
  static std::string uri() { return set_->uri(); }

  void fail_command(const std::string& times, const std::string& data) {
    server.run("admin", R"({"configureFailPoint": "failCommand", "mode": )" + times + R"(, "data": )" + data + "}");
  }
  void expect_documents(const std::string& collection, std::vector<std::string> jsons) {
    const auto found = all_of(server, collection);
    ASSERT_EQ(found.size(), jsons.size());
    for (std::size_t i = 0; i < jsons.size(); ++i)
      EXPECT_EQ(found[i].raw(), document::json(jsons[i]).raw()) << lab::to_text(*found[i].get());
  }

  static lab::replica_set* set_;
  lab::client server = lab::client(uri());
};
lab::replica_set* apply_writer::set_ = nullptr;

/// Every operator, few documents: they meet often.
class random_operations {
 public:
  random_operations(lab::client& server, std::string collection, std::uint64_t seed)
      : random(seed), server_(server), collection_(std::move(collection)) {}

  void run(std::size_t operations) {
    for (std::size_t i = 0; i < operations; ++i) one();
  }

  std::mt19937_64 random;

 private:
  std::size_t below(std::size_t n) { return random() % n; }
  const char* any(std::initializer_list<const char*> of) { return *(of.begin() + below(of.size())); }
  std::string id() {
    static constexpr const char* odd[] = {R"({"$ref": "c", "$id": 1})",
                                          R"({"a": {"$numberLong": "1"}})",
                                          R"("x")",
                                          R"({"$numberDecimal": "1.50"})",
                                          "null",
                                          "true",
                                          R"({"$minKey": 1})",
                                          R"({"$maxKey": 1})",
                                          R"({"$date": {"$numberLong": "5"}})",
                                          R"({"$timestamp": {"t": 0, "i": 0}})",
                                          R"({"$binary": {"base64": "AQID", "subType": "04"}})",
                                          R"({"$oid": "0123456789abcdef01234567"})",
                                          "{}",
                                          R"({"$numberDouble": "NaN"})"};
    const auto number = below(30);
    if (number < std::size(odd)) return odd[number];
    // One key in three types.
    return below(2) == 0 ? std::to_string(number) : R"({"$numberLong": ")" + std::to_string(number) + "\"}";
  }
  std::string value() {
    return any({"1", "2.5", R"("text")", "[1, 2, 3]", R"({"x": 1, "y": {"z": 2}})", "null", "[]", "{}",
                R"([{"k": 1}, {"k": 2}])", R"({"$numberLong": "7"})", R"({"$timestamp": {"t": 0, "i": 0}})",
                R"({"a.b": 1, "$c": 2})"});
  }
  std::string field() { return any({"a", "b", "c", "d", "e", "arr", "doc"}); }
  std::string whole(const std::string& of) {
    std::string made = R"({"_id": )" + of;
    for (const char* name : {"a", "b", "arr", "doc", "$odd", "dotted.name", ""})
      if (below(3) == 0) made += std::string(", \"") + name + "\": " + value();
    return made + "}";
  }
  std::string change() {
    switch (below(12)) {
      case 0:
        return R"({"$inc": {"n": 1, "doc.n": 2}})";
      case 1:
        return R"({"$push": {"arr": )" + value() + "}}";
      case 2:
        return R"({"$pop": {"arr": 1}})";
      case 3:
        return R"({"$addToSet": {"arr": 5}})";
      case 4:
        return R"({"$unset": {")" + field() + R"(": 1, "doc.x": 1}})";
      case 5:
        return R"({"$rename": {"a": "e"}})";
      case 6:
        return R"([{"$set": {"z": "$a", "doc.p": 1}}, {"$unset": "b"}])";
      case 7:
        return R"([{"$replaceWith": {"_id": "$_id", "q": "$b", "a": "$a"}}])";
      case 8:
        return R"({"$set": {"doc.x": )" + value() + R"(, "doc.y.z": 1}})";
      case 9:
        return R"({"$currentDate": {"when": true}})";
      default:
        return R"({"$set": {")" + field() + "\": " + value() + ", \"" + field() + "2\": " + value() + "}}";
    }
  }
  /// What the server refuses (a $push onto a number) has no entry.
  void one() {
    const std::string of = id();
    std::string command;
    if (below(10) < 3) {
      command = R"({"insert": ")" + collection_ + R"(", "documents": [)" + whole(of) + "]}";
    } else if (below(10) < 2) {
      command =
          R"({"delete": ")" + collection_ + R"(", "deletes": [{"q": {"_id": {"$eq": )" + of + R"(}}, "limit": 1}]})";
    } else {
      std::string what = change();
      if (below(8) == 0) what = R"([{"$replaceWith": {"$literal": )" + whole(of) + "}}]";
      command = R"({"update": ")" + collection_ + R"(", "updates": [{"q": {"_id": {"$eq": )" + of + R"(}}, "u": )" +
                what + "}]}";
    }
    document reply;
    bson_error_t ignored;
    (void)server_.try_run("d", document::json(command), reply, ignored);
  }

  lab::client& server_;
  std::string collection_;
};

class apply_writer_random : public apply_writer, public ::testing::WithParamInterface<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(seeds, apply_writer_random, ::testing::Values(1, 2, 3, 4));

// Once over nothing, where the free check must be content, and once more over its own result: a replay converges.
TEST_P(apply_writer_random, changes_end_in_the_same_bytes) {
  const auto from = newest(server);
  server.run("d", R"({"create": "to"})");
  random_operations operations(server, "from", GetParam());
  operations.run(1500);
  const auto entries = oplog_of(server, "d.from", from);
  ASSERT_GT(entries.size(), 500U);
  for (const std::size_t windows : {1U, 40U, 2000U}) {
    SCOPED_TRACE("windows of up to " + std::to_string(windows));
    server.run("d", R"({"delete": "to", "deletes": [{"q": {}, "limit": 0}]})");
    destination to(uri(), 3);
    const auto first = to.apply(entries, target_named("to"), operations.random, windows, true);
    for (const auto& one : first.violations) ADD_FAILURE() << one.what << " " << one.ids_json.front();
    expect_same(server, "from", "to");
    EXPECT_EQ(to.counters.changes, static_cast<std::int64_t>(entries.size()));
    (void)to.apply(entries, target_named("to"), operations.random, windows);
    expect_same(server, "from", "to");
  }
}

// A failing command is sent again whether it ran or not.
TEST_P(apply_writer_random, changes_survive_faults) {
  const auto from = newest(server);
  server.run("d", R"({"create": "to"})");
  random_operations operations(server, "from", GetParam());
  operations.run(600);
  const auto entries = oplog_of(server, "d.from", from);
  const std::string commands = R"("failCommands": ["insert", "update", "delete"])";
  const std::vector<std::string> faults{
      "{" + commands + R"(, "closeConnection": true})",
      "{" + commands + R"(, "errorCode": 10107})",
      "{" + commands + R"(, "errorCode": 11602})",
      "{" + commands + R"(, "writeConcernError": {"code": 91, "errmsg": "shutting down"}})",
  };
  destination to(uri(), 3);
  const std::span<const std::shared_ptr<const document>> all(entries);
  const std::size_t part = all.size() / faults.size() + 1;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    fail_command(R"({"times": 4})", faults[i]);
    const auto begin = std::min(all.size(), i * part);
    const auto some = all.subspan(begin, std::min(part, all.size() - begin));
    const auto written = to.apply(some, target_named("to"), operations.random, 30, true);
    EXPECT_TRUE(written.violations.empty()) << faults[i] << ": " << written.violations.front().what;
  }
  EXPECT_GE(to.counters.retries, static_cast<std::int64_t>(faults.size()));
  expect_same(server, "from", "to");
}

TEST_F(apply_writer, many_changes_go_over_several_connections) {
  destination to(uri(), 4);
  plan_of inserts(target_named("to"));
  for (int id = 0; id < 20'000; ++id) inserts.add(write_kind::insert, R"({"_id": )" + std::to_string(id) + "}");
  ASSERT_TRUE(to.write(inserts.take(), true));
  EXPECT_EQ(to.counters.round_trips, 4);
  EXPECT_EQ(server.count("d", "to"), 20'000);
  plan_of mixed(target_named("to"));
  for (int id = 0; id < 10'000; ++id) mixed.update(R"({"_id": )" + std::to_string(id) + "}", R"({"$set": {"a": 1}})");
  for (int id = 10'000; id < 20'000; ++id) mixed.add(write_kind::remove, R"({"_id": )" + std::to_string(id) + "}");
  const auto written = to.write(mixed.take(), true);
  ASSERT_TRUE(written);
  EXPECT_TRUE(written.value().violations.empty());
  EXPECT_TRUE(written.value().term.known());
  EXPECT_EQ(to.counters.updates, 10'000);
  EXPECT_EQ(to.counters.deletes, 10'000);
  const auto left = server.run("d", R"({"count": "to", "query": {"a": 1}})");
  EXPECT_EQ(left.integer("n"), 10'000);
  EXPECT_EQ(server.count("d", "to"), 10'000);
}

TEST_F(apply_writer, a_small_window_is_one_command_a_kind) {
  server.run("d", R"({"insert": "to", "documents": [{"_id": 1}, {"_id": 2}]})");
  destination to(uri());
  plan_of few(target_named("to"));
  few.add(write_kind::insert, R"({"_id": 3})").update(R"({"_id": 1})", R"({"$set": {"a": 1}})");
  few.add(write_kind::remove, R"({"_id": 2})");
  ASSERT_TRUE(to.write(few.take()));
  EXPECT_EQ(to.counters.round_trips, 3);
  expect_documents("to", {R"({"_id": 1, "a": 1})", R"({"_id": 3})"});
}

TEST_F(apply_writer, inserts_that_find_their_id_replace_it) {
  // Also where the type of the _id differs, and where a replacement may not have such names.
  server.run("d", R"({"insert": "to", "documents": [{"_id": 1, "old": 1}, {"_id": 2, "old": 1}]})");
  destination to(uri());
  plan_of inserts(target_named("to"));
  inserts.add(write_kind::insert, R"({"_id": {"$numberLong": "1"}, "new": 1})");
  inserts.add(write_kind::insert, R"({"_id": 2, "$x": 1, "a.b": 2, "": 3})");
  inserts.add(write_kind::insert, R"({"_id": 3, "$y": 1})");
  ASSERT_TRUE(to.write(inserts.take()));
  expect_documents("to", {R"({"_id": {"$numberLong": "1"}, "new": 1})", R"({"_id": 2, "$x": 1, "a.b": 2, "": 3})",
                          R"({"_id": 3, "$y": 1})"});
}

TEST_F(apply_writer, the_free_check_sees_what_a_consistent_destination_would_not_show) {
  server.run("d", R"({"insert": "to", "documents": [{"_id": 1}, {"_id": 2}]})");
  destination to(uri());
  const auto written = [&](const std::function<void(plan_of&)>& fill, bool check = true) {
    plan_of plan(target_named("to"));
    fill(plan);
    auto done = to.write(plan.take(), check);
    EXPECT_TRUE(done);
    return done ? done.value().violations : std::vector<written_window::violation>{};
  };
  auto said = written(
      [](plan_of& plan) { plan.add(write_kind::insert, R"({"_id": 1})").add(write_kind::insert, R"({"_id": 5})"); });
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].what, "1 of 1 inserts found their _id there");
  EXPECT_EQ(said[0].ids_json, std::vector<std::string>{"1"});
  said = written([](plan_of& plan) {
    plan.update(R"({"_id": 1})", R"({"$set": {"a": 1}})").update(R"({"_id": 77})", R"({"$set": {"a": 1}})");
  });
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].what, "1 of 2 updates found nothing");
  EXPECT_EQ(said[0].ids_json, std::vector<std::string>{"77"});
  said = written([](plan_of& plan) {
    plan.add(write_kind::replace, R"({"_id": 2, "r": 1})").add(write_kind::replace, R"({"_id": 78})");
  });
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].what, "1 of 2 replaces found nothing");
  EXPECT_EQ(said[0].ids_json, std::vector<std::string>{"78"});
  said = written(
      [](plan_of& plan) { plan.add(write_kind::remove, R"({"_id": 5})").add(write_kind::remove, R"({"_id": 79})"); });
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].what, "1 of 2 deletes found nothing");
  EXPECT_EQ(to.counters.violations, 4);
  // What expects nothing, and a destination that is not consistent yet.
  said = written([](plan_of& plan) {
    plan.add(write_kind::remove, R"({"_id": 80})", false).update(R"({"_id": 81})", R"({"$set": {"a": 1}})", false);
    plan.add(write_kind::remove, R"({"_id": 78})");
  });
  EXPECT_TRUE(said.empty());
  said = written([](plan_of& plan) { plan.add(write_kind::remove, R"({"_id": 82})"); }, false);
  EXPECT_TRUE(said.empty());
}

TEST_F(apply_writer, a_refusal_names_the_document) {
  server.run("d", R"({"createIndexes": "to", "indexes": [{"key": {"k": 1}, "name": "k", "unique": true}]})");
  server.run("d", R"({"insert": "to", "documents": [{"_id": 1, "k": 1}, {"_id": 2, "k": 2}]})");
  const auto refused = [&](const std::function<void(plan_of&)>& fill) {
    destination to(uri());
    plan_of plan(target_named("to"));
    fill(plan);
    const auto done = to.write(plan.take());
    EXPECT_FALSE(done);
    return done ? error{} : done.error();
  };
  auto why = refused([](plan_of& plan) { plan.add(write_kind::insert, R"({"_id": 9, "k": 1})"); });
  EXPECT_EQ(why.kind, error_kind::server);
  EXPECT_EQ(why.server_code, 11000);
  for (const char* part : {"d.to", "_id 9", "dup key: { k: 1 }"})
    EXPECT_NE(why.message.find(part), std::string::npos) << part << ": " << why.message;
  why = refused([](plan_of& plan) {
    plan.update(R"({"_id": 1})", R"({"$set": {"a": 1}})").update(R"({"_id": 2})", R"({"$set": {"k": 1}})");
  });
  for (const char* part : {"d.to", "_id 2", "dup key: { k: 1 }"})
    EXPECT_NE(why.message.find(part), std::string::npos) << part << ": " << why.message;
  why = refused([](plan_of& plan) { plan.update(R"({"_id": 1})", R"({"$bogus": {"a": 1}})"); });
  EXPECT_NE(why.message.find("d.to"), std::string::npos) << why.message;
  fail_command(R"({"times": 1})", R"({"failCommands": ["insert"], "errorCode": 13})");
  why = refused([](plan_of& plan) { plan.add(write_kind::insert, R"({"_id": 9})"); });
  EXPECT_EQ(why.server_code, 13);
  EXPECT_NE(why.message.find("d.to: "), std::string::npos) << why.message;
}

TEST_F(apply_writer, modifiers_that_a_path_stops_are_taken_apart) {
  server.run("d", R"({"insert": "to", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": {}}]})");
  for (const bool ordered : {false, true}) {
    destination to(uri());
    plan_of plan(target_named("to"), ordered);
    const std::string field = ordered ? "o" : "u";
    for (const char* id : {R"({"_id": 1})", R"({"_id": 2})"})
      plan.update(id, R"({"$set": {")" + field + R"(": 1, "a.b": 2}})");
    const auto done = to.write(plan.take(), true);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_TRUE(done.value().violations.empty());
    EXPECT_EQ(to.counters.updates, 2);
  }
  expect_documents("to", {R"({"_id": 1, "a": 1, "u": 1, "o": 1})", R"({"_id": 2, "a": {"b": 2}, "u": 1, "o": 1})"});
}

// Servers store such documents; a diff that goes into the field is refused by the pipeline that applies it.
TEST_F(apply_writer, a_document_that_has_a_name_twice_is_followed_as_far_as_the_server_can_and_then_named) {
  const auto from = newest(server);
  server.run("d", R"({"create": "to"})");
  std::mt19937_64 random;
  server.run("d", R"({"insert": "from", "documents": [{"_id": 1, "a": 1, "a": [2]}, {"_id": 2, "b": 1, "b": 2}]})");
  server.run("d",
             R"({"update": "from", "updates": [{"q": {"_id": 1}, "u": {"a": 7, "a": 8, "list": [1], "list": 2}}]})");
  server.run("d", R"({"update": "from", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 3}}}]})");
  server.run("d", R"({"update": "from", "updates": [{"q": {"_id": 1}, "u": {"$set": {"fresh.x": 1}}}]})");
  server.run("d", R"({"delete": "from", "deletes": [{"q": {"_id": 2}, "limit": 1}]})");
  destination to(uri());
  (void)to.apply(oplog_of(server, "d.from", from), target_named("to"), random, 1);
  expect_same(server, "from", "to");

  const auto later = newest(server);
  server.run("d", R"({"update": "from", "updates": [{"q": {"_id": 1}, "u": {"$push": {"list": 2}}}]})");
  window one;
  const auto entries = oplog_of(server, "d.from", later);
  ASSERT_EQ(entries.size(), 1U);
  ASSERT_TRUE(one.add(testing::change_of(testing::view_of(*entries.front())), target_named("to"), entries.front()));
  const auto written = to.write(one.finish());
  ASSERT_FALSE(written);
  for (const char* part : {"d.to", "_id 1", "has a name twice", "leave its collection out"})
    EXPECT_NE(written.error().message.find(part), std::string::npos) << part << ": " << written.error().message;
}

document of_bytes(std::size_t bytes, std::int64_t id, char fill) {
  std::string json = R"({"_id": )" + std::to_string(id) + R"(, "s": ""})";
  const auto rest = bytes - document::json(json).raw().size();
  json.insert(json.size() - 2, std::string(rest, fill));
  return document::json(json);
}

TEST_F(apply_writer, the_largest_documents_pass) {
  constexpr std::size_t most = 16 * 1024 * 1024;
  destination to(uri());
  const auto write = [&](write_kind kind, char fill) {
    plan_of plan(target_named("to"));
    for (const int id : {1, 2}) plan.add(kind, of_bytes(most, id, fill));
    const auto done = to.write(plan.take());
    ASSERT_TRUE(done) << done.error().message;
  };
  write(write_kind::insert, 'a');
  write(write_kind::insert, 'b');  // found there: replaced
  write(write_kind::replace, 'c');
  ASSERT_EQ(server.count("d", "to"), 2);
  for (const auto& one : all_of(server, "to")) EXPECT_TRUE(one.raw() == of_bytes(most, one.integer("_id"), 'c').raw());
}

void expect_zero_timestamps(const std::string& version) {
  lab::replica_set set(set_of("zero", version));
  auto server = set.connect();
  server.run("d", R"({"create": "to"})");
  const std::string zero = R"({"$timestamp": {"t": 0, "i": 0}})";
  for (const bool ordered : {false, true}) {
    destination to(set.uri());
    const auto write = [&](write_kind kind, const std::string& more) {
      plan_of plan(target_named("to"), ordered);
      for (const int id : {1, 2, 3})
        plan.add(kind, R"({"_id": )" + std::to_string(id) + (id == 2 ? ", \"t\": " + zero : "") + more + "}");
      const auto done = to.write(plan.take());
      ASSERT_TRUE(done) << done.error().message;
      const auto sorted = server.run("d", R"({"find": "to", "sort": {"_id": 1}})");
      const auto found = sorted.child("cursor.firstBatch").elements();
      ASSERT_EQ(found.size(), 3U);
      for (const int id : {1, 2, 3}) {
        EXPECT_EQ(found[static_cast<std::size_t>(id - 1)].raw(),
                  document::json(R"({"_id": )" + std::to_string(id) + (id == 2 ? ", \"t\": " + zero : "") + more + "}")
                      .raw());
      }
    };
    write(write_kind::insert, "");
    write(write_kind::insert, R"(, "again": 1)");
    write(write_kind::replace, R"(, "replaced": 1)");
    server.run("d", R"({"delete": "to", "deletes": [{"q": {}, "limit": 0}]})");
  }
}
TEST(apply_writer_versions, zero_timestamps_stay_where_the_server_can_be_asked) {
  expect_zero_timestamps("6.0.27");
}
TEST(apply_writer_versions, zero_timestamps_stay_where_it_cannot) {
  expect_zero_timestamps("6.0.5");
}

TEST_F(apply_writer, capped_collections_keep_their_order) {
  server.run("d", R"({"create": "to", "capped": true, "size": 1000000})");
  server.run("d", R"({"insert": "to", "documents": [{"_id": 9, "a": 0}, {"_id": 4, "a": 0}]})");
  destination to(uri());
  plan_of plan(target_named("to", true), true);
  for (const int id : {9, 4, 7, 1}) plan.add(write_kind::insert, R"({"_id": )" + std::to_string(id) + R"(, "a": 1})");
  plan.update(R"({"_id": 7})", R"({"$set": {"a": 2}})").update(R"({"_id": 7})", R"({"$set": {"a": 3}})");
  plan.add(write_kind::remove, R"({"_id": 9})").add(write_kind::insert, R"({"_id": 0, "a": 1})");
  const auto done = to.write(plan.take());
  ASSERT_TRUE(done) << done.error().message;
  expect_documents(
      "to", {R"({"_id": 4, "a": 1})", R"({"_id": 7, "a": 3})", R"({"_id": 1, "a": 1})", R"({"_id": 0, "a": 1})"});
}

TEST_F(apply_writer, capped_collections_keep_their_order_when_changes_come_again) {
  server.run("d", R"({"create": "to", "capped": true, "size": 1000000})");
  server.run("d", R"({"insert": "to", "documents": [{"_id": 0}]})");
  destination to(uri());
  for (const bool check : {true, false}) {
    plan_of plan(target_named("to", true), true);
    const auto insert = [&plan](const char* document) { plan.add(write_kind::insert, document); };
    insert(R"({"_id": 1})");
    insert(R"({"_id": 2})");
    plan.add(write_kind::remove, R"({"_id": 1})");
    insert(R"({"_id": 1, "again": true})");
    insert(R"({"_id": 3})");
    const auto done = to.write(plan.take(), check);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_TRUE(done.value().violations.empty());
    expect_documents("to", {R"({"_id": 0})", R"({"_id": 2})", R"({"_id": 1, "again": true})", R"({"_id": 3})"});
  }
  plan_of found(target_named("to", true), true);
  found.add(write_kind::insert, R"({"_id": 2})").add(write_kind::insert, R"({"_id": 5})");
  const auto done = to.write(found.take(), true);
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(done.value().violations.size(), 1U) << "nobody hears of a document that should not have been there";
  EXPECT_EQ(done.value().violations.front().documents, 1U);
}

TEST_F(apply_writer, removes_of_a_clustered_collection_look_at_nothing_else) {
  server.run("d", R"({"create": "to", "clusteredIndex": {"key": {"_id": 1}, "unique": true}})");
  destination to(uri());
  const auto clustered = target_named("to", false, false, true);
  plan_of inserts(clustered);
  for (int id = 0; id < 1000; ++id) inserts.add(write_kind::insert, R"({"_id": )" + std::to_string(id) + "}");
  ASSERT_TRUE(to.write(inserts.take()));
  server.run("d", R"({"profile": 2})");
  plan_of removes(clustered);
  removes.add(write_kind::remove, R"({"_id": 1})").add(write_kind::remove, R"({"_id": 990})");
  const auto done = to.write(removes.take(), true);
  server.run("d", R"({"profile": 0})");
  ASSERT_TRUE(done);
  EXPECT_TRUE(done.value().violations.empty());
  EXPECT_EQ(server.count("d", "to"), 998);
  const auto seen = server.run("d", R"({"find": "system.profile", "filter": {"op": "remove"}})");
  const auto removed = seen.child("cursor.firstBatch").elements();
  ASSERT_EQ(removed.size(), 2U);
  for (const auto& one : removed) EXPECT_LE(one.integer("docsExamined"), 2);
  server.run("d", R"({"drop": "system.profile"})");
}

// In a clustered collection 6.0.27 cannot word the duplicate of every _id.
TEST_F(apply_writer, duplicates_of_a_clustered_collection_are_replaced) {
  server.run("d", R"({"create": "to", "clusteredIndex": {"key": {"_id": 1}, "unique": true}})");
  const std::vector<std::string> ids{"1.5",           R"({"$numberDecimal": "1.7"})",          "7", R"("x")",
                                     R"({"a": 2.5})", R"({"$numberLong": "9007199254740993"})"};
  destination to(uri());
  for (const char* value : {"1", "2"}) {
    plan_of plan(target_named("to", false, false, true));
    for (const auto& id : ids) plan.add(write_kind::insert, R"({"_id": )" + id + R"(, "v": )" + value + "}");
    const auto done = to.write(plan.take());
    ASSERT_TRUE(done) << done.error().message;
  }
  EXPECT_EQ(server.run("d", R"({"count": "to", "query": {"v": 2}})").integer("n"),
            static_cast<std::int64_t>(ids.size()));
}

// A server goes on with a command whose client is gone. What comes later must not be overwritten by it.
TEST_F(apply_writer, an_interrupted_command_is_waited_for) {
  server.run("d", R"({"insert": "to", "documents": [{"_id": 1}]})");
  fault::proxy between(set_->primary().port());
  destination to(between.direct_uri(), 1);
  fail_command(R"({"times": 1})", R"({"failCommands": ["update"], "blockConnection": true, "blockTimeMS": 1500})");
  std::atomic<bool> done = false;
  std::thread cutter([&] {
    lab::client observer(uri());
    for (;;) {
      if (done) return;
      const auto running = observer.run("admin", R"({"currentOp": 1, "command.update": "to"})");
      if (!running.child("inprog").elements().empty()) break;
    }
    between.reset_all();
  });
  plan_of first(target_named("to"));
  first.update(R"({"_id": 1})", R"({"$set": {"v": 1}})");
  ASSERT_TRUE(to.write(first.take()));
  plan_of second(target_named("to"));
  second.update(R"({"_id": 1})", R"({"$set": {"v": 2}})");
  ASSERT_TRUE(to.write(second.take()));
  done = true;
  cutter.join();
  EXPECT_EQ(to.counters.retries, 1);
  const auto still = server.run("admin", R"({"currentOp": 1, "command.update": "to"})");
  EXPECT_TRUE(still.child("inprog").elements().empty());
  expect_documents("to", {R"({"_id": 1, "v": 2})"});
}

// Over elections: nothing is lost that was acknowledged in one term, and the writer says when there were two.
TEST(apply_writer_elections, windows_go_on_over_step_downs) {
  lab::replica_set set(set_of("three", "6.0.27", 3));
  auto server = set.connect();
  server.run("d", R"({"create": "to", "writeConcern": {"w": "majority"}})");
  destination to(set.uri(), 2);
  const auto window = [&](int number) {
    plan_of plan(target_named("to"));
    for (int id = 0; id < 50; ++id)
      plan.add(write_kind::replace, R"({"_id": )" + std::to_string(id) + R"(, "v": )" + std::to_string(number) + "}");
    return plan.take();
  };
  const auto before = to.write(window(0));
  ASSERT_TRUE(before) << before.error().message;
  std::atomic<bool> elected = false;
  std::thread election([&] {
    set.step_down();
    elected = true;
  });
  int number = 0;
  wire::write_term last;
  bool torn = false;
  // Until the new primary has acknowledged one.
  while (!elected || !(last.known() && last != before.value().term)) {
    const auto done = to.write(window(++number));
    if (!done) {
      ADD_FAILURE() << done.error().message;
      break;
    }
    torn = torn || done.value().mixed_terms || done.value().term != before.value().term;
    last = done.value().term;
  }
  election.join();
  EXPECT_TRUE(torn);
  EXPECT_GE(to.counters.retries, 1);
  auto now = set.connect();
  EXPECT_EQ(now.run("d", R"({"count": "to", "query": {"v": )" + std::to_string(number) + "}}").integer("n"), 50);
}

}  // namespace
}  // namespace sluice::apply
