// The reader against oplogs that real servers of each version wrote: what was done comes out, in its order, and nothing
// else; also in pieces, through files and after a restart anywhere.
#include <algorithm>
#include <filesystem>
#include <regex>

#include <unistd.h>

#include "tests/integration/cluster_lane.hpp"
#include "tests/unit/capture/oplog_entries.hpp"

namespace sluice::capture {
namespace {

using cluster::testing::set_of;
using testing::fed_reader;
using testing::lines;

/// A session of libmongoc, for transactions.
class session {
 public:
  explicit session(lab::client& of) : client_(of.get()) {
    bson_error_t why{};
    session_ = mongoc_client_start_session(client_, nullptr, &why);
    if (session_ == nullptr) throw std::runtime_error(why.message);
  }
  ~session() { mongoc_client_session_destroy(session_); }
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  void begin() {
    check([this](bson_error_t* why) { return mongoc_client_session_start_transaction(session_, nullptr, why); });
  }
  void commit() {
    check([this](bson_error_t* why) { return mongoc_client_session_commit_transaction(session_, nullptr, why); });
  }
  void abort() {
    check([this](bson_error_t* why) { return mongoc_client_session_abort_transaction(session_, why); });
  }
  lab::document run(const char* database, const lab::document& command) {
    lab::document options;
    lab::reply_buffer reply;
    check([&](bson_error_t* why) {
      return mongoc_client_session_append(session_, options.get(), why) &&
             mongoc_client_write_command_with_opts(client_, database, command.get(), options.get(), reply.get(), why);
    });
    return reply.copy();
  }
  /// prepareTransaction; gives the command that commits it.
  lab::document prepare() {
    const auto reply = run("admin", lab::document::json(R"({"prepareTransaction": 1})"));
    lab::document commit = lab::document::json(R"({"commitTransaction": 1})");
    bson_iter_t at;
    if (!bson_iter_init_find(&at, reply.get(), "prepareTimestamp")) throw std::runtime_error("not prepared");
    bson_append_iter(commit.get(), "commitTimestamp", -1, &at);
    // 4.4 commits it only once a majority holds its preparation.
    const auto note = lab::document::json(R"({"appendOplogNote": 1, "data": {}, "writeConcern": {"w": "majority"}})");
    check([&](bson_error_t* why) {
      return mongoc_client_command_simple(client_, "admin", note.get(), nullptr, nullptr, why);
    });
    return commit;
  }

 private:
  template <class Call>
  void check(const Call& call) {
    bson_error_t why{};
    if (!call(&why)) throw std::runtime_error(why.message);
  }
  mongoc_client_t* client_;
  mongoc_client_session_t* session_ = nullptr;
};

lab::document insert_one(int id, std::size_t pad_bytes = 0) {
  return lab::document::json(R"({"insert": "c", "documents": [{"_id": )" + std::to_string(id) + R"(, "pad": ")" +
                             std::string(pad_bytes, 'x') + R"("}]})");
}

std::vector<bson::document> read_oplog(lab::client& from, const bson_t* filter) {
  const lab::collection_handle oplog(mongoc_client_get_collection(from.get(), "local", "oplog.rs"));
  const lab::cursor_handle cursor(mongoc_collection_find_with_opts(oplog.get(), filter, nullptr, nullptr));
  std::vector<bson::document> entries;
  const bson_t* one = nullptr;
  while (mongoc_cursor_next(cursor.get(), &one))
    entries.emplace_back(bson::document_view(reinterpret_cast<const std::byte*>(bson_get_data(one))));
  bson_error_t why{};
  if (mongoc_cursor_error(cursor.get(), &why)) throw std::runtime_error(why.message);
  return entries;
}

/// Without times and random names; drops of a dropDatabase come in any order.
lines comparable(const lines& came_out) {
  static const std::regex temporary(R"(tmp[A-Za-z0-9]{5}\.|tmp\.agg_out\.[-0-9a-f]+)");
  lines plain;
  for (const auto& one : came_out)
    plain.push_back(std::regex_replace(one.substr(one.find(' ') + 1), temporary, "tmp."));
  return plain;
}

/// What is done to a source, and what must come out of its oplog.
class history {
 public:
  explicit history(lab::client& source) : source_(source) {}

  void write_all() {
    plain_writes();
    transactions();
    prepared_transactions();
    interleaved();
    catalog();
    others();
  }
  lines expected;

 private:
  void expect(std::initializer_list<std::string> more) { expected.insert(expected.end(), more); }

  void plain_writes() {
    source_.run("shop", R"({"create": "c"})");
    source_.run("shop", insert_one(1));
    source_.run("shop", R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}]})");
    source_.run("shop", R"({"insert": "c", "documents": [{"_id": 2}, {"_id": 3}]})");
    source_.run("shop", R"({"findAndModify": "c", "query": {"_id": 2}, "update": {"$inc": {"n": 1}}})");
    source_.run("shop", R"({"delete": "c", "deletes": [{"q": {"_id": 3}, "limit": 1}]})");
    expect({"c create \"c\"", "i shop.c 1", "u shop.c 1", "i shop.c 2", "i shop.c 3", "u shop.c 2", "d shop.c 3"});
  }

  void transactions() {
    session one(source_);
    one.begin();
    one.run("shop", insert_one(10));
    one.run("shop", lab::document::json(R"({"delete": "c", "deletes": [{"q": {"_id": 10}, "limit": 1}]})"));
    one.commit();
    expect({"i shop.c 10", "d shop.c 10"});
    one.begin();
    one.run("shop", insert_one(11));
    one.abort();
    one.begin();  // larger than an entry
    for (int id = 20; id < 24; ++id) one.run("shop", insert_one(id, 6U << 20U));
    one.commit();
    expect({"i shop.c 20", "i shop.c 21", "i shop.c 22", "i shop.c 23"});
    one.begin();
    one.run("shop", lab::document::json(R"({"create": "made_within"})"));
    one.run("shop", lab::document::json(R"({"insert": "made_within", "documents": [{"_id": 1}]})"));
    one.commit();
    expect({"c create \"made_within\"", "i shop.made_within 1"});
  }

  void prepared_transactions() {
    {
      session one(source_);
      one.begin();
      one.run("shop", insert_one(30));
      const auto commit = one.prepare();
      source_.run("shop", insert_one(31));
      one.run("admin", commit);
    }
    expect({"i shop.c 31", "i shop.c 30"});
    {
      session one(source_);
      one.begin();
      one.run("shop", insert_one(32));
      static_cast<void>(one.prepare());
      one.abort();
    }
    session large(source_);
    large.begin();
    for (int id = 40; id < 43; ++id) large.run("shop", insert_one(id, 7U << 20U));
    const auto commit = large.prepare();
    source_.run("shop", insert_one(44));
    large.run("admin", commit);
    expect({"i shop.c 44", "i shop.c 40", "i shop.c 41", "i shop.c 42"});
  }

  void interleaved() {
    session a(source_);
    session b(source_);
    a.begin();
    b.begin();
    a.run("shop", insert_one(50));
    b.run("shop", insert_one(51));
    const auto commit_a = a.prepare();
    const auto commit_b = b.prepare();
    source_.run("shop", insert_one(52));
    b.run("admin", commit_b);
    source_.run("shop", insert_one(53));
    a.run("admin", commit_a);
    expect({"i shop.c 52", "i shop.c 51", "i shop.c 53", "i shop.c 50"});
  }

  void catalog() {
    const auto index_of = [](const char* collection) {
      return std::string(R"({"createIndexes": ")") + collection + R"(", "indexes": [{"key": {"q": 1}, "name": "q"}]})";
    };
    source_.run("shop", index_of("c"));
    source_.run("shop", index_of("empty"));
    source_.run("shop", R"({"collMod": "c", "index": {"name": "q", "hidden": true}})");
    source_.run("shop", R"({"dropIndexes": "c", "index": "q"})");
    source_.run("admin", R"({"renameCollection": "shop.made_within", "to": "shop.renamed"})");
    expect({"c commitIndexBuild \"c\"", "c create \"empty\"", "c createIndexes \"empty\"", "c collMod \"c\"",
            "c dropIndexes \"c\"", "c renameCollection \"shop.made_within\""});
    source_.run("shop", R"({"convertToCapped": "renamed", "size": 100000})");
    expect({"c create \"tmp.convertToCapped.renamed\"", "i shop.tmp.convertToCapped.renamed 1",
            "c renameCollection \"shop.tmp.convertToCapped.renamed\""});
    source_.run("shop", R"({"create": "view", "viewOn": "c", "pipeline": []})");
    expect({"c create \"system.views\"", "i shop.system.views \"shop.view\""});
    source_.run("shop", R"({"aggregate": "renamed", "pipeline": [{"$out": "out"}], "cursor": {}})");
    expect({"c create \"tmp.\"", "i shop.tmp. 1", "c renameCollection \"shop.tmp.\""});
    source_.run("shop", R"({"drop": "out"})");
    source_.run("gone", R"({"create": "only"})");
    source_.run("gone", R"({"dropDatabase": 1})");
    expect({"c drop \"out\"", "c create \"only\"", "c drop \"only\"", "c dropDatabase 1"});
  }

  void others() {
    source_.run("admin", R"({"applyOps": [{"op": "i", "ns": "shop.c", "o": {"_id": 60}},
                                          {"op": "i", "ns": "shop.c", "o": {"_id": 61}}]})");
    source_.run("admin", R"({"appendOplogNote": 1, "data": {"msg": "nothing"}})");
    source_.run("admin", R"({"create": "not_the_users"})");
    source_.run("shop", R"({"dbCheck": "empty"})");
    expect({"i shop.c 60", "i shop.c 61"});
  }

  lab::client& source_;
};

class capture_reader : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(from, capture_reader, ::testing::Values("4.4.2", "5.0.4", "6.0.27"), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST_P(capture_reader, gives_what_was_done) {
  auto options_of_set = set_of("rs0", GetParam());
  options_of_set.server.cache_gb = 1;  // 4.4 waits forever when a transaction fills a tenth of its cache
  lab::replica_set set(options_of_set);
  auto source = set.connect();
  history done(source);
  done.write_all();
  const auto oplog = read_oplog(source, lab::document::json("{}").get());

  fed_reader at_once;
  at_once.give(oplog);
  ASSERT_EQ(at_once.error, "");
  EXPECT_EQ(comparable(at_once.came_out), done.expected);
  EXPECT_EQ(at_once->open().count, 0U);
  EXPECT_EQ(at_once->position(), oplog.back().view().find("ts").as_timestamp());

  // Entry by entry, with memory for less than one large entry.
  const auto folder = std::filesystem::temp_directory_path() / ("sluice-capture-reader-" + std::to_string(::getpid()));
  reader_options options;
  options.transaction_bytes_max = std::size_t{1} << 20U;
  options.spill_folder = folder;
  fed_reader by_one(options);
  std::size_t file_bytes_max = 0;
  std::size_t memory_bytes_max = 0;
  std::vector<bson::timestamp> restart_from;
  for (const auto& entry : oplog) {
    by_one.give({entry});
    ASSERT_EQ(by_one.error, "");
    file_bytes_max = std::max(file_bytes_max, by_one->open().file_bytes);
    memory_bytes_max = std::max(memory_bytes_max, by_one->open().memory_bytes);
    restart_from.push_back(by_one->resume_from());
  }
  std::filesystem::remove_all(folder);
  EXPECT_EQ(by_one.came_out, at_once.came_out);
  EXPECT_GT(file_bytes_max, 20U << 20U);
  EXPECT_LE(memory_bytes_max, options.transaction_bytes_max);

  // A new process behind any entry: only small ones here, the large ones would take minutes.
  for (std::size_t stopped = 0; stopped < oplog.size(); stopped += 5) {
    const auto time_of = [&oplog](std::size_t i) { return *oplog[i].view().find("ts").as_timestamp(); };
    std::size_t from = stopped;
    while (from > 0 && time_of(from) > restart_from[stopped]) --from;
    fed_reader after({.applied = time_of(stopped)});
    after.give({oplog.begin() + static_cast<std::ptrdiff_t>(from), oplog.end()});
    ASSERT_EQ(after.error, "") << stopped;
    fed_reader before;
    before.give({oplog.begin(), oplog.begin() + static_cast<std::ptrdiff_t>(stopped) + 1});
    lines both = before.came_out;
    both.insert(both.end(), after.came_out.begin(), after.came_out.end());
    ASSERT_EQ(both, at_once.came_out) << stopped;
  }
}

}  // namespace
}  // namespace sluice::capture
