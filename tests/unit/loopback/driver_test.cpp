// The loopback server as libmongoc sees it: a driver that nobody here wrote must find a replica set's primary there.
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <mongoc/mongoc.h>

#include "tests/loopback/server.hpp"

namespace sluice::loopback {
namespace {

template <auto Destroy>
struct destroy_with {
  template <class T>
  void operator()(T* object) const {
    Destroy(object);
  }
};
using client_pointer = std::unique_ptr<mongoc_client_t, destroy_with<mongoc_client_destroy>>;
using collection_pointer = std::unique_ptr<mongoc_collection_t, destroy_with<mongoc_collection_destroy>>;
using cursor_pointer = std::unique_ptr<mongoc_cursor_t, destroy_with<mongoc_cursor_destroy>>;

/// bson_t is over-aligned, which template arguments cannot carry: so it is held by hand.
class bson_pointer {
 public:
  explicit bson_pointer(bson_t* owned) : owned_(owned) {}
  bson_pointer(bson_pointer&& other) noexcept : owned_(std::exchange(other.owned_, nullptr)) {}
  bson_pointer& operator=(bson_pointer&&) = delete;
  ~bson_pointer() {
    if (owned_ != nullptr) bson_destroy(owned_);
  }
  [[nodiscard]] bson_t* get() const { return owned_; }

 private:
  bson_t* owned_;
};

bson_pointer json(const char* text) {
  bson_error_t error;
  bson_pointer parsed(bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text), -1, &error));
  EXPECT_NE(parsed.get(), nullptr) << error.message;
  return parsed;
}

class loopback_driver : public testing::Test {
 protected:
  static void SetUpTestSuite() { mongoc_init(); }
  static void TearDownTestSuite() { mongoc_cleanup(); }

  client_pointer connect(const server& to) { return client_pointer(mongoc_client_new(to.uri().c_str())); }

  std::string command(mongoc_client_t* client, const char* database, const char* text) {
    bson_t reply;
    bson_error_t error{};
    const bool done = mongoc_client_command_simple(client, database, json(text).get(), nullptr, &reply, &error);
    char* printed = bson_as_relaxed_extended_json(&reply, nullptr);
    std::string result = done ? printed : error.message;
    bson_free(printed);
    bson_destroy(&reply);
    return result;
  }
};

TEST_F(loopback_driver, finds_the_primary_and_pings) {
  const server served({.set_name = "rs7"});
  const auto client = connect(served);
  EXPECT_NE(command(client.get(), "admin", R"({"ping": 1})").find("\"ok\" : 1.0"), std::string::npos);
  EXPECT_NE(command(client.get(), "admin", R"({"hello": 1})").find("\"setName\" : \"rs7\""), std::string::npos);
  EXPECT_NE(command(client.get(), "admin", R"({"buildInfo": 1})").find("[ 6, 0, 27, 0 ]"), std::string::npos);
  EXPECT_EQ(command(client.get(), "admin", R"({"flyToTheMoon": 1})"), "no such command: 'flyToTheMoon'");
}

TEST_F(loopback_driver, delivers_every_document_once_and_in_order) {
  const server served({.data = {.collections = 2, .documents = 2500, .document_bytes = 300, .ids = id_type::int64}});
  const auto client = connect(served);
  const collection_pointer collection(mongoc_client_get_collection(client.get(), "load", "docs_1"));
  const auto everything = json("{}");
  const auto options = json(R"({"batchSize": 333})");
  const cursor_pointer cursor(
      mongoc_collection_find_with_opts(collection.get(), everything.get(), options.get(), nullptr));
  const bson_t* document = nullptr;
  std::uint64_t index = 0;
  while (mongoc_cursor_next(cursor.get(), &document)) {
    const auto expected = served.data().document_at(1, index);
    ASSERT_EQ(document->len, 300U);
    ASSERT_EQ(std::memcmp(bson_get_data(document), expected.bytes().data(), document->len), 0) << index;
    ++index;
  }
  bson_error_t error{};
  EXPECT_FALSE(mongoc_cursor_error(cursor.get(), &error)) << error.message;
  EXPECT_EQ(index, 2500U);
  EXPECT_EQ(served.commands("getMore"), 7U);
  EXPECT_EQ(served.open_cursors(), 0U);
}

TEST_F(loopback_driver, swallows_inserts_and_counts_them) {
  const server served({});
  const auto client = connect(served);
  const collection_pointer collection(mongoc_client_get_collection(client.get(), "shop", "orders"));
  const auto document = json(R"({"a": 1})");
  const bson_t* documents[] = {document.get(), document.get(), document.get()};
  bson_t reply;
  bson_error_t error{};
  ASSERT_TRUE(mongoc_collection_insert_many(collection.get(), documents, std::size(documents), nullptr, &reply, &error))
      << error.message;
  bson_iter_t found;
  ASSERT_TRUE(bson_iter_init_find(&found, &reply, "insertedCount"));
  EXPECT_EQ(bson_iter_as_int64(&found), 3);
  bson_destroy(&reply);
  EXPECT_EQ(served.documents("shop.orders"), 3U);
  EXPECT_EQ(served.namespaces(), std::vector<std::string>{"shop.orders"});
}

TEST_F(loopback_driver, keeps_what_is_written_to_a_stored_database) {
  const server served({});
  const auto client = connect(served);
  const collection_pointer state(mongoc_client_get_collection(client.get(), "__mdb_internal_sluice", "state"));
  const auto by_id = json(R"({"_id": "run"})");
  const auto upsert = json(R"({"upsert": true})");
  bson_error_t error{};
  ASSERT_TRUE(mongoc_collection_replace_one(state.get(), by_id.get(), json(R"({"phase": 1, "owner": {"id": 7}})").get(),
                                            upsert.get(), nullptr, &error));
  ASSERT_TRUE(mongoc_collection_update_one(state.get(), json(R"({"_id": "run", "owner.id": {"$lt": 8}})").get(),
                                           json(R"({"$set": {"owner.id": 9, "new": true}})").get(), nullptr, nullptr,
                                           &error));
  // Somebody else's lease: the filter does not match, and the upsert collides.
  EXPECT_FALSE(mongoc_collection_replace_one(state.get(), json(R"({"_id": "run", "owner.id": 7})").get(),
                                             json(R"({"phase": 2})").get(), upsert.get(), nullptr, &error));
  EXPECT_EQ(error.code, 11000U);
  const cursor_pointer cursor(mongoc_collection_find_with_opts(state.get(), by_id.get(), nullptr, nullptr));
  const bson_t* document = nullptr;
  ASSERT_TRUE(mongoc_cursor_next(cursor.get(), &document));
  const auto expected = json(R"({"_id": "run", "phase": 1, "owner": {"id": 9}, "new": true})");
  EXPECT_TRUE(bson_equal(document, expected.get()));
  ASSERT_TRUE(mongoc_collection_delete_one(state.get(), by_id.get(), nullptr, nullptr, &error));
  EXPECT_TRUE(served.stored("__mdb_internal_sluice.state").empty());
}

TEST_F(loopback_driver, grants_a_lease_by_its_own_clock) {
  const server served({});
  const auto client = connect(served);
  const char* database = "__mdb_internal_sluice";
  command(client.get(), database, R"({"insert": "run", "documents": [{"_id": "run", "phase": 1}]})");
  const auto take = [&](const char* token, int lease_ms) {
    const std::string text = std::string(R"({"findAndModify": "run", "query": {"_id": "run", "$or": [{"owner": null},
        {"owner.token": ")") +
                             token + R"("}, {"$expr": {"$lt": ["$owner.until", "$$NOW"]}}]},
        "update": [{"$set": {"owner": {"token": ")" +
                             token + R"(", "until": {"$add": ["$$NOW", )" + std::to_string(lease_ms) + "]}}}}]}";
    return command(client.get(), database, text.c_str()).find("\"value\" : null") == std::string::npos;
  };
  EXPECT_TRUE(take("a", 60'000));
  EXPECT_TRUE(take("a", 60'000));
  EXPECT_FALSE(take("b", 60'000));
  EXPECT_TRUE(take("a", -1));  // over at once
  EXPECT_TRUE(take("b", 60'000));
  const auto stored = served.stored("__mdb_internal_sluice.run");
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored.front().view().at("owner", "token").as_string(), "b");
  EXPECT_EQ(stored.front().view().find("phase").as_int32(), 1);
}

TEST_F(loopback_driver, refuses_writes_after_a_step_down) {
  server served({});
  const auto client = connect(served);
  const char* insert = R"({"insert": "c", "documents": [{"_id": 1}]})";
  EXPECT_NE(command(client.get(), "d", insert).find("\"t\" : 1"), std::string::npos);
  served.step_down();
  EXPECT_EQ(command(client.get(), "d", insert), "not primary");
  served.step_up();
  EXPECT_NE(command(client.get(), "d", insert).find("\"t\" : 2"), std::string::npos);
}

}  // namespace
}  // namespace sluice::loopback
