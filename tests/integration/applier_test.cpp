// The applier between real servers: what a source's oplog says, through the spool, onto a destination. The judge is the
// oracle.
#include "engine/apply/applier.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <thread>

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "engine/runtime/lane.hpp"
#include "tests/integration/apply_sets.hpp"
#include "tests/lab/oracle.hpp"

namespace sluice::apply {
namespace {

using namespace std::chrono_literals;
using testing::document;
using testing::lane;
using testing::newest;
using testing::parsed;
using testing::set_of;
using testing::timestamp_json;
using testing::view_of;

std::uint64_t packed(bson::timestamp at) {
  return std::uint64_t{at.seconds} << 32U | at.increment;
}

/// The spool on its own lane, fed with the source's oplog.
class fed_spool {
 public:
  explicit fed_spool(bson::timestamp from) : last_(from) {
    thread_.start();
    folder_ = std::filesystem::temp_directory_path() /
              ("sluice-applier-test-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
    spool_ = on([&]() -> task<std::unique_ptr<capture::spool>> {
      capture::spool_options options;
      options.folder = folder_;
      options.run = "test";
      auto opened = co_await capture::spool::open(thread_.executor(), options, scope_);
      if (!opened) throw std::runtime_error(opened.error().message);
      auto sought = co_await opened.value()->seek(last_);
      if (!sought) throw std::runtime_error(sought.error().message);
      co_return std::move(opened).value();
    });
  }
  ~fed_spool() {
    on([&]() -> task<int> {
      auto removed = co_await spool_->remove();
      co_return removed ? 1 : 0;
    });
    thread_.stop();
    spool_.reset();
  }

  /// Everything that the oplog has got since, in chunks of so many entries; returns how far that is.
  bson::timestamp feed(lab::client& source, std::uint32_t entries_a_chunk = 50) {
    const auto filter = document::json(R"({"ts": {"$gt": )" + timestamp_json(last_) + "}}");
    const lab::collection_handle oplog(mongoc_client_get_collection(source.get(), "local", "oplog.rs"));
    const lab::cursor_handle cursor(mongoc_collection_find_with_opts(oplog.get(), filter.get(), nullptr, nullptr));
    capture::change_chunk chunk;
    const bson_t* one = nullptr;
    while (mongoc_cursor_next(cursor.get(), &one)) {
      const auto raw = lab::raw_of(*one);
      const auto* bytes = reinterpret_cast<const std::byte*>(raw.data());
      last_ = bson::document_view(bytes).find("ts").as_timestamp().value();
      chunk.entries.insert(chunk.entries.end(), bytes, bytes + raw.size());
      if (chunk.count++ == 0) chunk.first.at = last_;
      chunk.last.at = chunk.seen_until = last_;
      if (chunk.count == entries_a_chunk) push(std::exchange(chunk, {}));
    }
    if (chunk.count > 0) push(std::move(chunk));
    return last_;
  }
  /// Time passes, nothing happens.
  void feed_idle(bson::timestamp seen_until) {
    capture::change_chunk chunk;
    chunk.seen_until = last_ = seen_until;
    push(std::move(chunk));
  }

  capture::spool& operator*() { return *spool_; }
  boost::asio::any_io_executor executor() { return thread_.executor(); }

 private:
  template <class Work>
  auto on(Work work) -> typename decltype(work())::value_type {
    return boost::asio::co_spawn(thread_.executor(), std::move(work), boost::asio::use_future).get();
  }
  void push(capture::change_chunk chunk) {
    chunk.arrived = std::chrono::steady_clock::now();
    on([this, &chunk]() -> task<int> {
      auto pushed = co_await spool_->push(std::move(chunk));
      EXPECT_TRUE(pushed);
      co_return 0;
    });
  }

  static inline int number = 0;
  runtime::lane thread_{"spool"};
  runtime::cancel_scope scope_;
  std::filesystem::path folder_;
  bson::timestamp last_;
  std::unique_ptr<capture::spool> spool_;
};

/// What a checkpoint keeps.
struct stored {
  bson::timestamp applied;
  bson::timestamp resume_from;
  collection_map map;
  int times = 0;
};

/// Two sets and an applier between them, as a session would run it.
class between {
 public:
  explicit between(std::size_t destination_nodes = 1)
      : source_set(set_of("src", "6.0.27")),
        destination_set(set_of("dst", "6.0.27", destination_nodes)),
        source(source_set.connect()) {
    source_ = on.must(cluster::discover(parsed(source_set.uri()), cluster::role::source, on.scope()));
    destination_ = on.must(cluster::discover(parsed(destination_set.uri()), cluster::role::destination, on.scope()));
    checkpoint.applied = checkpoint.resume_from = newest(source);
  }

  /// A process that starts from the checkpoint.
  void start() {
    stop();
    spool = std::make_unique<fed_spool>(checkpoint.resume_from);
    map_ = checkpoint.map;
    applier_options options;
    options.reading.applied = checkpoint.applied;
    options.reading.spill_folder = std::filesystem::temp_directory_path();
    options.writing = {.connections = 3, .patience = 30s};
    options.indexes.defer_unique_and_ttl = false;
    options.consistent_from = consistent_from;
    options.window = window;
    options.checkpoint_every = checkpoint_every;
    make_durable durable = [this](checkpoint_request asked) { return store(std::move(asked)); };
    engine = std::make_unique<applier>(on.executor(), spool->executor(), **spool, source_, destination_, map_,
                                       std::move(options), counters, position, std::move(durable), on.scope());
  }
  void stop() {
    engine.reset();
    spool.reset();
  }
  result<apply_end> run() { return on.run(engine->run()); }
  /// From the checkpoint on until all of the oplog is applied, again and again while elections tear it.
  int follow(bson::timestamp goal) {
    for (int runs = 1;; ++runs) {
      start();
      std::thread feeder([&] {
        auto reader = source_set.connect();
        (void)spool->feed(reader);
      });
      engine->stop_at(goal);
      const auto end = run();
      feeder.join();
      if (!end) ADD_FAILURE() << end.error().message;
      if (!end || end.value() == apply_end::reached) return runs;
    }
  }
  /// From the checkpoint on, until the process dies (see `death`) or, true, all is applied.
  bool live_once(bson::timestamp goal) {
    start();
    (void)spool->feed(source);
    engine->stop_at(goal);
    const auto end = run();
    if (!end) {
      EXPECT_EQ(end.error().message, died);
    }
    return end.has_value();
  }
  /// What a commit gives back, then the judgement.
  void compare() {
    const auto node = cluster::testing::open(on, source_set.uri());
    const auto catalog = on.must(cluster::read_catalog(*node, cluster::namespace_filter{}, false));
    auto destination = destination_set.connect();
    for (const auto& info : catalog.collections) {
      if (const auto restore = cluster::restore_command(info))
        destination.run(info.ns.database.c_str(), document::bytes(bson::text_of(restore->bytes())));
    }
    const auto verdict =
        lab::compare({.source_uri = source_set.uri(), .destination_uri = destination_set.uri(), .exclude = {"ckpt"}});
    EXPECT_TRUE(verdict.equal()) << verdict.text();
  }

  lab::replica_set source_set;
  lab::replica_set destination_set;
  lab::client source;
  lane on;
  stored checkpoint;
  bson::timestamp consistent_from;
  window_limits window;
  std::chrono::milliseconds checkpoint_every{50};
  struct moment {
    int after_checkpoints = 0;
    bool stored = false;  // the last of them
  };
  std::optional<moment> death;
  apply_counters counters;
  apply_position position;
  std::unique_ptr<fed_spool> spool;
  std::unique_ptr<applier> engine;

 private:
  /// A majority write, and the look at its term.
  task<result<checkpoint_verdict>> store(checkpoint_request asked) {
    const bool dies = death && death->after_checkpoints-- == 0;
    if (dies && !death->stored) co_return failure(error_kind::storage, died);
    SLUICE_CO_TRY(const auto node, co_await cluster::connect_primary(destination_, on.scope(), 30s));
    bson::builder update;
    update.append("update", "c").open_array("updates").open_document("0");
    update.open_document("q").append("_id", 1).close().open_document("u").open_document("$inc").append("n", 1).close();
    update.close().append("upsert", true).close().close();
    update.open_document("writeConcern").append("w", "majority").close();
    bson::document command = update.finish();
    auto answer = co_await node->run("ckpt", std::move(command));
    if (!answer) co_return checkpoint_verdict::torn;  // as good as: nothing of it is known to be durable
    if (asked.term.known() && wire::term_of_reply(answer.value().body) != asked.term) {
      co_return checkpoint_verdict::torn;
    }
    EXPECT_GE(asked.applied, checkpoint.applied);
    checkpoint.applied = asked.applied;
    checkpoint.resume_from = asked.resume_from;
    for (const auto& one : asked.mapped) checkpoint.map.put(collection_map::from_document(one).value());
    for (const auto& one : asked.unmapped) checkpoint.map.erase(one);
    ++checkpoint.times;
    if (dies) co_return failure(error_kind::storage, died);
    co_return checkpoint_verdict::durable;
  }

  static constexpr const char* died = "the process died";
  cluster::deployment source_;
  cluster::deployment destination_;
  collection_map map_;
};

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
