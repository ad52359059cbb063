#include "tests/lab/storm.hpp"

#include <array>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/lab/dataset_documents.hpp"
#include "tests/lab/mongo.hpp"

namespace sluice::lab {
namespace {

// In the commands: %C a collection, %D another one, %I an `_id`, %J another one, %N a number, %T a text.
constexpr std::array data_commands{
    R"({"insert": "%C", "documents": [{"_id": %I, "n": %N, "text": "%T", "list": [1, %N, 3], "in": {"a": 1, "b": [{"k": 1, "v": 1}, {"k": 2, "v": 2}]}}]})",
    R"({"insert": "%C", "documents": [{"n": 1}, {"n": 2, "text": "%T"}, {"n": %N, "when": {"$date": "2026-01-01T00:00:00Z"}}]})",
    R"({"insert": "%C", "ordered": false, "documents": [{"_id": %I, "short": true}, {"_id": %J}]})",
    R"({"insert": "capped", "documents": [{"n": %N}, {"n": 2, "text": "%T"}]})",
    R"({"insert": "series", "documents": [{"when": {"$date": "2026-01-01T00:%M:00Z"}, "meta": %N, "v": 1.5}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$set": {"text": "%T", "in.a": %N}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$inc": {"n": 1}}}, {"q": {"_id": %J}, "u": {"$inc": {"n": -1}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$mul": {"n": 3}, "$unset": {"text": 1}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$min": {"n": %N}, "$max": {"m": %N}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$rename": {"text": "named", "in.a": "in.c"}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$push": {"list": %N}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$push": {"list": {"$each": [%N, 2, 9], "$sort": -1, "$slice": 12, "$position": 0}}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$pop": {"list": -1}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$pull": {"list": {"$gt": %N}}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$pullAll": {"list": [1, 2]}, "$addToSet": {"set": {"$each": [%N, "%T"]}}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$bit": {"bits": {"xor": 5}}, "$currentDate": {"seen": true, "stamp": {"$type": "timestamp"}}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I, "in.b.k": 2}, "u": {"$set": {"in.b.$.v": %N}}}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$inc": {"in.b.$[one].v": 1, "list.$[]": 1}}, "arrayFilters": [{"one.k": 1}]}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": [{"$set": {"sum": {"$add": [1, {"$ifNull": ["$sum", %N]}]}}}, {"$unset": "named"}]}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": [{"$replaceWith": {"_id": "$_id", "z": 1, "made": {"of": "%T"}, "a": %N}}]}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"$set": {"z9": 1, "a.b": %N, "00": 1}}, "upsert": true}]})",
    R"({"update": "%C", "updates": [{"q": {"_id": %I}, "u": {"whole": "%T", "n": %N}, "upsert": true}]})",
    R"({"update": "%C", "updates": [{"q": {"n": {"$lt": 5}}, "u": {"$set": {"low": true}}, "multi": true}]})",
    R"({"findAndModify": "%C", "query": {"_id": %I}, "update": {"$inc": {"n": 1}, "$set": {"found": "%T"}}, "upsert": true})",
    R"({"findAndModify": "%C", "query": {"_id": %I}, "remove": true})",
    R"({"delete": "%C", "deletes": [{"q": {"_id": %I}, "limit": 1}]})",
    R"({"delete": "%C", "deletes": [{"q": {"n": %N}, "limit": 0}]})",
};

constexpr std::array catalog_commands{
    R"({"create": "%C", "collation": {"locale": "en", "strength": 2}})",
    R"({"create": "%C", "validator": {"n": {"$exists": true}}, "validationLevel": "moderate"})",
    R"({"create": "capped", "capped": true, "size": 65536, "max": 200})",
    R"({"create": "series", "timeseries": {"timeField": "when", "metaField": "meta"}})",
    R"({"drop": "%C"})",
    R"({"createIndexes": "%C", "indexes": [{"key": {"n": 1}, "name": "n_1"}, {"key": {"text": 1, "n": -1}, "name": "two", "sparse": true}], "commitQuorum": "majority"})",
    R"({"createIndexes": "%C", "indexes": [{"key": {"$**": 1}, "name": "all"}], "commitQuorum": "majority"})",
    R"({"createIndexes": "%C", "indexes": [{"key": {"in.a": 1}, "name": "part", "partialFilterExpression": {"n": {"$gt": 3}}}], "commitQuorum": "majority"})",
    R"({"createIndexes": "%C", "indexes": [{"key": {"when": 1}, "name": "ttl", "expireAfterSeconds": 1000000000}], "commitQuorum": "majority"})",
    R"({"createIndexes": "%C", "indexes": [{"key": {"m": 1, "_id": 1}, "name": "only", "unique": true}], "commitQuorum": "majority"})",
    R"({"dropIndexes": "%C", "index": "n_1"})",
    R"({"dropIndexes": "%C", "index": "*"})",
    R"({"collMod": "%C", "index": {"name": "n_1", "hidden": true}})",
    R"({"collMod": "%C", "index": {"name": "ttl", "expireAfterSeconds": 2000000000}})",
    R"({"collMod": "%C", "validator": {"n": {"$type": "number"}}, "validationLevel": "off"})",
    R"({"create": "view_%C", "viewOn": "%C", "pipeline": [{"$match": {"n": {"$gt": %N}}}]})",
    R"({"collMod": "view_%C", "viewOn": "%D", "pipeline": []})",
    R"({"drop": "view_%C"})",
    R"({"convertToCapped": "%C", "size": 1000000})",
    R"({"aggregate": "%C", "pipeline": [{"$match": {"n": {"$lt": 50}}}, {"$out": "%D"}], "cursor": {}})",
    R"({"aggregate": "%C", "pipeline": [{"$match": {"n": {"$lt": 20}}}, {"$merge": {"into": "%D"}}], "cursor": {}})",
};
// Of the database admin; %B is the database.
constexpr std::array admin_commands{
    R"({"renameCollection": "%B.%C", "to": "%B.%D", "dropTarget": true})",
    R"({"renameCollection": "%B.%C", "to": "%B.%D"})",
    R"({"renameCollection": "%B.%C", "to": "%B_side.%C", "dropTarget": true})",
};

constexpr std::uint64_t collections = 6;
constexpr std::uint64_t ids = 400;

class storm {
 public:
  storm(const std::string& uri, const storm_options& options)
      : connection_(uri),
        options_(options),
        random_(options.seed),
        allows_ttl_on_capped_(connection_.server_version() < 600) {}

  void step() {
    if (options_.catalog_every > 0 && choose(random_, options_.catalog_every) == 0) return change_catalog();
    if (options_.transactions && choose(random_, 20) == 0) return transact();
    run(options_.database, change());
  }
  [[nodiscard]] const storm_done& done() const noexcept { return done_; }

 private:
  template <std::size_t n>
  std::string any_of(const std::array<const char*, n>& commands) {
    return filled(commands.at(choose(random_, n)));
  }

  [[nodiscard]] std::string collection() { return "c" + std::to_string(choose(random_, collections)); }
  [[nodiscard]] std::string id() {
    const std::uint64_t number = choose(random_, ids);
    switch (number % 16) {
      case 0:
        return "\"" + std::to_string(number) + "\"";
      case 1:
        return R"({"$numberDouble": ")" + std::to_string(number) + ".5\"}";
      case 2:
        return R"({"of": )" + std::to_string(number) + R"(, "and": [1]})";
      case 3:
        return R"({"$numberLong": ")" + std::to_string(number + 1) + "\"}";  // the same key as the next one's integer
      default:
        return std::to_string(number);
    }
  }

  std::string filled(std::string_view command) {
    std::string out;
    const std::string one = collection();
    for (std::size_t at = 0; at < command.size(); ++at) {
      if (command[at] != '%') {
        out += command[at];
        continue;
      }
      switch (command[++at]) {
        case 'B':
          out += options_.database;
          break;
        case 'C':
          out += one;
          break;
        case 'D':
          out += collection();
          break;
        case 'I':
        case 'J':
          out += id();
          break;
        case 'N':
          out += std::to_string(choose(random_, 100));
          break;
        case 'M':
          out += std::to_string(10 + choose(random_, 50));
          break;
        default:
          out += random_text(random_, choose(random_, 60));
      }
    }
    return out;
  }

  /// Of hundreds in one command the server would do little else.
  static bool looks_at_all(std::string_view command) { return command.find(R"("q": {"n")") != std::string_view::npos; }

  /// One command that changes documents: as it stands, or several of its kind in one.
  std::string change() {
    const std::string_view chosen = data_commands.at(choose(random_, data_commands.size()));
    if (options_.statements_max > 1 && !looks_at_all(chosen)) {
      for (const std::string_view head : {R"({"insert": "%C", "documents": [)", R"({"update": "%C", "updates": [)",
                                          R"({"delete": "%C", "deletes": [)"}) {
        if (chosen.starts_with(head)) return several(head);
      }
    }
    return filled(chosen);
  }

  /// The statements of random ones of the commands that begin so, under one head.
  std::string several(std::string_view head) {
    std::vector<std::string_view> statements;
    for (const std::string_view each : data_commands) {
      if (each.starts_with(head) && !looks_at_all(each))
        statements.push_back(each.substr(head.size(), each.size() - head.size() - 2));
    }
    std::string command(head);
    for (std::uint64_t left = 1 + choose(random_, options_.statements_max); left > 0; --left) {
      command += statements.at(choose(random_, statements.size()));
      command += left > 1 ? ", " : "], \"ordered\": false}";
    }
    return filled(command);
  }

  /// Of a command's words, or a name: of what options may leave out.
  [[nodiscard]] bool is_left_out(std::string_view command) const {
    if (!options_.only_plain) return false;
    for (const std::string_view word : {"apped", "series", "ttl"}) {
      if (command.find(word) != std::string_view::npos) return true;
    }
    return false;
  }

  bool run(const std::string& database, const std::string& command) {
    if (is_left_out(command)) return false;
    document reply;
    bson_error_t ignored{};
    const bool taken = connection_.try_run(database.c_str(), document::json(command), reply, ignored);
    ++(taken ? done_.commands : done_.refused);
    if (taken) done_.changes += changes_in(reply);
    return taken;
  }

  /// An update's "n" counts documents that it found as they should be.
  static std::uint64_t changes_in(const document& reply) {
    const bool updates = reply.has("nModified");
    return static_cast<std::uint64_t>(updates ? reply.integer("nModified") : reply.integer("n")) +
           (updates ? reply.child("upserted").elements().size() : 0);
  }

  void change_catalog() {
    bool changed = false;
    switch (choose(random_, 12)) {
      case 0:
      case 1:
      case 2:
        changed = run("admin", any_of(admin_commands));
        break;
      case 3:
        changed = run(options_.database + "_side", R"({"dropDatabase": 1})");
        break;
      default: {
        const std::string command = any_of(catalog_commands);
        if (allows_ttl_on_capped_ && command.starts_with("{\"convertToCapped")) return;
        changed = run(options_.database, command);
      }
    }
    done_.catalog_changes += changed ? 1 : 0;
    if (changed && options_.catalog_changes != nullptr) ++*options_.catalog_changes;
  }

  void transact() {
    bson_error_t ignored{};
    mongoc_client_session_t* const session = mongoc_client_start_session(connection_.get(), nullptr, &ignored);
    if (session == nullptr) return;
    bool good = mongoc_client_session_start_transaction(session, nullptr, &ignored);
    const bool large = choose(random_, 30) == 0;
    const std::uint64_t commands = 1 + choose(random_, 6);
    std::uint64_t changes = 0;
    for (std::uint64_t n = 0; good && n < commands; ++n) {
      document options;
      reply_buffer reply;
      const std::string command = large ? R"({"insert": ")" + collection() + R"(", "documents": [{"big": ")" +
                                              std::string(3U << 20U, 'x') + "\"}]}"
                                        : any_of(data_commands);
      good =
          mongoc_client_session_append(session, options.get(), &ignored) &&
          mongoc_client_command_with_opts(connection_.get(), options_.database.c_str(), document::json(command).get(),
                                          nullptr, options.get(), reply.get(), &ignored);
      if (good) changes += changes_in(reply.copy());
    }
    if (good && choose(random_, 4) != 0) {
      reply_buffer reply;
      good = mongoc_client_session_commit_transaction(session, reply.get(), &ignored);
      if (good) done_.changes += changes;
    } else {
      mongoc_client_session_abort_transaction(session, &ignored);
    }
    mongoc_client_session_destroy(session);
    ++done_.transactions;
    ++(good ? done_.commands : done_.refused);
  }

  client connection_;
  storm_options options_;
  random_source random_;
  bool allows_ttl_on_capped_;  // servers before 6.0 do; a newer destination cannot hold such an index
  storm_done done_;
};

}  // namespace

storm_done storm_for(const std::string& uri, const storm_options& options) {
  storm all(uri, options);
  const auto end = std::chrono::steady_clock::now() + options.duration;
  for (std::uint64_t n = 0; std::chrono::steady_clock::now() < end; ++n) {
    if (options.commands > 0 && n == options.commands) break;
    if (options.stop != nullptr && *options.stop) break;
    all.step();
    if (options.pause.count() > 0) std::this_thread::sleep_for(options.pause);
    if (options.steps != nullptr) ++*options.steps;
  }
  return all.done();
}

}  // namespace sluice::lab
