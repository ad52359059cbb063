#include "tests/lab/backlog.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/lab/child_process.hpp"
#include "tests/lab/dataset_documents.hpp"
#include "tests/lab/mongo.hpp"

namespace sluice::lab {
namespace {

constexpr std::uint64_t documents_each = 50'000;
constexpr std::uint64_t statements_a_command = 1000;

std::uint64_t collections_of(const backlog_options& options) {
  return options.kind == "mixed" ? 3 : 1;
}

std::string name_of(std::uint64_t collection) {
  return "c" + std::to_string(collection);
}

/// Statements of one command, sent when there are enough of them.
class command_of {
 public:
  command_of(client& to, std::string database, std::string head, std::string array)
      : to_(to), database_(std::move(database)), head_(std::move(head)), array_(std::move(array)) {}

  void add(const std::string& statement) {
    statements_ += (count_ == 0 ? "" : ",") + statement;
    if (++count_ == statements_a_command) send();
  }
  void send() {
    if (count_ == 0) return;
    to_.run(database_.c_str(), "{" + head_ + R"(, "ordered": true, ")" + array_ + "\": [" + statements_ + "]}");
    statements_.clear();
    count_ = 0;
  }

 private:
  client& to_;
  std::string database_;
  std::string head_;
  std::string array_;
  std::string statements_;
  std::uint64_t count_ = 0;
};

class application {
 public:
  application(const std::string& uri, const backlog_options& options)
      : connection_(uri), options_(options), random_(options.seed), next_id_(collections_of(options), documents_each) {}

  /// So many mixed changes, of one collection and one kind a command: as an application's bulk writes are.
  void mixed(std::uint64_t count) {
    const std::uint64_t in = choose(random_, next_id_.size());
    const std::string collection = name_of(in);
    const std::uint64_t kind = choose(random_, 100);
    if (kind < 40) {
      command_of inserts(connection_, options_.database, R"("insert": ")" + collection + '"', "documents");
      for (std::uint64_t n = 0; n < count; ++n) {
        inserts.add(R"({"_id": )" + std::to_string(next_id_[in]++) + R"(, "n": 1, "list": [1], "text": ")" +
                    random_text(random_, 300) + "\"}");
      }
      return inserts.send();
    }
    if (kind < 93) {
      command_of updates(connection_, options_.database, R"("update": ")" + collection + '"', "updates");
      for (std::uint64_t n = 0; n < count; ++n) {
        const std::string change =
            kind < 85 ? R"({"$set": {"text": ")" + random_text(random_, 40) + R"("}, "$inc": {"n": 1}})"
                      : R"({"$push": {"list": )" + std::to_string(n) + "}}";
        updates.add(R"({"q": {"_id": )" + some_id(in) + R"(}, "u": )" + change + "}");
      }
      return updates.send();
    }
    command_of deletes(connection_, options_.database, R"("delete": ")" + collection + '"', "deletes");
    for (std::uint64_t n = 0; n < count; ++n) {
      deletes.add(R"({"q": {"_id": )" + some_id(in) + R"(}, "limit": 1})");
    }
    deletes.send();
  }

  void hot(std::uint64_t count) {
    command_of updates(connection_, options_.database, R"("update": "c0")", "updates");
    for (std::uint64_t n = 0; n < count; ++n) {
      updates.add(R"({"q": {"_id": 7}, "u": {"$inc": {"n": 1}, "$push": {"list": {"$each": [)" + std::to_string(n) +
                  R"(], "$slice": -20}}}})");
    }
    updates.send();
  }

  void deletes(std::uint64_t count) {
    command_of all(connection_, options_.database, R"("delete": "c0")", "deletes");
    for (std::uint64_t n = 0; n < count; ++n) all.add(R"({"q": {"_id": )" + std::to_string(n) + R"(}, "limit": 1})");
    all.send();
  }

  void expire(std::uint64_t count) {
    std::vector<std::uint64_t> order(count);
    for (std::uint64_t n = 0; n < count; ++n) order[n] = n;
    for (std::uint64_t n = count; n > 1; --n) std::swap(order[n - 1], order[choose(random_, n)]);
    command_of all(connection_, options_.database, R"("delete": "c0")", "deletes");
    for (const std::uint64_t id : order) all.add(R"({"q": {"_id": )" + std::to_string(id) + R"(}, "limit": 1})");
    all.send();
  }

  void transaction(std::uint64_t count) {
    bson_error_t why{};
    mongoc_client_session_t* const session = mongoc_client_start_session(connection_.get(), nullptr, &why);
    if (session == nullptr) throw failure(why.message);
    bool good = mongoc_client_session_start_transaction(session, nullptr, &why);
    for (std::uint64_t n = 0; good && n < count;) {
      std::string command = R"({"insert": "c0", "documents": [)";
      for (std::uint64_t in = 0; in < statements_a_command && n < count; ++in, ++n) {
        command += (in == 0 ? "" : ",") + (R"({"_id": "t)" + std::to_string(n)) + R"(", "text": ")" +
                   random_text(random_, 300) + "\"}";
      }
      document options;
      reply_buffer reply;
      good =
          mongoc_client_session_append(session, options.get(), &why) &&
          mongoc_client_write_command_with_opts(connection_.get(), options_.database.c_str(),
                                                document::json(command + "]}").get(), options.get(), reply.get(), &why);
    }
    reply_buffer reply;
    good = good && mongoc_client_session_commit_transaction(session, reply.get(), &why);
    mongoc_client_session_destroy(session);
    if (!good) throw failure(std::string("the transaction: ") + why.message);
  }

 private:
  [[nodiscard]] std::string some_id(std::uint64_t in) { return std::to_string(choose(random_, next_id_[in])); }

  client connection_;
  const backlog_options& options_;
  random_source random_;
  std::vector<std::uint64_t> next_id_;
};

}  // namespace

void prepare_backlog(const std::string& uri, const backlog_options& options) {
  client connection(uri);
  random_source random(options.seed);
  const bool only_deletes = options.kind == "deletes" || options.kind == "ttl";
  const std::uint64_t each = only_deletes ? std::max(options.changes, documents_each) : documents_each;
  for (std::uint64_t in = 0; in < collections_of(options); ++in) {
    command_of inserts(connection, options.database, R"("insert": ")" + name_of(in) + '"', "documents");
    for (std::uint64_t n = 0; n < each; ++n) {
      inserts.add(R"({"_id": )" + std::to_string(n) + R"(, "n": 1, "list": [1], "text": ")" + random_text(random, 300) +
                  "\"}");
    }
    inserts.send();
  }
}

std::uint64_t make_backlog(const std::string& uri, const backlog_options& options) {
  application writes(uri, options);
  if (options.kind == "hot") {
    writes.hot(options.changes);
  } else if (options.kind == "deletes") {
    writes.deletes(options.changes);
  } else if (options.kind == "ttl") {
    writes.expire(options.changes);
  } else if (options.kind == "transaction") {
    writes.transaction(options.changes);
  } else {
    for (std::uint64_t done = 0; done < options.changes; done += 50) {
      writes.mixed(std::min<std::uint64_t>(50, options.changes - done));
    }
  }
  return options.changes;
}

std::uint64_t write_at_rate(const std::string& uri, const backlog_options& options, double changes_per_second,
                            double seconds) {
  using clock = std::chrono::steady_clock;
  constexpr std::uint64_t at_once = 10;
  application writes(uri, options);
  const auto begin = clock::now();
  std::uint64_t done = 0;
  for (;;) {
    const auto due = begin + std::chrono::duration_cast<clock::duration>(
                                 std::chrono::duration<double>(static_cast<double>(done) / changes_per_second));
    if (due > begin + std::chrono::duration<double>(seconds)) return done;
    std::this_thread::sleep_until(due);
    writes.mixed(at_once);
    done += at_once;
  }
}

}  // namespace sluice::lab
