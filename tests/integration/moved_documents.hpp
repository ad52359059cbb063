// A workload of a sharded source: documents that move from shard to shard.
#pragma once

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "tests/lab/mongo.hpp"
#include "tests/lab/sharded_cluster.hpp"

namespace sluice::session::testing {

/// Not the one that the database "shop" lives on.
inline std::string other_shard_of_shop(const lab::sharded_cluster& of) {
  auto through = of.connect();
  const auto found = through.run("config", R"({"find": "databases", "filter": {"_id": "shop"}})");
  return found.text("cursor.firstBatch.0.primary") == "shard0" ? "shard1" : "shard0";
}

/// shop.moving by {k: 1}, its documents below 500 on one shard and the rest on the other.
inline void shard_by_key(lab::sharded_cluster& of) {
  of.shard_collection("shop", "moving", R"({"k": 1})");
  auto through = of.connect();
  through.run("admin", R"({"split": "shop.moving", "middle": {"k": 500}})");
  through.run("admin", R"({"moveChunk": "shop.moving", "find": {"k": 500}, "to": ")" + other_shard_of_shop(of) + "\"}");
}

/// Until it is told to stop: documents of shop.moving get another shard key, which takes them to the other shard, are
/// updated there, are deleted and come back; and transactions write to both shards.
class moved_documents {
 public:
  explicit moved_documents(std::string uri, std::uint64_t seed) {
    thread_ = std::thread([this, uri = std::move(uri), seed] { work(uri, seed); });
  }
  ~moved_documents() { stop(); }
  moved_documents(const moved_documents&) = delete;
  moved_documents& operator=(const moved_documents&) = delete;
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::atomic<std::uint64_t> moved{0};

 private:
  void work(const std::string& uri, std::uint64_t seed) {
    lab::client through(uri);
    std::mt19937_64 random(seed);
    std::array<int, 40> keys{};  // 0: it is not there
    while (!stop_) {
      const auto at = random() % keys.size();
      const std::string id = std::to_string(at);
      const int there = keys.at(at);
      const int next = 1 + static_cast<int>(random() % 999);
      if (there == 0) {
        if (run(through, R"({"insert": "moving", "documents": [{"_id": )" + id + R"(, "k": )" + std::to_string(next) +
                             R"(, "n": [1, 2]}]})")) {
          keys.at(at) = next;
        }
        continue;
      }
      const std::string named = R"("q": {"_id": )" + id + R"(, "k": )" + std::to_string(there) + "}";
      switch (random() % 5) {
        case 0:
          if (run(through, R"({"delete": "moving", "deletes": [{)" + named + R"(, "limit": 1}]})")) keys.at(at) = 0;
          break;
        case 1:
          run(through,
              R"({"update": "moving", "updates": [{)" + named + R"(, "u": {"$push": {"n": 7}, "$inc": {"c": 1}}}]})");
          break;
        default:
          if (move(through, named, next)) {
            keys.at(at) = next;
            ++moved;
          }
      }
    }
  }

  static bool run(lab::client& through, const std::string& command) {
    lab::document reply;
    bson_error_t ignored{};
    return through.try_run("shop", lab::document::json(command), reply, ignored);
  }

  static bool move(lab::client& through, const std::string& named, int key) {
    bson_error_t ignored{};
    mongoc_client_session_t* const session = mongoc_client_start_session(through.get(), nullptr, &ignored);
    if (session == nullptr) return false;
    bool good = mongoc_client_session_start_transaction(session, nullptr, &ignored);
    for (const std::string& command :
         {R"({"update": "moving", "updates": [{)" + named + R"(, "u": {"$set": {"k": )" + std::to_string(key) + "}}}]}",
          R"({"insert": "log", "documents": [{"moved": true}, {"k": )" + std::to_string(key) + "}]}"}) {
      lab::document options;
      lab::reply_buffer reply;
      good = good && mongoc_client_session_append(session, options.get(), &ignored) &&
             mongoc_client_command_with_opts(through.get(), "shop", lab::document::json(command).get(), nullptr,
                                             options.get(), reply.get(), &ignored);
    }
    lab::reply_buffer reply;
    good = good && mongoc_client_session_commit_transaction(session, reply.get(), &ignored);
    if (!good) mongoc_client_session_abort_transaction(session, &ignored);
    mongoc_client_session_destroy(session);
    return good;
  }

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace sluice::session::testing
