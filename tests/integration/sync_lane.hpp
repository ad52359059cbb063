// What the tests of a live sync share: two real sets, a session between them, an application that keeps writing, and
// the judge.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "engine/runtime/log.hpp"
#include "engine/session/sync_session.hpp"
#include "tests/integration/cluster_lane.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/storm.hpp"
#include "tests/lab/writer.hpp"

namespace sluice::session::testing {

using namespace std::chrono_literals;
using cluster::testing::set_of;

/// A folder of its own below the build's; removed at the end.
class scratch_folder {
 public:
  scratch_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-sync-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch folder");
    path_ = name;
  }
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Writes until it is told to stop; through elections, where it endures them.
class application {
 public:
  explicit application(std::string uri, std::string database = "app", std::uint64_t seed = 1, bool endures = false) {
    thread_ = std::thread([this, uri = std::move(uri), database = std::move(database), seed, endures] {
      lab::write_for(
          uri,
          {.duration = 24h, .seed = seed, .database = database, .endures = endures, .stop = &stop_, .steps = &written});
    });
  }
  ~application() { stop(); }
  application(const application&) = delete;
  application& operator=(const application&) = delete;
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::atomic<std::uint64_t> written{0};

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// Does everything until it is told to stop, or has done enough.
class everything {
 public:
  everything(std::string uri, std::uint64_t seed, std::uint64_t commands = 0, std::string database = "storm")
      : everything(std::move(uri), {.commands = commands, .seed = seed, .database = std::move(database)}) {}
  everything(std::string uri, lab::storm_options options) {
    options.duration = 24h;
    options.stop = &stop_;
    options.steps = &steps;
    options.catalog_changes = &catalog_changes;
    thread_ = std::thread([this, uri = std::move(uri), options] { done = lab::storm_for(uri, options); });
  }
  ~everything() { stop(); }
  everything(const everything&) = delete;
  everything& operator=(const everything&) = delete;
  void stop() {
    stop_ = true;
    join();
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  std::atomic<std::uint64_t> steps{0};
  std::atomic<std::uint64_t> catalog_changes{0};
  lab::storm_done done;  // after join()

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// What is logged as a warning or an error, on the test's output while it lives.
class spoken_warnings final : public log_sink {
 public:
  spoken_warnings() { before_ = set_log_sink(this); }
  ~spoken_warnings() override { set_log_sink(before_); }
  spoken_warnings(const spoken_warnings&) = delete;
  spoken_warnings& operator=(const spoken_warnings&) = delete;
  [[nodiscard]] bool wants(log_level level) const noexcept override { return level >= log_level::warn; }
  void write(const log_record& record) noexcept override {
    std::string line(record.message);
    for (const log_field& field : record.fields) {
      line += " " + std::string(field.name) + "=";
      std::visit(
          [&line](const auto& value) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view>) {
              line += value;
            } else {
              line += std::to_string(value);
            }
          },
          field.value);
    }
    const std::lock_guard guard(mutex_);
    std::cout << line << std::endl;
  }

 private:
  std::mutex mutex_;
  log_sink* before_ = nullptr;
};

/// SLUICE_SEED, or a new one; printed.
inline std::uint64_t test_seed() {
  const char* const given = std::getenv("SLUICE_SEED");
  const std::uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  std::cout << "SLUICE_SEED=" << seed << std::endl;
  return seed;
}

/// Two sets and what a sync between them needs.
class pair_of_sets {
 public:
  explicit pair_of_sets(const std::string& source_version = "6.0.27", std::size_t nodes = 1)
      : pair_of_sets(set_of("src", source_version, nodes), set_of("dst", "6.0.27", nodes)) {}
  pair_of_sets(lab::replica_set_options from, lab::replica_set_options to)
      : source(std::move(from)), destination(std::move(to)) {}

  [[nodiscard]] sync_settings settings() const {
    sync_settings chosen;
    chosen.copy.source_uri = source.uri();
    chosen.copy.destination_uri = destination.uri();
    chosen.copy.retry_time = 60s;
    chosen.spool_dir = spool.path();
    return chosen;
  }
  [[nodiscard]] std::unique_ptr<sync_session> make() const {
    return std::make_unique<sync_session>(settings(), labels());
  }

  void expect_equal() const {
    const auto verdict = lab::compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
    EXPECT_TRUE(verdict.equal()) << verdict.text();
    EXPECT_GT(verdict.documents, 0U);
  }

  lab::replica_set source;
  lab::replica_set destination;
  scratch_folder spool;
};

/// Changes of users on the destination since a moment of its oplog; what Sluice keeps for itself does not count.
class user_writes {
 public:
  explicit user_writes(const pair_of_sets& sets) : server_(sets.destination.connect()), since_(newest()) {}

  [[nodiscard]] std::int64_t count() {
    const auto found = server_.run("local", R"({"aggregate": "oplog.rs", "cursor": {}, "pipeline": [{"$match":
        {"op": {"$in": ["i", "u", "d", "c"]}, "ns": {"$not": {"$regex": "^(__mdb_internal_sluice|config|admin)[.]"}},
         "ts": {"$gt": )" + since_ + R"(}}}, {"$count": "n"}]})");
    return found.integer("cursor.firstBatch.0.n");
  }

 private:
  std::string newest() {
    const auto at = server_.run("admin", R"({"hello": 1})").child("lastWrite.opTime");
    bson_iter_t field;
    std::uint32_t seconds = 0;
    std::uint32_t increment = 0;
    if (bson_iter_init_find(&field, at.get(), "ts")) bson_iter_timestamp(&field, &seconds, &increment);
    return R"({"$timestamp": {"t": )" + std::to_string(seconds) + R"(, "i": )" + std::to_string(increment) + "}}";
  }

  lab::client server_;
  std::string since_;
};

/// True once the condition holds of the progress; false (and why) if the run failed or the time is up.
inline bool wait_until(const sync_session& run, const std::function<bool(const progress&)>& condition,
                       std::chrono::seconds at_most = 60s) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  for (;;) {
    const progress now = run.snapshot(false);
    if (condition(now)) return true;
    if (now.now == state::failed) {
      ADD_FAILURE() << "the run failed: " << (now.failure ? now.failure->message : "without a cause");
      return false;
    }
    if (std::chrono::steady_clock::now() > end) {
      std::string warnings;
      for (const auto& one : now.warnings) warnings += "\n" + one;
      ADD_FAILURE() << "not reached; state " << to_string(now.now) << ", phase " << to_string(now.at)
                    << ", waiting for '" << now.pausing << "', lag " << now.follow.lag_seconds.value_or(-1) << warnings;
      return false;
    }
    std::this_thread::sleep_for(5ms);
  }
}

inline bool wait_for(const sync_session& run, state wanted, std::chrono::seconds at_most = 60s) {
  return wait_until(
      run, [wanted](const progress& now) { return now.now == wanted; }, at_most);
}

/// Commits as an operator does, and waits for the end.
inline void commit(sync_session& run, std::chrono::seconds at_most = 60s) {
  ASSERT_TRUE(wait_until(
      run, [](const progress& now) { return now.can_commit; }, at_most));
  const auto taken = run.commit();
  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_TRUE(wait_for(run, state::committed, at_most));
  const auto how = run.wait();
  EXPECT_TRUE(how) << how.error().message;
  EXPECT_TRUE(run.snapshot(false).can_write);
}

}  // namespace sluice::session::testing
