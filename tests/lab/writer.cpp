// Mixed writes of one client, in small commands.
#include "tests/lab/writer.hpp"

#include <algorithm>
#include <exception>
#include <vector>

#include "tests/lab/dataset_documents.hpp"
#include "tests/lab/mongo.hpp"

namespace sluice::lab {
namespace {

class application {
 public:
  application(const std::string& uri, const writer_options& options)
      : connection_(uri), options_(options), random_(options.seed), next_id_(options.collections, 0) {}

  void step() {
    collection_ = choose(random_, options_.collections);
    switch (choose(random_, 10)) {
      case 0:
      case 1:
      case 2:
        return insert();
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
        return update();
      case 8:
        return replace();
      default:
        return remove();
    }
  }

  [[nodiscard]] const written& done() const noexcept { return done_; }

 private:
  [[nodiscard]] std::string name() const { return "collection" + std::to_string(collection_); }
  // Mostly one that is there; sometimes one that was deleted, or is still to come.
  [[nodiscard]] std::uint64_t some_id() { return choose(random_, next_id_[collection_] + 2); }

  void insert() {
    std::vector<document> batch;
    const std::uint64_t count = 1 + choose(random_, 20);
    for (std::uint64_t n = 0; n < count; ++n) {
      batch.push_back(random_document(random_, next_id_[collection_]++));
    }
    connection_.insert(options_.database.c_str(), name().c_str(), batch);
    done_.inserts += count;
  }

  std::uint64_t modify(const std::string& change, bool upsert) {
    const std::uint64_t id = some_id();
    if (upsert) {
      next_id_[collection_] = std::max(next_id_[collection_], id + 1);
    }
    return static_cast<std::uint64_t>(
        connection_
            .run(options_.database.c_str(), R"({"update": ")" + name() + R"(", "updates": [{"q": {"_id": )" +
                                                std::to_string(id) + R"(}, "u": )" + change + R"(, "upsert": )" +
                                                (upsert ? "true" : "false") + "}]}")
            .integer("n"));
  }

  void update() {
    static constexpr const char* changes[] = {
        R"({"$set": {"more": {"x": 1}, "status": "changed"}})",
        R"({"$inc": {"counter": 1}})",
        R"({"$push": {"log": {"$each": [1, 2], "$slice": -10}}})",
        R"({"$unset": {"f1": 1}})",
        R"([{"$set": {"sum": {"$add": [1, {"$ifNull": ["$counter", 0]}]}}}])",
        R"({"$rename": {"f2": "renamed"}, "$currentDate": {"when": true}})",
    };
    done_.updates += modify(changes[choose(random_, std::size(changes))], false);
  }

  void replace() {
    done_.replaces += modify(R"({"replaced": ")" + random_text(random_, choose(random_, 300)) + "\"}", true);
  }

  void remove() {
    done_.deletes += static_cast<std::uint64_t>(
        connection_
            .run(options_.database.c_str(), R"({"delete": ")" + name() + R"(", "deletes": [{"q": {"_id": )" +
                                                std::to_string(some_id()) + R"(}, "limit": 1}]})")
            .integer("n"));
  }

  client connection_;
  writer_options options_;
  random_source random_;
  std::vector<std::uint64_t> next_id_;
  std::uint64_t collection_ = 0;
  written done_;
};

}  // namespace

written write_for(const std::string& uri, const writer_options& options) {
  application writes(uri, options);
  const auto end = std::chrono::steady_clock::now() + options.duration;
  while (std::chrono::steady_clock::now() < end && !(options.stop != nullptr && *options.stop)) {
    try {
      writes.step();
    } catch (const std::exception&) {
      if (!options.endures) throw;
    }
    if (options.steps != nullptr) ++*options.steps;
  }
  return writes.done();
}

}  // namespace sluice::lab
