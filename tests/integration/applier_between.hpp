// Two sets, the source's oplog put through a spool, and an applier over it that may die and begin again: what the tests
// of the applier share.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "engine/apply/applier.hpp"
#include "engine/runtime/lane.hpp"
#include "tests/integration/apply_sets.hpp"
#include "tests/lab/oracle.hpp"

namespace sluice::apply::testing {

using namespace std::chrono_literals;

inline std::uint64_t packed(bson::timestamp at) {
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

  /// Everything that the oplog has got since, in chunks of so many entries; returns how far that is. As capture does,
  /// it begins with the entry of the time itself: a transaction that is still open may have begun there.
  bson::timestamp feed(lab::client& source, std::uint32_t entries_a_chunk = 50) {
    const char* const behind = std::exchange(begun_, true) ? "$gt" : "$gte";
    const auto filter = document::json(R"({"ts": {")" + std::string(behind) + R"(": )" + timestamp_json(last_) + "}}");
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
  /// The newest entry, found from the oplog's end, may come a moment before those who read forwards may see it.
  void feed_until(bson::timestamp goal, lab::client& source) {
    while (feed(source) < goal) {
    }
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
  bool begun_ = false;
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
    options.indexes.defer_unique_and_ttl = defers_indexes;
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
        spool->feed_until(goal, reader);
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
    spool->feed_until(goal, source);
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
    if (!defers_indexes) {
      EXPECT_TRUE(verdict.equal()) << verdict.text();
      return;
    }
    EXPECT_LE(verdict.difference_count, verdict.differences.size()) << verdict.text();
    for (const auto& one : verdict.differences) {
      const bool waits = one.find("\"unique\" is true in the source") != std::string::npos ||
                         one.find("\"expireAfterSeconds\" is") != std::string::npos;
      EXPECT_TRUE(waits) << one;
    }
  }

  lab::replica_set source_set;
  lab::replica_set destination_set;
  lab::client source;
  lane on;
  stored checkpoint;
  bson::timestamp consistent_from;
  bool defers_indexes = false;  // unique and TTL ones, until a commit
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

}  // namespace sluice::apply::testing
