// What the tests of capture share: a spool that keeps what it is given and holds each chunk to its promises, follow()
// on a lane of its own, and the source's oplog as libmongoc shows it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "engine/capture/capture.hpp"
#include "engine/capture/start_time.hpp"
#include "engine/runtime/limits.hpp"
#include "tests/integration/cluster_lane.hpp"

namespace sluice::capture::testing {

using namespace std::chrono_literals;

inline bson::document_view view_of(std::string_view raw) {
  return bson::document_view(reinterpret_cast<const std::byte*>(raw.data()));
}
inline bson::document_view view_of(const lab::document& owner) {
  return view_of(owner.raw());
}
/// As extended JSON, for messages.
inline std::string text_of(std::string_view raw) {
  return lab::to_text(*lab::document::bytes(raw).get(), 1000);
}
inline bson::timestamp time_in(const lab::document& reply, std::string_view field = "operationTime") {
  const auto found = view_of(reply).find(field);
  return found ? found.as_timestamp().value_or(bson::timestamp{}) : bson::timestamp{};
}
inline std::string as_json(bson::timestamp at) {
  return R"({"$timestamp": {"t": )" + std::to_string(at.seconds) + R"(, "i": )" + std::to_string(at.increment) + "}}";
}

/// Filled on the capture lane, looked at from the test's.
class collected final : public spool {
 public:
  using spool::push;
  task<result<>> push(shared_chunk chunk) override {
    const std::lock_guard hold(mutex_);
    ++pushes_;
    if (refusals_ > 0) {
      --refusals_;
      co_return failure(error_kind::storage, "no room");
    }
    take(*chunk);
    changed_.notify_all();
    co_return ok();
  }

  /// The next pushes fail.
  void refuse(int times) {
    const std::lock_guard hold(mutex_);
    refusals_ = times;
  }
  /// True once everything up to there was seen.
  bool wait_for(bson::timestamp until, std::chrono::seconds at_most = 60s) {
    return wait([&] { return seen_until_ >= until; }, at_most);
  }
  bool wait_for_entries(std::size_t count, std::chrono::seconds at_most = 60s) {
    return wait([&] { return entries_.size() >= count; }, at_most);
  }
  std::vector<std::string> entries() {
    const std::lock_guard hold(mutex_);
    return entries_;
  }
  bson::timestamp seen_until() {
    const std::lock_guard hold(mutex_);
    return seen_until_;
  }
  bson::timestamp last() {
    const std::lock_guard hold(mutex_);
    return last_;
  }
  std::vector<std::string> broken_promises() {
    const std::lock_guard hold(mutex_);
    return broken_;
  }
  int pushes() {
    const std::lock_guard hold(mutex_);
    return pushes_;
  }

  // What only consumers use.
  task<result<>> seek(bson::timestamp) override { co_return ok(); }
  std::optional<wire::optime> resume_after() const override { return {}; }
  void keep_on_disk(bool) override {}
  task<result<>> flush() override { co_return ok(); }
  task<result<shared_chunk>> next() override { co_return failure(error_kind::storage, "nobody reads it"); }
  task<result<std::optional<shared_chunk>>> next_if_any() override { co_return std::optional<shared_chunk>(); }
  void stop_waiting() override {}
  void release(bson::timestamp) override {}
  task<result<>> remove() override { co_return ok(); }
  task<void> close() override { co_return; }
  usage current() const override { return {}; }

 private:
  template <class Condition>
  bool wait(Condition condition, std::chrono::seconds at_most) {
    std::unique_lock hold(mutex_);
    return changed_.wait_for(hold, at_most, condition);
  }
  void promise(bool kept, std::string_view what) {
    if (!kept) broken_.emplace_back(what);
  }
  void take(const change_chunk& chunk) {
    promise(chunk.seen_until >= seen_until_, "seen_until goes back");
    promise(chunk.arrived != std::chrono::steady_clock::time_point{}, "nobody knows when it arrived");
    std::size_t at = 0;
    std::uint32_t count = 0;
    while (at < chunk.entries.size()) {
      const bson::document_view entry(chunk.entries.data() + at);
      const auto raw = entry.bytes();
      const auto ts = entry.find("ts").as_timestamp().value_or(bson::timestamp{});
      promise(ts > seen_until_, "an entry came after it was said that none would");
      promise(ts >= last_, "entries are out of order");
      if (count == 0) promise(chunk.first.at == ts, "first is not the first");
      last_ = ts;
      entries_.emplace_back(reinterpret_cast<const char*>(raw.data()), raw.size());
      at += raw.size();
      ++count;
    }
    promise(at == chunk.entries.size(), "the last entry is cut");
    promise(count == chunk.count, "the count is wrong");
    if (count > 0) promise(chunk.last.at == last_ && chunk.seen_until >= last_, "the end is wrong");
    seen_until_ = chunk.seen_until;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> entries_;
  std::vector<std::string> broken_;
  bson::timestamp seen_until_;
  bson::timestamp last_;
  int refusals_ = 0;
  int pushes_ = 0;
};

/// follow() in a thread of its own, until it ends or is stopped.
class following {
 public:
  following(capture_job job, collected& into)
      : pool_(context_.get_executor(), limits::lane_memory_min_bytes), outcome_(ended_.get_future()) {
    boost::asio::co_spawn(
        context_,
        [this, what = std::move(job), &into]() -> task<void> {
          auto ended = co_await follow(what, into, pool_, counters, scope_);
          ended_.set_value(std::move(ended));
        },
        [](const std::exception_ptr& thrown) {
          if (thrown) std::rethrow_exception(thrown);
        });
    thread_ = std::thread([this] { context_.run(); });
  }
  ~following() {
    if (thread_.joinable()) stop();
  }
  following(const following&) = delete;
  following& operator=(const following&) = delete;

  /// Cancels it; how long that took.
  std::chrono::milliseconds stop() {
    const auto began = std::chrono::steady_clock::now();
    boost::asio::post(context_, [this] { scope_.cancel(); });
    thread_.join();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  }
  /// What it said when it ended; waits for that.
  error outcome(std::chrono::seconds at_most = 60s) {
    if (outcome_.wait_for(at_most) != std::future_status::ready) {
      ADD_FAILURE() << "follow() goes on";
      stop();
    }
    auto said = outcome_.get();
    if (thread_.joinable()) thread_.join();
    return said ? failure(error_kind::cancelled, "it returned without an error") : said.error();
  }
  [[nodiscard]] bool running() const { return outcome_.wait_for(0s) != std::future_status::ready; }

  capture_counters counters;

 private:
  boost::asio::io_context context_;
  runtime::cancel_scope scope_;
  runtime::buffer_pool pool_;
  std::promise<result<>> ended_;
  std::future<result<>> outcome_;
  std::thread thread_;
};

inline capture_job job_for(const std::string& uri, bson::timestamp from, capture_way way = capture_way::automatic) {
  cluster::testing::lane on;
  capture_job job;
  job.source = on.must(cluster::discover(cluster::testing::parsed(uri), cluster::role::source, on.scope()));
  job.way = way;
  job.from = from;
  job.patience = 60s;
  return job;
}
/// Now, as T0 is asked for.
inline bson::timestamp start_of(const std::string& uri) {
  cluster::testing::lane on;
  auto node = cluster::testing::open(on, uri);
  return on.must(read_start_time(*node)).capture_from;
}
/// A time that everything written so far lies before, committed by a majority.
inline bson::timestamp fence(lab::client& source) {
  return time_in(source.run("admin", R"({"appendOplogNote": 1, "data": {"fence": 1},
                                         "writeConcern": {"w": "majority"}})"));
}

using chooses = std::function<bool(const lab::document& entry)>;

/// What capture leaves out of every source, said once more and in another way.
inline bool is_users(const lab::document& entry) {
  const auto op = entry.text("op");
  const auto ns = entry.text("ns");
  if (op == "n" || entry.has("o.startIndexBuild") || entry.has("o.abortIndexBuild")) return false;
  if (entry.has("o.applyOps") || entry.has("o.commitTransaction") || entry.has("o.abortTransaction")) return true;
  return !ns.starts_with("admin.") && !ns.starts_with("config.") && !ns.starts_with("local.");
}

/// The oplog's entries in their order, read by libmongoc.
inline std::vector<std::string> oplog_of(lab::client& source, bson::timestamp from, bson::timestamp until,
                                         const chooses& wanted = is_users) {
  const auto filter =
      lab::document::json(R"({"ts": {"$gte": )" + as_json(from) + R"(, "$lte": )" + as_json(until) + "}}");
  const auto options = lab::document::json(R"({"sort": {"$natural": 1}})");
  mongoc_collection_t* const oplog = mongoc_client_get_collection(source.get(), "local", "oplog.rs");
  const lab::collection_handle owner(oplog);
  const lab::cursor_handle cursor(mongoc_collection_find_with_opts(oplog, filter.get(), options.get(), nullptr));
  std::vector<std::string> found;
  const bson_t* entry = nullptr;
  while (mongoc_cursor_next(cursor.get(), &entry)) {
    if (wanted(lab::document(*entry))) found.emplace_back(lab::raw_of(*entry));
  }
  bson_error_t why{};
  if (mongoc_cursor_error(cursor.get(), &why)) throw std::runtime_error(why.message);
  return found;
}

/// Byte by byte, in order.
inline void expect_same(const std::vector<std::string>& captured, const std::vector<std::string>& oplog) {
  for (std::size_t i = 0; i < std::min(captured.size(), oplog.size()); ++i) {
    if (captured[i] == oplog[i]) continue;
    ADD_FAILURE() << "entry " << i << ": captured " << text_of(captured[i]) << "\n  in the oplog " << text_of(oplog[i]);
    return;
  }
  EXPECT_EQ(captured.size(), oplog.size());
}

inline void expect_kept(collected& spool) {
  const auto broken = spool.broken_promises();
  EXPECT_TRUE(broken.empty()) << broken.size() << " times, first: " << broken.front();
}

}  // namespace sluice::capture::testing
