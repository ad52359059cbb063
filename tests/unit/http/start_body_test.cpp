// Every documented option of POST /start: obeyed, accepted as what happens anyway, or refused by name.
#include "engine/http/start_body.hpp"

#include <string>

#include <gtest/gtest.h>

#include "bson/extended_json.hpp"

namespace sluice::http {
namespace {

std::string with(const std::string& more) {
  return R"({"source":"cluster0","destination":"cluster1",)" + more + "}";
}

/// "" when the body is taken, else "Name: description".
std::string fate_of(const std::string& body) {
  const auto parsed = parse_start_body(body);
  const auto* refused = std::get_if<body_refusal>(&parsed);
  return refused == nullptr ? "" : refused->name + ": " + refused->description;
}

TEST(start_body, takes_either_direction) {
  const auto parsed = parse_start_body(R"( {"destination" : "cluster0", "source":"cluster1"} )");
  ASSERT_TRUE(std::holds_alternative<session::start_request>(parsed));
  EXPECT_EQ(std::get<session::start_request>(parsed).source, "cluster1");
  EXPECT_EQ(std::get<session::start_request>(parsed).destination, "cluster0");
}

struct body_case {
  const char* name;
  std::string body;
  std::string fate;  // the refusal starts with this
  std::string and_has;
};
void PrintTo(const body_case& which, std::ostream* out) {
  *out << which.name;
}

class refused_body : public testing::TestWithParam<body_case> {};

TEST_P(refused_body, says_why) {
  const std::string fate = fate_of(GetParam().body);
  EXPECT_TRUE(fate.starts_with(GetParam().fate)) << fate;
  EXPECT_NE(fate.find(GetParam().and_has), std::string::npos) << fate;
}

INSTANTIATE_TEST_SUITE_P(
    malformed, refused_body,
    testing::Values(
        body_case{"empty", "", "MissingField", "\"source\""},
        body_case{"empty_document", "{}", "MissingField", "source"},
        body_case{"no_destination", R"({"source":"cluster0"})", "MissingField", "\"destination\""},
        body_case{"whitespace", "   ", "InvalidJSON", ""}, body_case{"not_json", "source=cluster0", "InvalidJSON", ""},
        body_case{"cut", R"({"source":"cluster0")", "InvalidJSON", ""},
        body_case{"array", "[1]", "InvalidJSON", "an array"}, body_case{"scalar", "1", "InvalidJSON", "a number"},
        body_case{"trailing", R"({"source":"cluster0","destination":"cluster1"} x)", "InvalidJSON", ""},
        body_case{"two_documents", R"({"source":"cluster0","destination":"cluster1"}{})", "InvalidJSON", ""},
        body_case{"bad_utf8", "{\"source\":\"cluster0\xff\"}", "InvalidJSON", ""},
        body_case{"lone_surrogate", R"({"source":"\ud800"})", "InvalidJSON", ""},
        body_case{"nul", std::string("{\"source\":\"cluster0\0\"}", 22), "InvalidJSON", ""},
        body_case{"deep", std::string(100'000, '['), "InvalidJSON", ""},
        body_case{"deep_and_closed", with("\"sharding\":" + std::string(500, '[') + std::string(500, ']')),
                  "InvalidJSON", ""},
        body_case{"same_key_twice", R"({"source":"cluster0","source":"cluster1","destination":"cluster1"})",
                  "DuplicateField", "\"source\""},
        body_case{"same_key_twice_escaped",
                  R"({"source":"cluster0","so\u0075rce":"cluster1","destination":"cluster1"})", "DuplicateField",
                  "\"source\""},
        body_case{"same_key_twice_inside", with(R"("verification":{"enabled":false,"enabled":true})"), "DuplicateField",
                  "enabled"}));

INSTANTIATE_TEST_SUITE_P(
    fields, refused_body,
    testing::Values(
        body_case{"unknown", with(R"("foo":1)"), "UnknownField: \"foo\"", ""},
        body_case{"misspelt", with(R"("revesible":false)"), "UnknownField", "did you mean \"reversible\""},
        body_case{"wrong_case", with(R"("BuildIndexes":"never")"), "UnknownField", "did you mean \"buildIndexes\""},
        body_case{"source_number", R"({"source":1,"destination":"cluster1"})", "WrongType: \"source\" must be a string",
                  "a number"},
        body_case{"source_null", R"({"source":null,"destination":"cluster1"})", "WrongType", "null"},
        body_case{"source_unknown", R"({"source":"cluster2","destination":"cluster1"})", "BadValue: \"source\"", ""},
        body_case{"same", R"({"source":"cluster1","destination":"cluster1"})", "BadValue", "differ"},
        body_case{"long_name", with("\"" + std::string(500'000, 'k') + "\":1"), "UnknownField", "..."}));

INSTANTIATE_TEST_SUITE_P(
    options, refused_body,
    testing::Values(
        body_case{"reversible_type", with(R"("reversible":"no")"), "WrongType: \"reversible\" must be a boolean",
                  "a string"},
        body_case{"indexes_misspelt", with(R"("buildIndexes":"afterDataCpy")"), "BadValue: \"buildIndexes\"",
                  "afterDataCopy"},
        body_case{"indexes_type", with(R"("buildIndexes":true)"), "WrongType: \"buildIndexes\"", "a boolean"},
        body_case{"blocking_misspelt", with(R"("enableUserWriteBlocking":"destinationonly")"),
                  "BadValue: \"enableUserWriteBlocking\"", "destinationOnly"},
        body_case{"blocking_type", with(R"("enableUserWriteBlocking":1)"), "WrongType", "a number"},
        body_case{"existing_data", with(R"("preExistingDestinationData":"yes")"),
                  "WrongType: \"preExistingDestinationData\" must be a boolean", "a string"},
        body_case{"existing_data_twice",
                  with(R"("preExistingDestinationData":false,"destinationDataHandling":"ignorePreExistingNamespaces")"),
                  "BadValue", "contradict each other"},
        body_case{"users_type", with(R"("users":1)"), "WrongType: \"users\" must be a boolean", "a number"},
        body_case{"data_handling_type", with(R"("destinationDataHandling":1)"), "WrongType", "a string"},
        body_case{"verify", with(R"("verification":{"enabled":1})"),
                  "WrongType: \"verification.enabled\" must be a boolean", "a number"},
        body_case{"verify_type", with(R"("verification":false)"), "WrongType: \"verification\" must be a document", ""},
        body_case{"verify_misspelt", with(R"("verification":{"enable":false})"),
                  "UnknownField: \"verification.enable\"", "enabled"},
        body_case{"natural_some", with(R"("copyInNaturalOrder":[{"database":"a"}])"), "OptionNotOffered", ""},
        body_case{"random_id", with(R"("detectRandomId":false)"), "OptionNotOffered", ""},
        body_case{"disk", with(R"("skipDiskSpaceCheck":1)"), "WrongType: \"skipDiskSpaceCheck\"", "a boolean"},
        body_case{"data_handling", with(R"("destinationDataHandling":"ignorePreExisting")"),
                  "BadValue: \"destinationDataHandling\"", "unknown value"}));

std::string including(const std::string& filter) {
  return with("\"includeNamespaces\":[" + filter + "]");
}

INSTANTIATE_TEST_SUITE_P(
    namespaces, refused_body,
    testing::Values(
        body_case{"type", with(R"("includeNamespaces":"a")"), "WrongType: \"includeNamespaces\"", "an array"},
        body_case{"element", including("\"a\""), "WrongType: \"includeNamespaces[0]\" must be a document", "a string"},
        body_case{"second_element", including(R"({"database":"a"},{"database":1})"),
                  "WrongType: \"includeNamespaces[1].database\" must be a string", "a number"},
        body_case{"exclude_element", with(R"("excludeNamespaces":[1])"), "WrongType: \"excludeNamespaces[0]\"", ""},
        body_case{"no_database", including("{}"), "MissingField: \"includeNamespaces[0]\"", "databaseRegex"},
        body_case{"only_collections", including(R"({"collections":["c"]})"), "MissingField", "database"},
        body_case{"both_databases", including(R"({"database":"a","databaseRegex":{"pattern":"a"}})"), "BadValue",
                  "not both"},
        body_case{"both_collections",
                  including(R"({"database":"a","collections":["c"],"collectionsRegex":{"pattern":"a"}})"), "BadValue",
                  "not both"},
        body_case{"misspelt", including(R"({"database":"a","collection":["c"]})"),
                  "UnknownField: \"includeNamespaces[0].collection\"", "did you mean \"collections\""},
        body_case{"empty_database", including(R"({"database":""})"), "BadValue", "empty"},
        body_case{"dotted_database", including(R"({"database":"a.b"})"), "BadValue", "dot"},
        body_case{"no_collections", including(R"({"database":"a","collections":[]})"), "BadValue",
                  "leave it out for the whole database"},
        body_case{"collections_type", including(R"({"database":"a","collections":"c"})"), "WrongType", "an array"},
        body_case{"collection_type", including(R"({"database":"a","collections":[1]})"), "WrongType", "a string"},
        body_case{"collection_empty", including(R"({"database":"a","collections":[""]})"), "BadValue", "empty"},
        body_case{"expression_type", including(R"({"databaseRegex":"a"})"), "WrongType", "a document {"},
        body_case{"no_pattern", including(R"({"databaseRegex":{"options":"i"}})"),
                  "MissingField: \"includeNamespaces[0].databaseRegex.pattern\"", ""},
        body_case{"pattern_type", including(R"({"databaseRegex":{"pattern":1}})"), "WrongType", "a number"},
        body_case{"options_type", including(R"({"databaseRegex":{"pattern":"a","options":1}})"), "WrongType",
                  "a string"},
        body_case{"expression_field", including(R"({"databaseRegex":{"pattern":"a","option":"i"}})"), "UnknownField",
                  "\"options\""},
        body_case{"bad_pattern", including(R"({"database":"a","collectionsRegex":{"pattern":"a(b"}})"),
                  "BadValue: \"includeNamespaces[0].collectionsRegex\"", "at byte 3"},
        body_case{"bad_option", including(R"({"databaseRegex":{"pattern":"a","options":"ig"}})"), "BadValue",
                  "\"g\" is no option"},
        body_case{"server_database", including(R"({"database":"admin"})"), "BadValue", "never copied"},
        body_case{"server_collection", including(R"({"database":"a","collections":["system.views"]})"), "BadValue",
                  "never copied"}));

std::string remapping(const std::string& one) {
  return with("\"namespaceRemap\":[" + one + "]");
}

INSTANTIATE_TEST_SUITE_P(
    remaps, refused_body,
    testing::Values(
        body_case{"type", with(R"("namespaceRemap":{})"), "WrongType: \"namespaceRemap\" must be an array", ""},
        body_case{"element", remapping("1"), "WrongType: \"namespaceRemap[0]\"", ""},
        body_case{"no_to", remapping(R"({"from":{"database":"a"}})"), "MissingField: \"namespaceRemap[0].to\"", ""},
        body_case{"side_type", remapping(R"({"from":"a","to":{"database":"b"}})"), "WrongType", "a document"},
        body_case{"no_database", remapping(R"({"from":{"collection":"a"},"to":{"database":"b"}})"),
                  "MissingField: \"namespaceRemap[0].from.database\"", ""},
        body_case{"name_type", remapping(R"({"from":{"database":1},"to":{"database":"b"}})"), "WrongType", "a number"},
        body_case{"empty", remapping(R"({"from":{"database":"a"},"to":{"database":""}})"), "BadValue", "empty"},
        body_case{"dotted", remapping(R"({"from":{"database":"a.b"},"to":{"database":"c"}})"), "BadValue", "dot"},
        body_case{"misspelt", remapping(R"({"from":{"database":"a"},"too":{"database":"b"}})"), "UnknownField",
                  "did you mean \"to\""},
        body_case{"inner", remapping(R"({"from":{"database":"a","coll":"c"},"to":{"database":"b"}})"), "UnknownField",
                  "coll"}));

std::string filtering(const std::string& fields) {
  return with("\"documentFilter\":" + fields);
}
std::string matching(const std::string& value) {
  return filtering("{\"field\":\"a\",\"matchValues\":[" + value + "]}");
}

INSTANTIATE_TEST_SUITE_P(
    documents, refused_body,
    testing::Values(
        body_case{"type", filtering("[]"), "WrongType: \"documentFilter\" must be a document", ""},
        body_case{"no_field", filtering(R"({"matchValues":[1]})"), "MissingField: \"documentFilter.field\"", ""},
        body_case{"no_values", filtering(R"({"field":"a"})"), "MissingField: \"documentFilter.matchValues\"", ""},
        body_case{"field_type", filtering(R"({"field":1,"matchValues":[1]})"), "WrongType", "a number"},
        body_case{"values_type", filtering(R"({"field":"a","matchValues":1})"), "WrongType", "an array"},
        body_case{"unknown", filtering(R"({"field":"a","matchValues":[1],"values":[1]})"), "UnknownField", "values"},
        body_case{"dotted", filtering(R"({"field":"a.b","matchValues":[1]})"), "BadValue", "one of the document's own"},
        body_case{"dollar", filtering(R"({"field":"$a","matchValues":[1]})"), "BadValue", "one of the document's own"},
        body_case{"empty", filtering(R"({"field":"a","matchValues":[]})"), "BadValue", "list of values"},
        body_case{"null", matching("1,null"), "BadValue: \"documentFilter.matchValues[1]\"", ""},
        body_case{"list", matching("[1]"), "BadValue: \"documentFilter.matchValues[0]\"", ""},
        body_case{"document", matching(R"({"a":1})"), "BadValue", ""},
        body_case{"short_id", matching(R"({"$oid":"0102"})"), "BadValue", ""},
        body_case{"no_hex", matching(R"({"$oid":"0102030405060708090a0b0x"})"), "BadValue", ""},
        body_case{"bad_date", matching(R"({"$date":"2026-02-30T00:00:00Z"})"), "BadValue", ""},
        body_case{"date_form", matching(R"({"$date":"yesterday"})"), "BadValue", ""},
        body_case{"bad_long", matching(R"({"$numberLong":"12x"})"), "BadValue", ""},
        body_case{"bad_base64", matching(R"({"$binary":{"base64":"A===","subType":"00"}})"), "BadValue", ""},
        body_case{"no_base64", matching(R"({"$binary":{"base64":"!!!!","subType":"00"}})"), "BadValue", ""},
        body_case{"no_subtype", matching(R"({"$binary":{"base64":"AQI="}})"), "BadValue", ""}));

std::string sharding(const std::string& fields) {
  return with("\"sharding\":" + fields);
}
std::string sharding_by(const std::string& key) {
  return sharding(R"({"shardingEntries":[{"database":"d","collection":"c","shardCollection":{"key":)" + key + "}}]}");
}

INSTANTIATE_TEST_SUITE_P(
    shard_keys, refused_body,
    testing::Values(
        body_case{"type", sharding("[]"), "WrongType: \"sharding\" must be a document", "an array"},
        body_case{"nothing", sharding("{}"), "MissingField: \"sharding.shardingEntries\" is missing", ""},
        body_case{"no_entries", sharding(R"({"createSupportingIndexes":true})"),
                  "MissingField: \"sharding.shardingEntries\"", ""},
        body_case{"entries_type", sharding(R"({"shardingEntries":{}})"),
                  "WrongType: \"sharding.shardingEntries\" must be an array", "a document"},
        body_case{"indexes_type", sharding(R"({"shardingEntries":[],"createSupportingIndexes":"yes"})"),
                  "WrongType: \"sharding.createSupportingIndexes\" must be a boolean", "a string"},
        body_case{"ignoring_type", sharding(R"({"shardingEntries":[],"ignoreUnusedShardingEntries":0})"),
                  "WrongType: \"sharding.ignoreUnusedShardingEntries\" must be a boolean", "a number"},
        body_case{"misspelt", sharding(R"({"shardingEntry":[]})"), "UnknownField: \"sharding.shardingEntry\"",
                  "did you mean \"shardingEntries\""},
        body_case{"entry_type", sharding(R"({"shardingEntries":["d.c"]})"),
                  "WrongType: \"sharding.shardingEntries[0]\" must be a document", "a string"},
        body_case{"no_collection", sharding(R"({"shardingEntries":[{"database":"d"}]})"),
                  "MissingField: \"sharding.shardingEntries[0].collection\"", ""},
        body_case{"name_type",
                  sharding(R"({"shardingEntries":[{"database":"d","collection":1,"shardCollection":{}}]})"),
                  "WrongType: \"sharding.shardingEntries[0].collection\" must be a string", "a number"},
        body_case{"no_shard_collection", sharding(R"({"shardingEntries":[{"database":"d","collection":"c"}]})"),
                  "MissingField: \"sharding.shardingEntries[0].shardCollection\"", ""},
        body_case{"entry_misspelt", sharding(R"({"shardingEntries":[{"database":"d","collections":"c"}]})"),
                  "UnknownField: \"sharding.shardingEntries[0].collections\"", "did you mean \"collection\""},
        body_case{"shard_collection_type",
                  sharding(R"({"shardingEntries":[{"database":"d","collection":"c","shardCollection":[]}]})"),
                  "WrongType: \"sharding.shardingEntries[0].shardCollection\" must be a document", "an array"},
        body_case{"no_key", sharding(R"({"shardingEntries":[{"database":"d","collection":"c","shardCollection":{}}]})"),
                  "MissingField: \"sharding.shardingEntries[0].shardCollection.key\"", ""},
        body_case{"unique",
                  sharding(R"({"shardingEntries":[{"database":"d","collection":"c",)"
                           R"("shardCollection":{"key":[{"a":1}],"unique":true}}]})"),
                  "UnknownField: \"sharding.shardingEntries[0].shardCollection.unique\"", ""},
        body_case{"key_type", sharding_by(R"({"a":1})"),
                  "WrongType: \"sharding.shardingEntries[0].shardCollection.key\" must be an array", "a document"},
        body_case{"key_part", sharding_by(R"([{"a":1},"b"])"),
                  "WrongType: \"sharding.shardingEntries[0].shardCollection.key[1]\"", "a string"},
        body_case{"empty_key", sharding_by("[]"), "BadValue: \"sharding.shardingEntries[0].shardCollection.key\"",
                  "not empty"},
        body_case{"two_fields", sharding_by(R"([{"a":1,"b":1}])"),
                  "BadValue: \"sharding.shardingEntries[0].shardCollection.key[0]\"", "of one field"},
        body_case{"descending", sharding_by(R"([{"a":-1}])"),
                  "BadValue: \"sharding.shardingEntries[0].shardCollection.key[0]\"", "1 or \"hashed\""},
        body_case{"order", sharding_by(R"([{"a":{"$numberInt":"1"}}])"), "BadValue", "1 or \"hashed\""},
        body_case{"order_true", sharding_by(R"([{"a":true}])"), "BadValue", "1 or \"hashed\""},
        body_case{"text", sharding_by(R"([{"a":"text"}])"), "BadValue", "1 or \"hashed\""},
        body_case{"hashed_twice", sharding_by(R"([{"a":"hashed"},{"b":"hashed"}])"),
                  "BadValue: \"sharding.shardingEntries[0].shardCollection.key[1]\"", "second hashed field"},
        body_case{"nul", sharding_by(R"([{"a\u0000b":1}])"),
                  "BadValue: \"sharding.shardingEntries[0].shardCollection.key[0]\"", "NUL"},
        body_case{"database",
                  sharding(R"({"shardingEntries":[{"database":"a.b","collection":"c",)"
                           R"("shardCollection":{"key":[{"a":1}]}}]})"),
                  "BadValue: \"sharding.shardingEntries[0]\"", "a database's name"},
        body_case{"of_the_servers",
                  sharding(R"({"shardingEntries":[{"database":"config","collection":"c",)"
                           R"("shardCollection":{"key":[{"a":1}]}}]})"),
                  "BadValue: \"sharding.shardingEntries[0]\"", "never copied"}));

session::start_request taken(const std::string& option) {
  const auto parsed = parse_start_body(with(option));
  EXPECT_TRUE(std::holds_alternative<session::start_request>(parsed)) << option;
  return std::get<session::start_request>(parsed);
}

TEST(start_body, says_when_indexes_are_built) {
  using session::index_building;
  for (const auto& [name, wanted] : {std::pair("afterDataCopy", index_building::after_data_copy),
                                     std::pair("beforeDataCopy", index_building::before_data_copy),
                                     std::pair("excludeHashed", index_building::exclude_hashed),
                                     std::pair("excludeHashedAfterCopy", index_building::exclude_hashed_after_copy),
                                     std::pair("never", index_building::never)}) {
    EXPECT_EQ(taken("\"buildIndexes\":\"" + std::string(name) + "\"").build_indexes, wanted) << name;
  }
  EXPECT_FALSE(taken(R"("reversible":false)").build_indexes);
}

TEST(start_body, says_what_is_included_and_excluded) {
  const auto request =
      taken(R"("includeNamespaces":[{"database":"a"},{"database":"b","collections":["c","d.e","/f"]},)"
            R"({"databaseRegex":{"pattern":"^x/","options":"mi"},"collectionsRegex":{"pattern":"y","options":""}}],)"
            R"("excludeNamespaces":[{"databaseRegex":{"pattern":"tmp"},"collections":["g"]}])");
  EXPECT_EQ(request.include, (std::vector<std::string>{"a", "b.c", "b.d.e", "b.\\/f", R"(/^x\//im./y/)"}));
  EXPECT_EQ(request.exclude, std::vector<std::string>{"/tmp/.g"});
  EXPECT_FALSE(taken(R"("reversible":false)").include);
  EXPECT_EQ(taken(R"("includeNamespaces":[])").include, std::vector<std::string>());
}

TEST(start_body, says_what_is_called_otherwise) {
  const auto request = taken(R"("namespaceRemap":[{"from":{"database":"a"},"to":{"database":"b"}},)"
                             R"({"from":{"database":"c","collection":"d.e"},"to":{"collection":"f","database":"c"}}])");
  EXPECT_EQ(request.remaps, (std::vector<cluster::remap>{{"a", "b"}, {"c.d.e", "c.f"}}));
  EXPECT_FALSE(taken(R"("reversible":false)").remaps);
}

TEST(start_body, says_which_documents_are_migrated) {
  const auto request = taken(
      R"("documentFilter":{"matchValues":["a",7,-2.5,true,{"$oid":"0102030405060708090a0b0c"},)"
      R"({"$date":"1970-01-02T00:00:01.500Z"},{"$date":5},{"$date":{"$numberLong":"-1"}},{"$numberInt":"3"},)"
      R"({"$numberLong":"9007199254740993"},{"$numberDouble":"1.5"},{"$binary":{"base64":"AQI=","subType":"80"}}],)"
      R"("field":"tenant"})");
  ASSERT_TRUE(request.documents);
  EXPECT_EQ(bson::to_json(request.documents->given(), bson::json_mode::canonical),
            R"({"field": "tenant", "matchValues": ["a", {"$numberLong": "7"}, {"$numberDouble": "-2.5"}, true, )"
            R"({"$oid": "0102030405060708090a0b0c"}, {"$date": {"$numberLong": "86401500"}}, )"
            R"({"$date": {"$numberLong": "5"}}, {"$date": {"$numberLong": "-1"}}, {"$numberInt": "3"}, )"
            R"({"$numberLong": "9007199254740993"}, {"$numberDouble": "1.5"}, )"
            R"({"$binary": {"base64": "AQI=", "subType": "80"}}]})");
  EXPECT_FALSE(taken(R"("reversible":false)").documents);
}

TEST(start_body, says_which_collections_are_sharded) {
  const auto request =
      taken(R"("sharding":{"createSupportingIndexes":true,"shardingEntries":[{"database":"shop","collection":"orders",)"
            R"("shardCollection":{"key":[{"customer.id":1},{"_id":"hashed"}]}},{"collection":"b.c","database":"a",)"
            R"("shardCollection":{"key":[{"x":1.0}]}}],"ignoreUnusedShardingEntries":true})");
  ASSERT_TRUE(request.sharding);
  EXPECT_EQ(bson::to_json(request.sharding->given(), bson::json_mode::canonical),
            R"({"createSupportingIndexes": true, "ignoreUnusedShardingEntries": true, "shardingEntries": [)"
            R"({"database": "shop", "collection": "orders", "shardCollection": {"key": [)"
            R"({"customer.id": {"$numberInt": "1"}}, {"_id": "hashed"}]}}, {"database": "a", "collection": "b.c", )"
            R"("shardCollection": {"key": [{"x": {"$numberInt": "1"}}]}}]})");
  const auto none = taken(R"("sharding":{"shardingEntries":[]})");
  ASSERT_TRUE(none.sharding);
  EXPECT_TRUE(none.sharding->entries.empty());
  EXPECT_FALSE(none.sharding->create_supporting_indexes);
  EXPECT_FALSE(none.sharding->ignore_unused);
  EXPECT_FALSE(taken(R"("reversible":false)").sharding);
}

TEST(start_body, says_that_the_destination_holds_data_of_others) {
  EXPECT_EQ(taken(R"("preExistingDestinationData":true)").beside_others, true);
  EXPECT_EQ(taken(R"("preExistingDestinationData":false)").beside_others, false);
  EXPECT_EQ(taken(R"("destinationDataHandling":"ignorePreExistingNamespaces")").beside_others, true);
  EXPECT_EQ(taken(R"("destinationDataHandling":"requireEmptyDestination")").beside_others, false);
  EXPECT_FALSE(taken(R"("reversible":false)").beside_others);
}

TEST(start_body, says_whether_users_come_over) {
  EXPECT_EQ(taken(R"("users":true)").users, true);
  EXPECT_EQ(taken(R"("users":false)").users, false);
  EXPECT_FALSE(taken(R"("reversible":false)").users);
}

TEST(start_body, says_whose_writes_are_blocked) {
  using session::write_blocking;
  for (const auto& [value, wanted] :
       {std::pair(R"("none")", write_blocking::none), std::pair("false", write_blocking::none),
        std::pair(R"("destinationOnly")", write_blocking::destination_only),
        std::pair(R"("sourceAndDestination")", write_blocking::source_and_destination),
        std::pair("true", write_blocking::source_and_destination)}) {
    EXPECT_EQ(taken("\"enableUserWriteBlocking\":" + std::string(value)).block_writes, wanted) << value;
  }
  EXPECT_FALSE(taken(R"("reversible":false)").block_writes);
}

TEST(start_body, says_whether_the_destinations_disk_is_looked_at) {
  EXPECT_EQ(taken(R"("skipDiskSpaceCheck":true)").skip_disk_space_check, true);
  EXPECT_EQ(taken(R"("skipDiskSpaceCheck":false)").skip_disk_space_check, false);
  EXPECT_FALSE(taken(R"("reversible":false)").skip_disk_space_check);
}

TEST(start_body, says_whether_it_may_be_reversed) {
  EXPECT_EQ(taken(R"("reversible":true)").reversible, true);
  EXPECT_EQ(taken(R"("reversible":false)").reversible, false);
  EXPECT_FALSE(taken(R"("users":false)").reversible);
}

TEST(start_body, says_whether_both_sides_are_compared) {
  EXPECT_EQ(taken(R"("verification":{"enabled":true})").verify, true);
  EXPECT_EQ(taken(R"("verification":{"enabled":false})").verify, false);
  EXPECT_FALSE(taken(R"("verification":{})").verify);
  EXPECT_FALSE(taken(R"("reversible":false)").verify);
}

TEST(start_body, options_that_ask_for_what_happens_anyway_are_taken) {
  for (const char* option : {R"("preExistingDestinationData":false)", R"("includeNamespaces":[])",
                             R"("copyInNaturalOrder":[{"database":"."}])", R"("detectRandomId":true)",
                             R"("destinationDataHandling":"requireEmptyDestination")"}) {
    EXPECT_EQ(fate_of(with(option)), "") << option;
  }
}

}  // namespace
}  // namespace sluice::http
