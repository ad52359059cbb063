// Changes of every kind that an application makes, in a database of the caller's choice.
#pragma once

#include <stdexcept>
#include <string>

#include "tests/lab/mongo.hpp"

namespace sluice::capture::testing {

/// Runs commands in one transaction.
inline void in_transaction(lab::client& source, const std::string& database, const std::vector<std::string>& commands,
                           bool commit) {
  bson_error_t why{};
  mongoc_client_session_t* const session = mongoc_client_start_session(source.get(), nullptr, &why);
  if (session == nullptr) throw std::runtime_error(why.message);
  bool good = mongoc_client_session_start_transaction(session, nullptr, &why);
  for (const auto& each : commands) {
    if (!good) break;
    lab::document options;
    lab::reply_buffer reply;
    good = mongoc_client_session_append(session, options.get(), &why);
    good = good && mongoc_client_command_with_opts(source.get(), database.c_str(), lab::document::json(each).get(),
                                                   nullptr, options.get(), reply.get(), &why);
  }
  if (good && commit) {
    lab::reply_buffer reply;
    good = mongoc_client_session_commit_transaction(session, reply.get(), &why);
  }
  if (good && !commit) good = mongoc_client_session_abort_transaction(session, &why);
  mongoc_client_session_destroy(session);
  if (!good) throw std::runtime_error(why.message);
}

/// Inserts, updates of several kinds, deletes, transactions, and DDL. Leaves collections behind.
inline void change_everything(lab::client& source, const std::string& database) {
  const auto run = [&](const char* command) { return source.run(database.c_str(), command); };
  run(R"({"create": "orders"})");
  run(R"({"createIndexes": "orders", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})");
  std::string many = R"({"insert": "orders", "documents": [)";
  for (int i = 0; i < 100; ++i) {
    many += (i == 0 ? "" : ",") + (R"({"_id": )" + std::to_string(i)) + R"(, "a": 1, "list": [1, 2], "in": {"b": 1}})";
  }
  source.run(database.c_str(), many + "]}");
  run(R"({"update": "orders", "updates": [
    {"q": {"_id": {"$lt": 20}}, "u": {"$set": {"a": 2, "in.b": 3}, "$unset": {"x": 1}}, "multi": true},
    {"q": {"_id": 21}, "u": {"$push": {"list": 7}, "$inc": {"n": 1}}},
    {"q": {"_id": 22}, "u": {"replaced": true}},
    {"q": {"_id": "new"}, "u": {"$set": {"a": 1}}, "upsert": true},
    {"q": {"_id": 23}, "u": [{"$set": {"sum": {"$add": ["$a", 1]}}}]}]})");
  run(R"({"delete": "orders", "deletes": [{"q": {"_id": {"$gte": 90}}, "limit": 0}]})");
  run(R"({"createIndexes": "orders", "indexes": [{"key": {"in.b": -1}, "name": "b"}]})");
  run(R"({"dropIndexes": "orders", "index": "a_1"})");
  run(R"({"collMod": "orders", "validator": {"a": {"$exists": true}}, "validationLevel": "off"})");

  in_transaction(source, database,
                 {R"({"insert": "orders", "documents": [{"_id": "t1"}, {"_id": "t2"}]})",
                  R"({"update": "orders", "updates": [{"q": {"_id": 1}, "u": {"$set": {"in.b": 9}}}]})",
                  R"({"delete": "orders", "deletes": [{"q": {"_id": 2}, "limit": 1}]})"},
                 true);
  in_transaction(source, database, {R"({"insert": "orders", "documents": [{"_id": "never"}]})"}, false);

  run(R"({"create": "few", "capped": true, "size": 4096, "max": 3})");
  for (int i = 0; i < 5; ++i) run(R"({"insert": "few", "documents": [{"x": 1}]})");
  run(R"({"create": "recent", "viewOn": "orders", "pipeline": [{"$match": {"a": 2}}]})");
  run(R"({"collMod": "recent", "viewOn": "orders", "pipeline": []})");
  run(R"({"create": "gone", "viewOn": "orders", "pipeline": []})");
  run(R"({"drop": "gone"})");
  run(R"({"insert": "dropped", "documents": [{"_id": 1}]})");
  run(R"({"drop": "dropped"})");
  run(R"({"insert": "old", "documents": [{"_id": 1}]})");
  run(R"({"insert": "target", "documents": [{"_id": 2}]})");
  source.run("admin", R"({"renameCollection": ")" + database + R"(.old", "to": ")" + database +
                          R"(.target", "dropTarget": true})");
  run(R"({"aggregate": "orders", "pipeline": [{"$match": {"a": 2}}, {"$out": "result"}], "cursor": {}})");
  const std::string brief = database + "_brief";
  source.run(brief.c_str(), R"({"insert": "c", "documents": [{"_id": 1}]})");
  source.run(brief.c_str(), R"({"dropDatabase": 1})");
}

}  // namespace sluice::capture::testing
