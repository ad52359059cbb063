// Which oplog entries come out as changes, in which order, and what position says meanwhile. Transactions have a test
// of their own.
#include "engine/capture/change_reader.hpp"

#include "tests/unit/capture/oplog_entries.hpp"

namespace sluice::capture {

using namespace testing;

TEST(change_reader, gives_each_operation_with_its_fields) {
  fed_reader reader;
  const auto chunk =
      chunk_of({entry(10, insert_of(1)), entry(11, R"("op": "u", "ns": "db.c", "ui": {"$binary": {"base64":
                                  "AAECAwQFBgcICQoLDA0ODw==", "subType": "04"}}, "o": {"$v": 2, "diff": {}}, "o2": {"_id": 2})"),
                entry(12, R"("op": "d", "ns": "db.c.d", "o": {"_id": 3})"),
                entry(13, R"("op": "c", "ns": "db.$cmd", "o": {"create": "n"}, "o2": {"x": 1})")});
  reader->give(chunk);
  const auto inserted = reader->next().value();
  ASSERT_TRUE(inserted);
  EXPECT_EQ(inserted->kind, change_kind::insert);
  EXPECT_EQ(inserted->at, at(10));
  EXPECT_TRUE(inserted->uuid.empty());
  EXPECT_TRUE(inserted->o2.empty());
  // Not a copy: the bytes of the chunk, which the owner keeps.
  EXPECT_GE(inserted->whole.bytes().data(), chunk->entries.data());
  EXPECT_LT(inserted->whole.bytes().data(), chunk->entries.data() + chunk->entries.size());
  EXPECT_EQ(reader->owner().get(), chunk.get());

  const auto updated = reader->next().value();
  ASSERT_TRUE(updated);
  EXPECT_EQ(updated->kind, change_kind::update);
  ASSERT_EQ(updated->uuid.size(), 16U);
  EXPECT_EQ(updated->uuid[15], std::byte{15});
  EXPECT_EQ(updated->o.find("$v").to_int64(), 2);
  EXPECT_EQ(updated->o2.find("_id").to_int64(), 2);

  EXPECT_EQ(line_of(*reader->next().value()), "12 d db.c.d 3");
  const auto command = reader->next().value();
  ASSERT_TRUE(command);
  EXPECT_EQ(command->kind, change_kind::command);
  EXPECT_EQ(command->ns, "db.$cmd");
  EXPECT_EQ(command->o2.find("x").to_int64(), 1);
  EXPECT_FALSE(reader->next().value());
}

TEST(change_reader, leaves_out_notes_and_the_servers_own_namespaces) {
  fed_reader reader;
  reader.give({entry(1, R"("op": "n", "ns": "", "o": {"msg": "periodic noop"})"),
               entry(2, R"("op": "n", "ns": "db.c", "o": {"_id": 1, "pre": "image"})"),
               entry(3, insert_of(1, "config.transactions")), entry(4, insert_of(2, "admin.system.keys")),
               entry(5, insert_of(3, "local.x")), entry(6, insert_of(4, "db.system.profile")),
               entry(7, R"("op": "c", "ns": "config.$cmd", "o": {"create": "transactions"})"),
               entry(8, R"("op": "c", "ns": "admin.$cmd", "o": {"drop": "q"})"), entry(9, insert_of(5, "db.system.js")),
               entry(10, insert_of(6))});
  EXPECT_EQ(reader.came_out, (lines{"9 i db.system.js 5", "10 i db.c 6"}));
  EXPECT_EQ(reader.error, "");
}

TEST(change_reader, leaves_out_commands_that_change_nothing) {
  fed_reader reader;
  reader.give({entry(1, R"("op": "c", "ns": "db.$cmd", "o": {"startIndexBuild": "c", "indexes": []})"),
               entry(2, R"("op": "c", "ns": "db.$cmd", "o": {"abortIndexBuild": "c", "indexes": []})"),
               entry(3, R"("op": "c", "ns": "db.c", "o": {"dbCheck": "db.c", "type": "batch"})"),
               entry(4, R"("op": "c", "ns": "admin.$cmd", "o": {"dbCheck": "admin.$cmd", "type": "stop"})"),
               entry(5, R"("op": "c", "ns": "db.$cmd", "o": {"modifyCollectionShardingIndexCatalog": "c"})")});
  EXPECT_EQ(reader.came_out, lines{});
  EXPECT_EQ(reader.error, "");
}

TEST(change_reader, gives_every_command_of_the_catalog) {
  const lines names{"create",      "createIndexes", "commitIndexBuild", "drop",        "dropIndexes",    "dropIndex",
                    "deleteIndex", "deleteIndexes", "collMod",          "emptycapped", "convertToCapped"};
  for (const auto& name : names) {
    fed_reader reader;
    reader.give({entry(1, R"("op": "c", "ns": "db.$cmd", "o": {")" + name + R"(": "c"})")});
    EXPECT_EQ(reader.came_out, (lines{"1 c " + name + " \"c\""})) << reader.error;
  }
  fed_reader reader;
  reader.give({entry(1, R"("op": "c", "ns": "db.$cmd", "o": {"renameCollection": "db.a", "to": "db.b"})"),
               entry(2, R"("op": "c", "ns": "db.$cmd", "o": {"dropDatabase": 1})")});
  EXPECT_EQ(reader.came_out, (lines{"1 c renameCollection \"db.a\"", "2 c dropDatabase 1"}));
}

TEST(change_reader, keeps_what_convert_to_capped_marks_as_migrated) {
  fed_reader reader;
  reader.give({entry(1, insert_of(1, "db.tmpX.convertToCapped.c") + R"(, "fromMigrate": true)")});
  EXPECT_EQ(reader.came_out, lines{"1 i db.tmpX.convertToCapped.c 1"});
}

TEST(change_reader, filters_documents_by_namespace) {
  reader_options options;
  options.filter = {.include = {"db.in", "all"}, .exclude = {"all.but"}};
  fed_reader reader(options);
  reader.give({entry(1, insert_of(1, "db.in")), entry(2, insert_of(2, "db.out")), entry(3, insert_of(3, "all.x")),
               entry(4, insert_of(4, "all.but")), entry(5, insert_of(5, "db.system.buckets.in")),
               entry(6, insert_of(6, "db.system.buckets.out")),
               entry(7, R"("op": "i", "ns": "db.system.views", "o": {"_id": "db.in", "viewOn": "x"})"),
               entry(8, R"("op": "i", "ns": "db.system.views", "o": {"_id": "db.out", "viewOn": "x"})"),
               entry(9, R"("op": "u", "ns": "db.system.views", "o": {"$v": 2}, "o2": {"_id": "db.in"})"),
               entry(10, R"("op": "d", "ns": "db.system.views", "o": {"_id": 7})"),
               entry(11, R"("op": "i", "ns": "none.system.views", "o": {"_id": "none.in"})"),
               entry(12, insert_of(7, "db.in"))});
  EXPECT_EQ(reader.came_out, (lines{"1 i db.in 1", "3 i all.x 3", "5 i db.system.buckets.in 5",
                                    "7 i db.system.views \"db.in\"", "9 u db.system.views \"db.in\"", "12 i db.in 7"}));
}

TEST(change_reader, filters_commands_by_every_name_in_them) {
  reader_options options;
  options.filter.include = {"db.in"};
  fed_reader reader(options);
  reader.give({entry(1, R"("op": "c", "ns": "db.$cmd", "o": {"create": "in"})"),
               entry(2, R"("op": "c", "ns": "db.$cmd", "o": {"create": "out"})"),
               entry(3, R"("op": "c", "ns": "db.$cmd", "o": {"renameCollection": "db.in", "to": "db.x"})"),
               entry(4, R"("op": "c", "ns": "db.$cmd", "o": {"renameCollection": "db.x", "to": "db.in"})"),
               entry(5, R"("op": "c", "ns": "db.$cmd", "o": {"renameCollection": "db.x", "to": "db.y"})"),
               entry(6, R"("op": "c", "ns": "db.$cmd", "o": {"dropDatabase": 1})"),
               entry(7, R"("op": "c", "ns": "other.$cmd", "o": {"dropDatabase": 1})"),
               entry(8, R"("op": "c", "ns": "db.$cmd", "o": {"drop": "system.views"})"),
               entry(9, R"("op": "c", "ns": "other.$cmd", "o": {"drop": "system.views"})"),
               entry(10, R"("op": "c", "ns": "db.$cmd", "o": {"create": "system.buckets.in"})")});
  EXPECT_EQ(reader.came_out,
            (lines{"1 c create \"in\"", "3 c renameCollection \"db.in\"", "4 c renameCollection \"db.x\"",
                   "6 c dropDatabase 1", "8 c drop \"system.views\"", "10 c create \"system.buckets.in\""}));
}

TEST(change_reader, refuses_what_it_does_not_know) {
  for (const std::string fields : {R"("op": "xi", "ns": "db.c", "o": {"marker": 77})",
                                   R"("op": "c", "ns": "db.$cmd", "o": {"truncateRange": "db.c", "marker": 77})",
                                   R"("op": "c", "ns": "db.$cmd", "o": {"importCollection": "c", "marker": 77})"}) {
    fed_reader reader;
    reader.give({entry(1, insert_of(1)), entry(2, fields), entry(3, insert_of(3))});
    EXPECT_EQ(reader.came_out, lines{"1 i db.c 1"}) << fields;
    EXPECT_TRUE(contains(reader.error, R"("marker": 77)") || contains(reader.error, R"("marker":77)")) << reader.error;
    EXPECT_EQ(reader.kind, error_kind::protocol);
  }
  fed_reader elsewhere({.filter = {.include = {}, .exclude = {"db"}}});
  elsewhere.give({entry(1, R"("op": "xi", "ns": "config.x", "o": {})"),
                  entry(2, R"("op": "c", "ns": "config.$cmd", "o": {"truncateRange": "config.system.preimages"})"),
                  entry(3, R"("op": "c", "ns": "db.$cmd", "o": {"importCollection": "c"})"),
                  entry(4, insert_of(1, "a.b"))});
  EXPECT_EQ(elsewhere.came_out, lines{"4 i a.b 1"}) << elsewhere.error;
}

TEST(change_reader, refuses_malformed_entries) {
  for (const std::string fields :
       {R"("ns": "db.c", "o": {"_id": 1})", R"("op": "i", "o": {"_id": 1})",
        R"("op": "i", "ns": "db", "o": {"_id": 1})", R"("op": "i", "ns": "db.c")",
        R"("op": "u", "ns": "db.c", "o": {"_id": 1})", R"("op": "i", "ns": 7, "o": {"_id": 1})",
        R"("op": "i", "ns": "db.c", "o": 7)", R"("op": "i", "ns": "db.c", "ui": "x", "o": {"_id": 1})",
        R"("op": "c", "ns": "db.$cmd", "o": {"applyOps": 1})", R"("op": "c", "ns": "db.$cmd", "o": {"applyOps": [1]})",
        R"("op": "c", "ns": "db.$cmd", "o": {})"}) {
    fed_reader reader;
    reader.give({entry(1, fields)});
    EXPECT_EQ(reader.came_out, lines{}) << fields;
    EXPECT_EQ(reader.kind, error_kind::protocol) << fields;
  }
  fed_reader without_time;
  without_time.give({from_json("{" + insert_of(1) + "}")});
  EXPECT_TRUE(contains(without_time.error, "\"ts\"")) << without_time.error;
}

TEST(change_reader, refuses_damaged_chunks) {
  const auto good = chunk_of({entry(1, insert_of(1)), entry(2, insert_of(2))});
  auto cut = std::make_shared<change_chunk>(*good);
  cut->entries.pop_back();
  auto torn = std::make_shared<change_chunk>(*good);
  torn->entries[6] = std::byte{0x42};  // no such type
  auto fewer = std::make_shared<change_chunk>(*good);
  fewer->count = 3;
  for (const shared_chunk& chunk : {shared_chunk(cut), shared_chunk(torn), shared_chunk(fewer)}) {
    fed_reader reader;
    reader.give(chunk);
    EXPECT_EQ(reader.kind, error_kind::protocol) << reader.error;
  }
  fed_reader backwards;
  backwards.give({entry(5, insert_of(1))}).give({entry(4, insert_of(1))});
  EXPECT_TRUE(contains(backwards.error, "Timestamp(5, 1)")) << backwards.error;
}

TEST(change_reader, accepts_the_deepest_document_a_server_stores) {
  // 180 levels, with the entry, applyOps, its operation and `o` around them.
  bson::builder deep;
  deep.append("_id", 1);
  for (int level = 1; level < 200; ++level) deep.open_document("a");
  for (int level = 1; level < 200; ++level) deep.close();
  bson::builder operation;
  operation.append("op", "i").append("ns", "db.c").append("o", deep.finish());
  bson::builder made;
  made.append("op", "c").append("ns", "admin.$cmd").append("ts", at(1));
  made.open_document("o").open_array("applyOps").push(operation.finish()).close().close();
  fed_reader reader;
  reader.give({made.finish()});
  EXPECT_EQ(reader.came_out, lines{"1 i db.c 1"}) << reader.error;
}

TEST(change_reader, accepts_strings_that_are_no_utf8) {
  bson::builder made;
  made.append("op", "i").append("ns", "db.c").append("ts", at(1));
  made.open_document("o").append("_id", 1).append("x", "\xff\xfe").close();
  fed_reader reader;
  reader.give({made.finish()});
  EXPECT_EQ(reader.came_out, lines{"1 i db.c 1"}) << reader.error;
}

TEST(change_reader, gives_nothing_twice_that_was_applied_before) {
  reader_options options;
  options.applied = at(11);
  fed_reader reader(options);
  EXPECT_EQ(reader->position(), at(11));
  reader.give({entry(9, R"("op": "xx", "ns": "db.c")"), entry(10, insert_of(1)),
               entry(11, R"("op": "c", "ns": "db.$cmd", "o": {"drop": "c"})")});
  EXPECT_EQ(reader.came_out, lines{});
  EXPECT_EQ(reader->position(), at(11));
  reader.give({entry(12, insert_of(2))});
  EXPECT_EQ(reader.came_out, lines{"12 i db.c 2"});
  EXPECT_EQ(reader->position(), at(12));
}

TEST(change_reader, moves_its_position_when_all_of_a_time_came_out) {
  change_reader reader({.applied = at(5)});
  reader.give(
      chunk_of({entry(10, insert_of(1)), entry(11, R"("op": "n", "ns": "", "o": {})"),
                entry(12, R"("op": "c", "ns": "admin.$cmd", "o": )" + apply_ops_of({insert_of(2), insert_of(3)})),
                entry(13, insert_of(4)), entry(13, insert_of(5)), entry(14, insert_of(6))},
               at(20)));
  const auto next = [&reader] { return line_of(*reader.next().value()); };
  EXPECT_EQ(reader.position(), at(5));
  EXPECT_EQ(next(), "10 i db.c 1");
  EXPECT_EQ(next(), "12 i db.c 2");
  EXPECT_EQ(reader.position(), at(11));  // past the note
  EXPECT_EQ(next(), "12 i db.c 3");
  EXPECT_EQ(reader.position(), at(11));
  EXPECT_EQ(next(), "13 i db.c 4");
  EXPECT_EQ(reader.position(), at(12));
  EXPECT_EQ(next(), "13 i db.c 5");
  EXPECT_EQ(reader.position(), at(12));  // two entries of one time
  EXPECT_EQ(next(), "14 i db.c 6");
  EXPECT_EQ(reader.position(), at(13));
  EXPECT_FALSE(reader.next().value());
  EXPECT_EQ(reader.position(), at(20));
  EXPECT_EQ(reader.resume_from(), at(20));
  reader.give(chunk_of({}, at(30)));  // idle
  EXPECT_FALSE(reader.next().value());
  EXPECT_EQ(reader.position(), at(30));
}

}  // namespace sluice::capture
