// What the tests of DDL share: two sets, one's oplog applied to the other entry by entry, and a storm of every command.
// Must never apply data in any clever way: inserts and deletes, one by one.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bson/bytes.hpp"
#include "engine/apply/ddl.hpp"
#include "tests/integration/cluster_lane.hpp"
#include "tests/lab/oracle.hpp"

namespace sluice::apply::testing {

using cluster::testing::lane;
using cluster::testing::parsed;
using cluster::testing::set_of;
using lab::document;

inline bson::document_view view_of(const document& doc) {
  return bson::document_view(reinterpret_cast<const std::byte*>(doc.raw().data()));
}

inline std::string timestamp_json(bson::timestamp at) {
  return "{\"$timestamp\": {\"t\": " + std::to_string(at.seconds) + ", \"i\": " + std::to_string(at.increment) + "}}";
}

/// Both sets and everything that stands between them.
class two_sets {
 public:
  explicit two_sets(const std::string& version)
      : source_set_(set_of("src", version)),
        destination_set_(set_of("dst", "6.0.27")),
        source(source_set_.connect()),
        destination(destination_set_.connect()) {}

  /// From now on the source's changes count.
  void begin(cluster::namespace_filter filter = {}, index_policy policy = {.defer_unique_and_ttl = false}) {
    filter_ = std::move(filter);
    map = {};
    from_ = newest();
    auto source_side = on_.must(cluster::discover(parsed(source_set_.uri()), cluster::role::source, on_.scope()));
    auto other_side =
        on_.must(cluster::discover(parsed(destination_set_.uri()), cluster::role::destination, on_.scope()));
    cluster::migration_scope scope;
    scope.filter = filter_;
    engine_ = std::make_unique<ddl>(std::move(source_side), std::move(other_side), std::move(scope), policy, map,
                                    std::chrono::seconds(20), on_.scope());
  }

  /// As the copy does it: the catalog as it is now, data, indexes, views.
  void copy() {
    const auto catalog = read_catalog(source_set_);
    map = map_of(catalog);
    for (const bool views : {false, true}) {
      for (const auto& info : catalog.collections) {
        if (views != (info.kind == cluster::collection_kind::view)) continue;
        run_on_destination(info.ns.database, cluster::create_command(info, true));
        if (views) continue;
        const auto all = source.run(info.ns.database.c_str(),
                                    "{\"find\": \"" + info.data_ns().collection + "\", \"batchSize\": 100000}");
        const auto documents = all.child("cursor.firstBatch").elements();
        if (!documents.empty())
          destination.insert(info.ns.database.c_str(), info.data_ns().collection.c_str(), documents);
        for (const auto& index : cluster::indexes_for_sync(info, {.defer_unique_and_ttl = false})) {
          bson::builder command;
          command.append("createIndexes", info.ns.collection).open_array("indexes").push(index.spec).close();
          run_on_destination(info.ns.database, command.finish());
        }
      }
    }
  }

  /// Everything that the oplog has got since, each catalog change twice: the second time with the map of before, as a
  /// process sees it that died in between.
  void follow() {
    const auto entries = source
                             .run("local", R"({"find": "oplog.rs", "batchSize": 1000000, "filter": {"ts": {"$gt": )" +
                                               timestamp_json(from_) + "}}}")
                             .child("cursor.firstBatch")
                             .elements();
    for (const auto& entry : entries) {
      const auto whole = view_of(entry);
      const auto at = whole.find("ts").as_timestamp().value();
      from_ = at;
      apply(whole, at);
    }
  }

  /// What a commit gives back, then the judgement.
  void compare(std::vector<std::string> include = {}) {
    const auto catalog = read_catalog(source_set_);
    for (const auto& info : catalog.collections)
      if (filter_.covers(info.ns).value())
        if (auto restore = cluster::restore_command(info)) run_on_destination(info.ns.database, *std::move(restore));
    const auto verdict = lab::compare({.source_uri = source_set_.uri(),
                                       .destination_uri = destination_set_.uri(),
                                       .include = std::move(include),
                                       .exclude = {}});
    EXPECT_TRUE(verdict.equal()) << verdict.text();
    // The map is what the destination is.
    std::size_t mapped = 0;
    if (without_uuids) return;
    for (const auto& info : catalog.collections) {
      if (info.uuid.empty() || !filter_.covers(info.ns).value()) continue;
      ++mapped;
      const auto* one = map.find(info.uuid);
      ASSERT_NE(one, nullptr) << info.ns.to_string();
      EXPECT_EQ(one->to->ns, info.data_ns());
      EXPECT_EQ(one->source_ns, info.data_ns());
    }
    EXPECT_EQ(map.size(), mapped);
  }

  cluster::catalog read_catalog(lab::replica_set& of) {
    const auto node = cluster::testing::open(on_, of.uri());
    return on_.must(cluster::read_catalog(*node, cluster::namespace_filter{}, false));
  }
  lab::replica_set& destination_set() { return destination_set_; }

  /// In one transaction.
  void transact(const std::vector<std::pair<std::string, std::string>>& commands) {
    bson_error_t fault;
    auto* session = mongoc_client_start_session(source.get(), nullptr, &fault);
    ASSERT_NE(session, nullptr) << fault.message;
    ASSERT_TRUE(mongoc_client_session_start_transaction(session, nullptr, &fault)) << fault.message;
    for (const auto& [database, text] : commands) {
      document options;
      ASSERT_TRUE(mongoc_client_session_append(session, options.get(), &fault));
      const auto command = document::json(text);
      ASSERT_TRUE(mongoc_client_write_command_with_opts(source.get(), database.c_str(), command.get(), options.get(),
                                                        nullptr, &fault))
          << text << ": " << fault.message;
    }
    bson_t reply;
    EXPECT_TRUE(mongoc_client_session_commit_transaction(session, &reply, &fault)) << fault.message;
    bson_destroy(&reply);
    mongoc_client_session_destroy(session);
  }

 private:
  lab::replica_set source_set_;
  lab::replica_set destination_set_;
  lane on_;
  cluster::namespace_filter filter_;
  bson::timestamp from_;

 public:
  lab::client source;
  lab::client destination;
  collection_map map;
  bson::timestamp replays_until;
  bool without_uuids = false;  // as a sharded cluster tells its changes
  std::function<void()> before_each = [] {};

 private:
  bson::timestamp newest() {
    const auto last =
        source.run("local", R"({"find": "oplog.rs", "sort": {"$natural": -1}, "limit": 1})").child("cursor.firstBatch");
    return view_of(last.elements().at(0)).find("ts").as_timestamp().value();
  }

  void run_on_destination(const std::string& database, const bson::document& command) {
    destination.run(database.c_str(), document::bytes(bson::text_of(command.bytes())));
  }

  void apply(bson::document_view entry, bson::timestamp at) {
    const auto op = entry.find("op").as_string().value();
    const auto o = entry.find("o").as_document().value();
    if (op == "n") return;
    if (op == "c" && o.find("applyOps")) {
      const auto all = o.find("applyOps").as_array().value();
      for (const auto inner : all) apply(inner.as_document().value(), at);
      return;
    }
    capture::change change;
    using enum capture::change_kind;
    change.kind = op == "i" ? insert : op == "u" ? update : op == "d" ? remove : command;
    change.at = at;
    change.ns = entry.find("ns").as_string().value();
    if (const auto uuid = entry.find("ui").as_binary(); uuid && !without_uuids) change.uuid = uuid->data;
    change.o = o;
    change.o2 = entry.find("o2").as_document().value_or(bson::document_view());
    change.whole = entry;
    const auto database = change.ns.substr(0, change.ns.find('.'));
    if (!cluster::is_user_database(database)) return;
    if (without_uuids && !told_by_name(change)) return;
    if (is_data(change) && !engine_->appears(change)) {
      write(change);
      return;
    }
    const auto map_of_before = map;
    before_each();
    const auto effects = on_.must(engine_->apply(change));
    check_effects(map_of_before, effects);
    if (effects.replays_until > replays_until) replays_until = effects.replays_until;
    map = map_of_before;
    on_.must(engine_->apply(change));
    if (is_data(change)) write(change);
  }

  /// What a change stream through a mongos does not keep silent about.
  static bool told_by_name(const capture::change& change) {
    if (change.kind != capture::change_kind::command) return change.ns.find(".system.") == std::string_view::npos;
    const auto name = (*change.o.begin()).key();
    return name == "drop" || name == "renameCollection" || name == "dropDatabase";
  }

  /// A checkpoint stores what the effects name: nothing else may have changed.
  void check_effects(collection_map stored, const ddl_effects& effects) {
    for (const auto& uuid : effects.erased) stored.erase(uuid);
    for (const auto& uuid : effects.changed)
      if (const auto* one = map.find(uuid)) stored.put(*one);
    const auto a = stored.to_documents();
    const auto b = map.to_documents();
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(std::ranges::equal(a[i].bytes(), b[i].bytes()));
  }

  /// The simplest that can be right: inserts and deletes, one by one.
  void write(const capture::change& change) {
    const auto* one =
        without_uuids ? map.find_by_source(cluster::parse_namespace(change.ns).value()) : map.find(change.uuid);
    if (one == nullptr) return;
    ASSERT_NE(change.kind, capture::change_kind::update) << "the test makes no updates";
    const auto& ns = one->to->ns;
    bson::builder remove;
    remove.append("delete", ns.collection).open_array("deletes").open_document("0").open_document("q");
    remove.append(change.o.find("_id")).close().append("limit", 1).close().close();
    if (!one->to->in_order || change.kind == capture::change_kind::remove)
      run_on_destination(ns.database, remove.finish());
    if (change.kind != capture::change_kind::insert) return;
    bson::builder insert;
    insert.append("insert", ns.collection).append("bypassDocumentValidation", true);
    insert.open_array("documents").push(change.o).close();
    try {
      run_on_destination(ns.database, insert.finish());
    } catch (const std::exception& duplicate) {
      if (!one->to->in_order) throw;  // capped: it is there already, in its place
    }
  }

  std::unique_ptr<ddl> engine_;
};

struct step {
  const char* database;
  const char* command;
  int version = 404;
};

/// One of everything. Documents are few: they must only come along.
inline const std::vector<step> storm{
    {"d", R"({"create": "a"})"},
    {"d", R"({"create": "french", "collation": {"locale": "fr", "strength": 2}, "validator": {"a": {"$gt": 1}},
        "validationLevel": "moderate", "validationAction": "warn"})"},
    {"d", R"({"create": "capped", "capped": true, "size": 5000, "max": 10})"},
    {"d", R"({"create": "images", "recordPreImages": true})", 404},
    {"d", R"({"create": "zstd", "storageEngine": {"wiredTiger": {"configString": "block_compressor=zstd"}}})"},
    {"d", R"({"create": "old_id", "idIndex": {"v": 1, "key": {"_id": 1}, "name": "_id_"}})"},
    {"d", R"({"insert": "implicit", "documents": [{"_id": 1}]})"},
    {"d", R"({"insert": "capped", "documents": [{"_id": 3}, {"_id": 1}, {"_id": 2}]})"},
    {"d", R"({"insert": "system.js", "documents": [{"_id": "f", "value": {"$code": "function() {}"}}]})"},
    // views, on views, of other collations, changed and dropped
    {"d", R"({"create": "view", "viewOn": "a", "pipeline": [{"$match": {"a": 1}}]})"},
    {"d", R"({"create": "view_on_view", "viewOn": "view", "pipeline": []})"},
    {"d", R"({"create": "german_view", "viewOn": "a", "pipeline": [], "collation": {"locale": "de"}})"},
    {"d", R"({"create": "dropped_view", "viewOn": "a", "pipeline": []})"},
    {"d", R"({"collMod": "view", "viewOn": "french", "pipeline": [{"$match": {"a": 2}}]})"},
    {"d", R"({"drop": "dropped_view"})"},
    {"d", R"({"drop": "german_view"})"},
    {"d", R"({"create": "german_view", "viewOn": "a", "pipeline": [{"$skip": 1}], "collation": {"locale": "fr"}})"},
    {"views", R"({"create": "c"})"},
    {"views", R"({"create": "v", "viewOn": "c", "pipeline": []})"},
    {"views", R"({"drop": "v"})"},
    {"views", R"({"drop": "system.views"})"},
    // indexes: on an empty collection, then on a full one
    {"d", R"({"createIndexes": "a", "indexes": [{"key": {"x": 1}, "name": "x"},
        {"key": {"u": 1}, "name": "u", "unique": true}, {"key": {"t": 1}, "name": "t", "expireAfterSeconds": 100}]})"},
    {"d", R"({"insert": "a", "documents": [{"_id": 1, "u": 1}, {"_id": 2, "u": 2}, {"_id": 3, "u": 3}]})"},
    {"d", R"({"createIndexes": "a", "indexes": [{"key": {"y": 1}, "name": "y"},
        {"key": {"z": 1}, "name": "z", "hidden": true}, {"key": {"h": "hashed"}, "name": "h"},
        {"key": {"words": "text"}, "name": "words", "default_language": "german"},
        {"key": {"$**": 1}, "name": "wild", "wildcardProjection": {"q": 0}},
        {"key": {"at": "2dsphere"}, "name": "at"}, {"key": {"old": 1}, "name": "old", "v": 1},
        {"key": {"p": 1}, "name": "p", "partialFilterExpression": {"q": {"$gt": 5}}},
        {"key": {"x": 1}, "name": "collated", "collation": {"locale": "sv"}}]})"},
    {"d", R"({"createIndexes": "a", "indexes": [{"key": {"u": 1, "w": 1}, "name": "both", "unique": true}]})"},
    {"d", R"({"createIndexes": "a", "indexes": [{"key": {"u": 1, "w": 1}, "name": "plain"}]})", 500},
    {"d", R"({"createIndexes": "french", "indexes": [{"key": {"a": 1}, "name": "inherits"},
        {"key": {"b": 1}, "name": "simple", "collation": {"locale": "simple"}}]})"},
    {"d", R"({"insert": "french", "documents": [{"_id": "x", "a": 1}]})"},
    {"d", R"({"createIndexes": "french", "indexes": [{"key": {"c": 1}, "name": "simple too",
        "collation": {"locale": "simple"}}]})"},
    // collMod
    // 4.4 makes a long of it, which createIndexes would have refused.
    {"d", R"({"collMod": "a", "index": {"name": "t", "expireAfterSeconds": 200}})", 500},
    {"d", R"({"collMod": "a", "index": {"keyPattern": {"y": 1}, "hidden": true}})"},
    {"d", R"({"collMod": "a", "index": {"name": "z", "hidden": false}})"},
    {"d", R"({"collMod": "a", "validator": {"x": {"$exists": true}}, "validationLevel": "off"})"},
    {"d", R"({"collMod": "french", "validator": {}, "validationLevel": "strict"})"},
    {"d", R"({"collMod": "a", "recordPreImages": true})", 404},
    {"d", R"({"collMod": "images", "recordPreImages": false})", 404},
    // drops of indexes
    {"d", R"({"dropIndexes": "a", "index": "y"})"},
    {"d", R"({"dropIndexes": "a", "index": ["u", "h"]})"},
    {"d", R"({"dropIndexes": "french", "index": "*"})"},
    {"d", R"({"createIndexes": "a", "indexes": [{"key": {"other": 1}, "name": "u"}]})"},
    // renames: plain, onto another one, into another database
    {"admin", R"({"renameCollection": "d.a", "to": "d.b"})"},
    {"d", R"({"insert": "b", "documents": [{"_id": 4, "u": 4, "x": 1}]})"},
    {"admin", R"({"renameCollection": "d.b", "to": "d.implicit", "dropTarget": true})"},
    {"admin", R"({"renameCollection": "d.implicit", "to": "e.x"})"},
    {"e", R"({"create": "target"})"},
    {"admin", R"({"renameCollection": "e.x", "to": "d.a"})"},
    {"admin", R"({"renameCollection": "e.target", "to": "d.capped2"})"},
    // conversions and outputs
    {"d", R"({"insert": "small", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]})"},
    {"d", R"({"createIndexes": "small", "indexes": [{"key": {"y": 1}, "name": "y"}]})"},
    {"d", R"({"convertToCapped": "small", "size": 100000})"},
    {"d", R"({"cloneCollectionAsCapped": "small", "toCollection": "clone", "size": 50000})"},
    {"d", R"({"aggregate": "small", "pipeline": [{"$out": "outed"}], "cursor": {}})"},
    {"d", R"({"createIndexes": "outed", "indexes": [{"key": {"kept": 1}, "name": "kept"}]})"},
    {"d", R"({"aggregate": "small", "pipeline": [{"$match": {"_id": 1}}, {"$out": "outed"}], "cursor": {}})"},
    {"d", R"({"aggregate": "small", "pipeline": [{"$merge": "merged"}], "cursor": {}})"},
    {"d", R"({"mapReduce": "small", "map": {"$code": "function() { emit(1, 1); }"},
        "reduce": {"$code": "function(k, v) { return 1; }"}, "out": "reduced"})"},
    {"d", R"({"emptycapped": "capped"})"},
    {"d", R"({"insert": "capped", "documents": [{"_id": 9}]})"},
    {"admin", R"({"applyOps": [{"op": "c", "ns": "d.$cmd", "o": {"create": "via_apply_ops"}}]})"},
    // time-series
    {"d", R"({"create": "weather", "timeseries": {"timeField": "t", "metaField": "m"}, "expireAfterSeconds": 100000})",
     500},
    {"d", R"({"create": "gone", "timeseries": {"timeField": "t"}})", 500},
    {"d", R"({"insert": "weather", "documents": [{"t": {"$date": "2030-01-01T00:00:00Z"}, "m": {"s": 1}}]})", 500},
    {"d", R"({"createIndexes": "weather", "indexes": [{"key": {"m.s": 1, "t": -1}, "name": "st"},
        {"key": {"m.b": 1}, "name": "dropped"}]})",
     500},
    {"d", R"({"collMod": "weather", "expireAfterSeconds": 200000})", 500},
    {"d", R"({"collMod": "weather", "timeseries": {"granularity": "minutes"}})", 500},
    {"d", R"({"dropIndexes": "weather", "index": "dropped"})", 500},
    {"d", R"({"drop": "gone"})", 500},
    {"d", R"({"createIndexes": "weather", "indexes": [{"key": {"x": 1}, "name": "measured"},
        {"key": {"m.c": 1}, "name": "partial", "partialFilterExpression": {"x": {"$gt": 1}}}]})",
     600},
    {"d", R"({"collMod": "weather", "index": {"name": "measured", "hidden": true}})", 600},
    // what 6.0 brought
    {"d", R"({"create": "images6", "changeStreamPreAndPostImages": {"enabled": true}})", 600},
    {"d", R"({"create": "images6_off", "changeStreamPreAndPostImages": {"enabled": true}})", 600},
    {"d", R"({"collMod": "images6_off", "changeStreamPreAndPostImages": {"enabled": false}})", 600},
    {"d", R"({"create": "clustered", "clusteredIndex": {"key": {"_id": 1}, "unique": true, "name": "mine"},
        "expireAfterSeconds": 100000})",
     600},
    {"d", R"({"collMod": "clustered", "expireAfterSeconds": 300000})", 600},
    {"d", R"({"createIndexes": "clustered", "indexes": [{"key": {"k": 1}, "name": "k"}, {"key": {"l": 1}, "name": "l",
        "prepareUnique": true}]})",
     600},
    {"d", R"({"collMod": "clustered", "index": {"name": "k", "prepareUnique": true}})", 600},
    {"d", R"({"collMod": "clustered", "index": {"name": "k", "unique": true}})", 600},
    {"d", R"({"createIndexes": "clustered", "indexes": [{"key": {"late": 1}, "name": "late"}]})", 600},
    {"d", R"({"collMod": "clustered", "index": {"name": "late", "expireAfterSeconds": 77}})", 600},
    {"d", R"({"collMod": "capped", "cappedSize": 9000, "cappedMax": 7})", 600},
    // drops; a database that comes again with another case
    {"d", R"({"drop": "zstd"})"},
    {"Case", R"({"insert": "c", "documents": [{"_id": 1}]})"},
    {"Case", R"({"create": "v", "viewOn": "c", "pipeline": []})"},
    {"Case", R"({"insert": "system.js", "documents": [{"_id": "f"}]})"},
    {"Case", R"({"dropDatabase": 1})"},
    {"case", R"({"insert": "c", "documents": [{"_id": 2}]})"},
};

}  // namespace sluice::apply::testing
