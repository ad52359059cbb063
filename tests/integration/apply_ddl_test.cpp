// DDL of real servers, read from their oplogs and applied to another: the catalogs must come out the same, although
// each entry is applied twice.
#include <functional>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "bson/bytes.hpp"
#include "engine/apply/ddl.hpp"
#include "tests/integration/cluster_lane.hpp"
#include "tests/lab/oracle.hpp"

namespace sluice::apply {
namespace {

using cluster::testing::lane;
using cluster::testing::parsed;
using cluster::testing::set_of;
using lab::document;

bson::document_view view_of(const document& doc) {
  return bson::document_view(reinterpret_cast<const std::byte*>(doc.raw().data()));
}

std::string timestamp_json(bson::timestamp at) {
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
    engine_ = std::make_unique<ddl>(std::move(source_side), std::move(other_side), filter_, policy, map,
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
      if (filter_.takes(info.ns))
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
      if (info.uuid.empty() || !filter_.takes(info.ns)) continue;
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
  bool without_uuids = false;  // as change streams of old are
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
    if (is_data(change)) {
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
const std::vector<step> storm{
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

class apply_ddl : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(from, apply_ddl, ::testing::Values("4.4.2", "5.0.4", "6.0.27"), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '.', '_');
  return "v" + name;
});

void raise_storm(two_sets& sets) {
  const int version = sets.source.server_version();
  for (const auto& [database, command, since] : storm)
    if (version >= since) sets.source.run(database, command);
  sets.transact({{"d", R"({"create": "transacted"})"},
                 {"d", R"({"createIndexes": "transacted", "indexes": [{"key": {"q": 1}, "name": "q"}]})"},
                 {"d", R"({"insert": "transacted", "documents": [{"_id": 1}]})"},
                 {"d", R"({"insert": "transacted too", "documents": [{"_id": 1}]})"}});
}

TEST_P(apply_ddl, everything_comes_out_the_same) {
  two_sets sets(GetParam());
  sets.begin();
  raise_storm(sets);
  sets.follow();
  sets.compare();
}

// The catalog that was copied is of the middle: what lies before it has happened already, or concerns what is gone.
TEST_P(apply_ddl, everything_comes_out_the_same_over_a_copy_of_later) {
  two_sets sets(GetParam());
  sets.begin();
  raise_storm(sets);
  sets.copy();
  if (sets.source.server_version() >= 600) {
    // listIndexes shows neither that an index on measurements is hidden nor how its options were ordered.
    sets.source.run("d", R"({"dropIndexes": "weather", "index": ["measured", "partial"]})");
    sets.source.run("d", R"({"createIndexes": "weather", "indexes": [{"key": {"x": -1}, "name": "measured"}]})");
  }
  sets.source.run("d", R"({"createIndexes": "a", "indexes": [{"key": {"after": 1}, "name": "after"}]})");
  sets.source.run("d", R"({"collMod": "view", "viewOn": "a", "pipeline": [{"$limit": 1}]})");
  sets.source.run("admin", R"({"renameCollection": "d.a", "to": "d.after"})");
  sets.source.run("d", R"({"drop": "clone"})");
  sets.follow();
  sets.compare();
}

// The oplog's first entry is of before the catalog, and what was older still is in the copy alone: an entry of before
// that were applied to it would destroy it.
TEST(apply_ddl_listed, what_had_happened_before_does_not_happen_again) {
  two_sets sets("6.0.27");
  for (const auto* name : {"old", "one", "two", "emptied"})
    sets.source.run("n", std::string("{\"insert\": \"") + name + "\", \"documents\": [{\"_id\": \"of before\"}]}");
  sets.source.run("n", R"({"createIndexes": "old", "indexes": [{"key": {"k": 1}, "name": "k"}]})");
  sets.begin();
  // A collection that comes, and goes under an older one.
  sets.source.run("n", R"({"create": "young"})");
  sets.source.run("admin", R"({"renameCollection": "n.old", "to": "n.young", "dropTarget": true})");
  // A name that was another's on the way.
  sets.source.run("admin", R"({"renameCollection": "n.one", "to": "n.on the way"})");
  sets.source.run("admin", R"({"renameCollection": "n.on the way", "to": "n.one again"})");
  sets.source.run("admin", R"({"renameCollection": "n.two", "to": "n.on the way"})");
  // An index of the same name: the later one stays.
  sets.source.run("n", R"({"dropIndexes": "young", "index": "k"})");
  sets.source.run("n", R"({"createIndexes": "young", "indexes": [{"key": {"later": 1}, "name": "k"}]})");
  // A view where a collection was, a collection where a view was.
  sets.source.run("n", R"({"create": "became a view"})");
  sets.source.run("n", R"({"drop": "became a view"})");
  sets.source.run("n", R"({"create": "became a view", "viewOn": "young", "pipeline": []})");
  sets.source.run("n", R"({"create": "was a view", "viewOn": "young", "pipeline": []})");
  sets.source.run("n", R"({"drop": "was a view"})");
  sets.source.run("admin", R"({"renameCollection": "n.emptied", "to": "n.was a view"})");
  sets.copy();
  sets.follow();
  sets.compare();
  EXPECT_EQ(sets.replays_until, bson::timestamp{}) << "nothing had to be copied a second time";
}

// Renames of every kind among few names, so that they meet.
class name_dice {
 public:
  explicit name_dice(unsigned seed) : random_(seed) {}
  std::string name() { return "abcdef"[pick(6)] + std::string(); }
  std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }

 private:
  std::mt19937 random_;
};

void random_step(two_sets& sets, name_dice& dice, int number) {
  // Many make no sense at their time: then the source refuses, and nothing happened.
  const auto attempt = [&](const char* database, const std::string& command) {
    document reply;
    bson_error_t fault;
    return sets.source.try_run(database, document::json(command), reply, fault);
  };
  const auto a = dice.name();
  const auto b = dice.name();
  const auto n = std::to_string(number);
  const auto rename = [&](const std::string& from, const std::string& to, bool drop) {
    return attempt("admin", "{\"renameCollection\": \"r." + from + "\", \"to\": \"" + to +
                                "\", \"dropTarget\": " + (drop ? "true}" : "false}"));
  };
  switch (dice.pick(14)) {
    case 12:
    case 13:
      rename(a, "r." + b, false);
      break;
    case 0:
    case 1:
      attempt("r", "{\"insert\": \"" + a + "\", \"documents\": [{\"_id\": " + n + "}]}");
      break;
    case 2:
      attempt("r", "{\"drop\": \"" + a + "\"}");
      break;
    case 3:
      rename(a, "r." + b, false);
      break;
    case 4:
      rename(a, "r." + b, true);
      break;
    case 5:  // swap
      rename(a, "r.x", false);
      rename(b, "r." + a, false);
      rename("x", "r." + b, false);
      break;
    case 6:  // there and back again
      rename(a, "s." + b, true);
      attempt("admin", "{\"renameCollection\": \"s." + b + "\", \"to\": \"r." + a + "\"}");
      break;
    case 7:
      attempt("r", "{\"createIndexes\": \"" + a + "\", \"indexes\": [{\"key\": {\"" + b +
                       "\": " + (number % 2 == 0 ? "1" : "-1") + "}, \"name\": \"" + b + "\"}]}");
      break;
    case 8:
      attempt("r", "{\"dropIndexes\": \"" + a + "\", \"index\": \"" + b + "\"}");
      break;
    case 9:
      attempt("r", "{\"create\": \"" + a + "\", \"viewOn\": \"" + b + "\", \"pipeline\": [{\"$limit\": " + n + "}]}");
      break;
    case 10:
      attempt("r", "{\"aggregate\": \"" + a + "\", \"pipeline\": [{\"$out\": \"" + b + "\"}], \"cursor\": {}}");
      break;
    default:
      attempt("r", "{\"collMod\": \"" + a + "\", \"validator\": {\"v\": {\"$ne\": " + n + "}}}");
      break;
  }
}

TEST(apply_ddl_random, chains_and_swaps) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  name_dice dice(seed);
  two_sets sets("6.0.27");
  int number = 1;
  for (const char* name : {"a", "b", "c", "d", "e", "f"})
    sets.source.run("r", std::string("{\"insert\": \"") + name + "\", \"documents\": [{\"_id\": 0}]}");
  // What is of before the oplog's first entry can be lost for good.
  sets.begin();
  for (; number < 40; ++number) random_step(sets, dice, number);
  sets.copy();
  for (; number < 45; ++number) random_step(sets, dice, number);
  sets.follow();
  // At once: later steps would bury what was lost.
  sets.compare();
  for (; number < 150; ++number) random_step(sets, dice, number);
  sets.follow();
  sets.compare();
}

TEST(apply_ddl_filter, collections_enter_and_leave) {
  two_sets sets("6.0.27");
  auto& source = sets.source;
  source.run("f", R"({"insert": "leaves", "documents": [{"_id": 1}]})");
  source.run("f", R"({"insert": "replaced", "documents": [{"_id": "old"}]})");
  std::vector<document> many;
  for (int i = 0; i < 25000; ++i) many.push_back(document::json("{\"_id\": " + std::to_string(i) + "}"));
  source.insert("f", "large", many);
  source.run(
      "f",
      R"({"createIndexes": "large", "indexes": [{"key": {"k": 1}, "name": "k", "unique": true, "sparse": true}]})");
  source.run("f", R"({"create": "ring", "capped": true, "size": 4096, "max": 5})");
  source.run("f", R"({"insert": "ring", "documents": [{"_id": 2}, {"_id": 1}]})");
  source.run("f", R"({"insert": "visitor", "documents": [{"_id": 1}]})");

  const std::vector<std::string> taken{"f.leaves", "f.replaced", "f.in", "f.in_later", "f.ring_in", "f.out", "g"};
  sets.begin({.include = taken, .exclude = {}});
  // Nothing is copied: the collections inside are made by their own entries.
  source.run("f", R"({"drop": "leaves"})");
  source.run("f", R"({"insert": "leaves", "documents": [{"_id": 2}]})");
  source.run("f", R"({"drop": "replaced"})");
  source.run("f", R"({"insert": "replaced", "documents": [{"_id": "new"}]})");
  sets.follow();

  source.run("admin", R"({"renameCollection": "f.leaves", "to": "f.elsewhere"})");
  source.run("admin", R"({"renameCollection": "f.large", "to": "f.in"})");
  source.run("f", R"({"insert": "in", "documents": [{"_id": -1}]})");
  source.run("f", R"({"delete": "in", "deletes": [{"q": {"_id": 5}, "limit": 1}]})");
  source.run("admin", R"({"renameCollection": "f.ring", "to": "f.ring_in"})");
  source.run("f", R"({"insert": "ring_in", "documents": [{"_id": 0}]})");
  // In, on, and onto one that is inside.
  source.run("admin", R"({"renameCollection": "f.visitor", "to": "f.in_later"})");
  source.run("f", R"({"createIndexes": "in_later", "indexes": [{"key": {"k": 1}, "name": "k"}]})");
  source.run("admin", R"({"renameCollection": "f.in_later", "to": "f.replaced", "dropTarget": true})");
  // In and gone before anybody could look.
  source.run("f", R"({"insert": "short", "documents": [{"_id": 1}]})");
  source.run("admin", R"({"renameCollection": "f.short", "to": "f.in_later"})");
  source.run("f", R"({"drop": "in_later"})");
  // The temporary collection of $out is outside, its result is inside.
  source.run("f", R"({"aggregate": "in", "pipeline": [{"$limit": 3}, {"$out": "out"}], "cursor": {}})");
  source.run("f", R"({"aggregate": "in", "pipeline": [{"$limit": 2}, {"$out": "out"}], "cursor": {}})");
  // From a database outside into one inside.
  source.run("h", R"({"insert": "x", "documents": [{"_id": 1}]})");
  source.run("admin", R"({"renameCollection": "h.x", "to": "g.x"})");
  const auto last = source.run("f", R"({"insert": "in", "documents": [{"_id": -2}]})");
  sets.follow();
  EXPECT_GE(sets.replays_until, view_of(last).find("operationTime").as_timestamp().value());
  sets.compare(taken);
  EXPECT_EQ(sets.destination.run("f", R"({"listCollections": 1, "filter": {"name": "elsewhere"}})")
                .child("cursor.firstBatch")
                .elements()
                .size(),
            0U);
}

std::map<std::string, document> indexes_of(lab::client& of, const char* database, const char* collection) {
  std::map<std::string, document> indexes;
  const auto reply = of.run(database, std::string("{\"listIndexes\": \"") + collection + "\"}");
  for (auto& one : reply.child("cursor.firstBatch").elements()) indexes.emplace(one.text("name"), one);
  return indexes;
}

TEST(apply_ddl_policy, unique_and_ttl_wait_for_the_commit) {
  two_sets sets("6.0.27");
  sets.begin({}, {});
  for (const auto* command : {
           R"({"createIndexes": "a", "indexes": [{"key": {"u": 1}, "name": "unique", "unique": true},
               {"key": {"u": 1}, "name": "plain beside it"}, {"key": {"t": 1}, "name": "ttl", "expireAfterSeconds": 1},
               {"key": {"w": 1}, "name": "plain first"}, {"key": {"p": 1}, "name": "prepared"},
               {"key": {"l": 1}, "name": "ttl later"}]})",
           R"({"insert": "a", "documents": [{"_id": 1}]})",
           R"({"createIndexes": "a", "indexes": [{"key": {"w": 1}, "name": "unique second", "unique": true}]})",
           R"({"collMod": "a", "index": {"name": "ttl", "expireAfterSeconds": 5}})",
           R"({"collMod": "a", "index": {"name": "ttl later", "expireAfterSeconds": 5}})",
           R"({"collMod": "a", "index": {"name": "prepared", "prepareUnique": true}})",
           R"({"collMod": "a", "index": {"name": "prepared", "unique": true}})",
           R"({"create": "clustered", "clusteredIndex": {"key": {"_id": 1}, "unique": true}, "expireAfterSeconds": 1})",
           R"({"collMod": "clustered", "expireAfterSeconds": 2})",
           R"({"create": "ring", "capped": true, "size": 4096, "max": 2})",
           R"({"collMod": "ring", "cappedMax": 3})",
       })
    sets.source.run("p", command);
  sets.follow();
  const auto made = indexes_of(sets.destination, "p", "a");
  EXPECT_EQ(made.size(), 6U) << "the _id index, and all but the unique ones beside a plain one";
  for (const auto& [name, spec] : made) {
    EXPECT_FALSE(spec.has("unique")) << name;
    EXPECT_FALSE(spec.has("prepareUnique")) << name;
  }
  EXPECT_TRUE(made.contains("plain beside it"));
  EXPECT_TRUE(made.contains("plain first"));
  EXPECT_EQ(made.at("ttl").integer("expireAfterSeconds"), 2147483647);
  EXPECT_EQ(made.at("ttl later").integer("expireAfterSeconds"), 2147483647);
  for (const auto& one : sets.destination.run("p", R"({"listCollections": 1})").child("cursor.firstBatch").elements()) {
    EXPECT_FALSE(one.has("options.expireAfterSeconds")) << one.text("name");
    EXPECT_FALSE(one.has("options.max")) << one.text("name");
    if (one.text("name") == "ring") {
      EXPECT_EQ(one.integer("options.size"), std::int64_t{1} << 50);
    }
  }
}

TEST(apply_ddl_policy, no_indexes_where_none_are_wanted) {
  two_sets sets("6.0.27");
  sets.begin({}, {.never = true});
  sets.source.run("p", R"({"createIndexes": "a", "indexes": [{"key": {"u": 1}, "name": "u"}]})");
  sets.source.run("p", R"({"collMod": "a", "index": {"name": "u", "hidden": true}})");
  sets.source.run("p", R"({"dropIndexes": "a", "index": "u"})");
  sets.source.run("p", R"({"createIndexes": "a", "indexes": [{"key": {"u": 1}, "name": "u"}]})");
  sets.follow();
  EXPECT_EQ(indexes_of(sets.destination, "p", "a").size(), 1U);

  sets.begin({}, {.exclude_hashed = true});
  sets.source.run("p", R"({"createIndexes": "b", "indexes": [{"key": {"u": "hashed"}, "name": "h"},
      {"key": {"u": 1}, "name": "u"}]})");
  sets.follow();
  const auto made = indexes_of(sets.destination, "p", "b");
  EXPECT_TRUE(made.contains("u"));
  EXPECT_FALSE(made.contains("h"));
}

TEST(apply_ddl_nameless, names_lead_where_uuids_are_not_told) {
  two_sets sets("6.0.27");
  sets.without_uuids = true;
  sets.begin();
  raise_storm(sets);
  sets.source.run("n", R"({"insert": "a", "documents": [{"_id": "a"}]})");
  sets.source.run("n", R"({"insert": "b", "documents": [{"_id": "b"}]})");
  sets.source.run("admin", R"({"renameCollection": "n.a", "to": "n.x"})");
  sets.source.run("admin", R"({"renameCollection": "n.b", "to": "n.a"})");
  sets.source.run("admin", R"({"renameCollection": "n.x", "to": "n.b"})");
  sets.source.run("n", R"({"insert": "a", "documents": [{"_id": "into a"}]})");
  // Where only a stream tells, an _id index of version 1 is not told from the default.
  sets.source.run("d", R"({"drop": "old_id"})");
  sets.source.run("d", R"({"drop": "via_apply_ops"})");
  sets.follow();
  sets.compare();
}

// Each command of the destination fails once before it runs: as in an election, or with a cut connection.
TEST(apply_ddl_fault, the_destination_goes_away_and_comes_back) {
  two_sets sets("6.0.27");
  sets.begin();
  raise_storm(sets);
  int number = 0;
  sets.before_each = [&] {
    const bool cut = ++number % 2 == 0;
    sets.destination.run(
        "admin", std::string(R"({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": {"failCommands":
            ["create", "drop", "renameCollection", "collMod", "createIndexes", "dropIndexes", "dropDatabase",
             "listCollections"], )") +
                     (cut ? R"("closeConnection": true}})" : R"("errorCode": 10107}})"));
  };
  sets.follow();
  sets.destination.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  sets.compare();
}

// The copy of a collection that enters the filter begins again when either side goes away under it.
TEST(apply_ddl_fault, a_copy_on_the_way_in_is_made_afresh) {
  two_sets sets("6.0.27");
  std::vector<document> many;
  for (int i = 0; i < 25000; ++i) many.push_back(document::json("{\"_id\": " + std::to_string(i) + "}"));
  sets.source.insert("f", "out", many);
  sets.source.run("f", R"({"create": "ring_out", "capped": true, "size": 10000000})");
  sets.source.insert("f", "ring_out", many);
  const std::vector<std::string> taken{"f.in", "f.ring_in"};
  sets.begin({.include = taken, .exclude = {}});
  sets.source.run("admin", R"({"renameCollection": "f.out", "to": "f.in"})");
  sets.source.run("admin", R"({"renameCollection": "f.ring_out", "to": "f.ring_in"})");
  const auto fail = [](lab::client& where, const char* command, const char* mode, const char* how) {
    where.run("admin", std::string(R"({"configureFailPoint": "failCommand", "mode": )") + mode +
                           R"(, "data": {"failCommands": [")" + command + "\"], " + how + "}}");
  };
  int number = 0;
  sets.before_each = [&] {
    if (++number == 1) {
      fail(sets.source, "getMore", R"({"times": 1})", R"("closeConnection": true)");
      fail(sets.destination, "insert", R"({"times": 1})", R"("errorCode": 10107)");
    } else {
      fail(sets.source, "getMore", R"({"times": 1})", R"("errorCode": 43)");
      fail(sets.destination, "insert", R"({"times": 2})", R"("closeConnection": true)");
    }
  };
  sets.follow();
  sets.source.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  sets.compare(taken);
}

TEST(apply_ddl_error, a_refusal_is_told_with_the_entry) {
  two_sets sets("6.0.27");
  sets.begin();
  sets.source.run("d", R"({"create": "a"})");
  sets.follow();
  // Of the destination's own making: what the source's entry meets there cannot be.
  sets.destination.run("admin", R"({"configureFailPoint": "failCommand", "mode": "alwaysOn",
      "data": {"failCommands": ["collMod"], "errorCode": 72}})");
  sets.source.run("d", R"({"collMod": "a", "validator": {"x": 1}})");
  try {
    sets.follow();
    ADD_FAILURE() << "the collMod was refused";
  } catch (const std::exception& refusal) {
    const std::string words = refusal.what();
    EXPECT_NE(words.find("code 72"), std::string::npos) << words;
    EXPECT_NE(words.find("\"validator\": {\"x\""), std::string::npos) << words;
  }
  sets.destination.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
}

}  // namespace
}  // namespace sluice::apply
