// The zoo: one collection for each thing that a collection can be.
#include <algorithm>

#include "tests/lab/dataset.hpp"
#include "tests/lab/dataset_documents.hpp"

namespace sluice::lab {
namespace {

constexpr const char* zoo = "zoo";

// Written as the options of createIndexes; `since` is the first server version that takes it.
struct index_sample {
  int since;
  const char* spec;
};
constexpr index_sample index_samples[] = {
    {404, R"({"key": {"a": 1}, "name": "a_1"})"},
    {404, R"({"key": {"a": -1}, "name": "descending", "hidden": true})"},
    {404, R"({"key": {"a": 1, "b": -1, "c.d": 1}, "name": "compound"})"},
    {404, R"({"key": {"unique": 1}, "name": "unique", "unique": true})"},
    {404, R"({"key": {"maybe": 1}, "name": "unique sparse", "unique": true, "sparse": true})"},
    {404, R"({"key": {"partial": 1}, "name": "unique partial", "unique": true,
              "partialFilterExpression": {"partial": {"$gt": 5}, "b": {"$exists": true}}})"},
    {404, R"({"key": {"when": 1}, "name": "ttl", "expireAfterSeconds": 315360000})"},
    {404, R"({"key": {"when": 1, "a": 1}, "name": "no ttl but dated"})"},
    {404, R"({"key": {"tags": 1}, "name": "multikey"})"},
    {404, R"({"key": {"text": "text", "note": "text"}, "name": "text", "weights": {"text": 10, "note": 3},
              "default_language": "german", "language_override": "speech"})"},
    {404, R"({"key": {"flat": "2d"}, "name": "flat", "bits": 20, "min": -500.0, "max": 500.0})"},
    {404, R"({"key": {"place": "2dsphere", "a": 1}, "name": "sphere"})"},
    {404, R"({"key": {"place": "2dsphere"}, "name": "sphere version 2", "2dsphereIndexVersion": 2})"},
    {404, R"({"key": {"hashed": "hashed"}, "name": "hashed"})"},
    {404, R"({"key": {"a": 1, "hashed": "hashed"}, "name": "compound hashed"})"},
    {404, R"({"key": {"$**": 1}, "name": "wildcard", "wildcardProjection": {"wild": 1, "b": 1}})"},
    {404, R"({"key": {"wild.$**": 1}, "name": "wildcard below"})"},
    {404, R"({"key": {"name": 1}, "name": "collated", "collation": {"locale": "de", "strength": 2}})"},
    {404, R"({"key": {"name": 1}, "name": "the same in binary order"})"},
    {404, R"({"key": {"old": 1}, "name": "version 1", "v": 1})"},
    {404, R"({"key": {"stored": 1}, "name": "block compressor",
              "storageEngine": {"wiredTiger": {"configString": "block_compressor=zlib"}}})"},
    {404, R"({"key": {"x": 1}, "name": "name with dots . and spaces, é, \"quotes\""})"},
    {500, R"({"key": {"twice": 1}, "name": "twice"})"},
    {500, R"({"key": {"twice": 1}, "name": "twice unique", "unique": true})"},
};

class keeper {
 public:
  keeper(const std::string& uri, const zoo_options& options)
      : connection_(uri), options_(options), version_(connection_.server_version()), random_(options.seed) {}

  loaded fill() {
    values();
    sizes();
    indexes();
    special_collections();
    if (version_ >= 500) {
      time_series();
    }
    names();
    views();
    return total_;
  }

 private:
  void create(const std::string& name, const std::string& options, const char* database = zoo) {
    connection_.run(database,
                    R"({"create": ")" + json_escaped(name) + "\"" + (options.empty() ? "" : ", ") + options + "}");
    ++total_.collections;
  }

  void insert(const std::string& collection, const std::vector<document>& documents, const char* database = zoo) {
    connection_.insert(database, collection.c_str(), documents);
    total_.documents += documents.size();
    for (const auto& one : documents) {
      total_.bytes += one.get()->len;
    }
  }

  std::vector<document> some(std::uint64_t count) {
    std::vector<document> documents;
    for (std::uint64_t id = 0; id < count; ++id) {
      documents.push_back(random_document(random_, id));
    }
    return documents;
  }

  void values() {
    create("ids", "");
    insert("ids", odd_id_documents());
    create("values", "");
    insert("values", odd_value_documents(version_ >= 500));
    // An insert would replace this timestamp by the time of day; an update keeps it.
    insert("values", {document::json(R"({"_id": "top-level timestamp", "a": 1})")});
    connection_.run(zoo, R"({"update": "values", "updates": [{"q": {"_id": "top-level timestamp"},
        "u": {"$set": {"ts": {"$timestamp": {"t": 0, "i": 0}}}}}]})");
    create("random", "");
    insert("random", some(options_.ordinary_documents));
    create("empty", "");
  }

  void sizes() {
    create("tiny", "");
    std::vector<document> batch;
    for (std::uint64_t id = 0; id < options_.tiny_documents; ++id) {
      batch.emplace_back();
      bson_append_int32(batch.back().get(), "_id", 3, static_cast<std::int32_t>(id));
      if (batch.size() == 10'000) {
        insert("tiny", batch);
        batch.clear();
      }
    }
    if (!batch.empty()) {
      insert("tiny", batch);
    }
    create("large", "");
    constexpr std::size_t bson_bytes_max = 16UL * 1024 * 1024;
    for (std::uint64_t id = 0; id < options_.large_documents; ++id) {
      insert("large", {padded_document(id, bson_bytes_max)});
      insert("large", {padded_document(1'000'000 + id, bson_bytes_max / 2 - 3 + id)});
    }
  }

  void create_indexes(const std::string& collection) {
    std::string specs;
    for (const auto& sample : index_samples) {
      if (version_ >= sample.since) {
        specs += (specs.empty() ? "" : ", ") + std::string(sample.spec);
      }
    }
    connection_.run(zoo, R"({"createIndexes": ")" + collection + R"(", "indexes": [)" + specs + "]}");
  }

  void indexes() {
    create("indexed", "");
    std::vector<document> documents;
    for (std::uint64_t id = 0; id < 1000; ++id) {
      const std::string n = std::to_string(id);
      documents.push_back(document::json(
          R"({"_id": )" + n + R"(, "a": )" + std::to_string(id % 17) + R"(, "b": ")" + n + R"(", "c": {"d": )" + n +
          R"(}, "unique": )" + n + R"(, "partial": )" + std::to_string(id < 500 ? id : 1) +
          R"(, "when": {"$date": {"$numberLong": "4102444800000"}}, "tags": [1, "x", )" + n + R"(], "text": ")" +
          random_text(random_, 30) + R"(", "note": "Haus und Hof", "flat": [)" + std::to_string(id % 400) +
          R"(, 3], "place": {"type": "Point", "coordinates": [)" + std::to_string(id % 180) +
          R"(, 12.5]}, "hashed": )" + n + R"(, "wild": {"k)" + n + R"(": 1}, "name": ")" +
          (id % 2 == 0 ? "Name" : "name") + n + R"(", "stored": 1, "twice": )" + n + "}"));
    }
    insert("indexed", documents);
    create_indexes("indexed");
    create("indexed and empty", "");
    create_indexes("indexed and empty");
  }

  void special_collections() {
    create("capped", R"("capped": true, "size": 65536)");
    create("capped by number", R"("capped": true, "size": 1048576, "max": 100)");
    for (const char* capped : {"capped", "capped by number"}) {
      auto documents = some(options_.capped_documents);
      // The natural order is not that of the _ids.
      std::reverse(documents.begin(), documents.begin() + static_cast<std::ptrdiff_t>(documents.size() / 2));
      insert(capped, documents);
    }
    create("collated", R"("collation": {"locale": "en", "strength": 2, "numericOrdering": true})");
    for (const char* id : {"a", "B", "ab", "é", "10", "9", ""}) {
      insert("collated", {document::json(R"({"_id": ")" + std::string(id) + R"(", "name": "N)" + id + "\"}")});
    }
    connection_.run(zoo, R"({"createIndexes": "collated", "indexes": [{"key": {"name": 1}, "name": "inherited"},
        {"key": {"name": 1}, "name": "simple", "collation": {"locale": "simple"}}]})");

    create("validated", "");
    insert("validated", some(100));  // none of which the validator would take
    connection_.run(zoo, R"({"collMod": "validated", "validator": {"$jsonSchema": {"bsonType": "object",
        "required": ["name"], "properties": {"name": {"bsonType": "string"}}}},
        "validationLevel": "strict", "validationAction": "error"})");
    create("validated moderately", R"("validator": {"a": {"$gt": {"$numberInt": "5"}}}, "validationLevel": "moderate",
        "validationAction": "warn")");
    insert("validated moderately", some(10));
    create("compressed", R"("storageEngine": {"wiredTiger": {"configString": "block_compressor=zstd"}})");
    insert("compressed", some(20));
    create("index defaults",
           R"("indexOptionDefaults": {"storageEngine": {"wiredTiger": {"configString": "prefix_compression=false"}}})");
    insert("system.js", {document::json(R"({"_id": "twice", "value": {"$code": "function(x) { return 2 * x; }"}})")});
    ++total_.collections;

    if (version_ >= 503) {
      create("clustered", R"("clusteredIndex": {"key": {"_id": 1}, "unique": true, "name": "by _id"})");
      insert("clustered", odd_id_documents_for_clustered());
      create("clustered and expiring",
             R"("clusteredIndex": {"key": {"_id": 1}, "unique": true}, "expireAfterSeconds": 315360000)");
      insert("clustered and expiring", {document::json(R"({"_id": {"$date": {"$numberLong": "4102444800000"}}})")});
    }
    if (version_ >= 600) {
      create("pre-images", R"("changeStreamPreAndPostImages": {"enabled": true})");
      insert("pre-images", some(20));
    } else {
      create("pre-images", R"("recordPreImages": true)");
    }
  }

  // A clustered collection's keys are bounded to 8 MiB, and long ones cost: the short odd ones are enough.
  static std::vector<document> odd_id_documents_for_clustered() {
    auto documents = odd_id_documents();
    std::erase_if(documents, [](const document& one) { return one.get()->len > 1000; });
    return documents;
  }

  void time_series() {
    create("weather", R"("timeseries": {"timeField": "at", "metaField": "station", "granularity": "minutes"},
        "expireAfterSeconds": 315360000)");
    create("ticks", R"("timeseries": {"timeField": "t"})");
    std::vector<document> weather;
    std::vector<document> ticks;
    for (std::uint64_t n = 0; n < options_.measurements; ++n) {
      const std::string at = std::to_string(1'893'456'000'000 + n * 61'000);
      weather.push_back(document::json(R"({"_id": )" + std::to_string(n) + R"(, "at": {"$date": {"$numberLong": ")" +
                                       at + R"("}}, "station": {"name": "s)" + std::to_string(n % 7) +
                                       R"("}, "degrees": )" + std::to_string(choose(random_, 400)) +
                                       (n % 5 == 0 ? R"(, "wind": "north")" : "") + "}"));
      ticks.push_back(document::json(R"({"_id": )" + std::to_string(n) + R"(, "t": {"$date": {"$numberLong": ")" + at +
                                     R"("}}, "v": )" + std::to_string(n) + "}"));
    }
    insert("weather", weather);
    insert("ticks", ticks);
    connection_.run(zoo, R"({"createIndexes": "weather",
        "indexes": [{"key": {"station.name": 1, "at": -1}, "name": "by station"}]})");
  }

  void names() {
    const std::string long_name(200, 'l');
    for (const std::string& name : {std::string("a.b.c"), std::string("with space"), std::string("Großes 集合 😀"),
                                    std::string("quote\"d and back\\slash"), std::string("-dash"), std::string("1"),
                                    std::string("ends with ."), std::string("tab\there"), long_name}) {
      create(name, "");
      insert(name, some(5));
    }
    for (const char* database : {"zoo-two", "Zoo_Über", "z", "0"}) {
      create("things", "", database);
      insert("things", some(50), database);
    }
  }

  void views() {
    create("view",
           R"("viewOn": "indexed", "pipeline": [{"$match": {"a": {"$gte": 3}}}, {"$project": {"a": 1, "b": 1}}])");
    create("view of a view", R"("viewOn": "view", "pipeline": [{"$match": {"b": "x"}}])");
    create("view with collation",
           R"("viewOn": "indexed", "pipeline": [], "collation": {"locale": "en", "strength": 1})");
    create("view of nothing", R"("viewOn": "not there", "pipeline": [])");
    create("view.with dots", R"("viewOn": "with space", "pipeline": [{"$lookup": {"from": "a.b.c", "localField": "_id",
        "foreignField": "_id", "as": "found"}}])");
  }

  client connection_;
  zoo_options options_;
  int version_;
  random_source random_;
  loaded total_;
};

}  // namespace

zoo_options small_zoo(std::uint64_t seed) {
  return {.seed = seed,
          .ordinary_documents = 200,
          .tiny_documents = 12'000,
          .large_documents = 1,
          .capped_documents = 500,
          .measurements = 300};
}

loaded load_zoo(const std::string& uri, const zoo_options& options) {
  return keeper(uri, options).fill();
}

}  // namespace sluice::lab
