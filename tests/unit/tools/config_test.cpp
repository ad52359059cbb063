// The configuration file in both languages: what is taken, and how each mistake is named.
#include "tools/config.hpp"

#include <gtest/gtest.h>

#include "bson/extended_json.hpp"

namespace sluice::tools {
namespace {

/// The message of the refusal; empty if the text was taken.
std::string complaint(std::string_view text, config_language language = config_language::yaml) {
  const auto parsed = parse_config(text, "f", language);
  return parsed ? "" : parsed.error().message;
}

TEST(config, yaml_sets_every_value) {
  const auto parsed = parse_config(
      "# a comment\ncluster0: mongodb://a/\ncluster1: \"mongodb://b/\"\nport: 4000\nlogPath: /tmp/x\nverbosity: warn\n"
      "loadLevel: 2\nmemory-mb: 512\nlanes: 3\nretry-seconds: 5\nlog-format: json\nacceptDisclaimer: true\n"
      "disableTelemetry: false\ndisableVerification: true\nmetricsLoggingFilepath: /m\ndisableMetricsLogging: true\n"
      "createIndexesBatchSize: 4\ndisableWriteBlocking: true\nmigrationName: n_1\n",
      "f", config_language::yaml);
  ASSERT_TRUE(parsed) << parsed.error().message;
  const serve_values& values = parsed.value();
  EXPECT_EQ(values.cluster0, "mongodb://a/");
  EXPECT_EQ(values.cluster1, "mongodb://b/");
  EXPECT_EQ(values.port, 4000);
  EXPECT_EQ(values.log_path, "/tmp/x");
  EXPECT_EQ(values.verbosity, log_level::warn);
  EXPECT_EQ(values.load_level, 2U);
  EXPECT_EQ(values.memory_mb, 512U);
  EXPECT_EQ(values.lanes, 3U);
  EXPECT_EQ(values.retry_seconds, 5U);
  EXPECT_EQ(values.metrics_path, "/m");
  EXPECT_EQ(values.disable_verification, true);
  EXPECT_EQ(values.disable_write_blocking, true);
  EXPECT_EQ(values.migration_name, "n_1");
  EXPECT_EQ(values.disable_metrics_logging, true);
  EXPECT_EQ(values.indexes_per_command, 4U);
  EXPECT_EQ(values.format, log_format::json);
}

TEST(config, json_means_the_same) {
  const auto parsed =
      parse_config("{\n\t\"cluster0\": \"mongodb:\\/\\/a\",\n\t\"port\": 4000\n}\n", "f", config_language::json);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed.value().cluster0, "mongodb://a");
  EXPECT_EQ(parsed.value().port, 4000);
}

TEST(config, an_empty_file_says_nothing) {
  EXPECT_EQ(complaint(""), "");
  EXPECT_EQ(complaint("# only a comment\n"), "");
  EXPECT_EQ(complaint("{}", config_language::json), "");
}

struct mistake {
  const char* name;
  config_language language;
  std::string text;
  std::string begins;
  std::string holds;
};
void PrintTo(const mistake& which, std::ostream* out) {
  *out << which.name;
}
class wrong_config : public testing::TestWithParam<mistake> {};

TEST_P(wrong_config, is_named_with_its_line) {
  const std::string message = complaint(GetParam().text, GetParam().language);
  EXPECT_TRUE(message.starts_with(GetParam().begins)) << message;
  EXPECT_NE(message.find(GetParam().holds), std::string::npos) << message;
}

constexpr auto yaml = config_language::yaml;
constexpr auto json = config_language::json;
INSTANTIATE_TEST_SUITE_P(
    all, wrong_config,
    testing::Values(
        mistake{"unknown", yaml, "port: 1\n\nprot: 2\n", "f:3: \"prot\"", "did you mean \"port\""},
        mistake{"unknown_json", json, "{\"port\":1,\n\n\"clusterO\":\"x\"}", "f:3: \"clusterO\"", "\"cluster0\""},
        mistake{"wrong_type", yaml, "cluster0: mongodb://a\nport: abc\n", "f:2: \"port\" must be a whole number", ""},
        mistake{"quoted_number", yaml, "port: \"27182\"\n", "f:1: \"port\"", "number"},
        mistake{"string_number_json", json, "{\"port\":\"1\"}", "f:1: \"port\"", "number"},
        mistake{"fraction", json, "{\"port\":1.5}", "f:1: \"port\"", ""},
        mistake{"number_for_text", json, "{\"logPath\":5}", "f:1: \"logPath\" must be a string", ""},
        mistake{"migration_name", yaml, "migrationName: a-b", "f:1: \"migrationName\"", "44 letters"},
        mistake{"port_range", yaml, "port: 65536", "f:1: \"port\"", "65535"},
        mistake{"load_level", yaml, "loadLevel: 5", "f:1: \"loadLevel\"", "from 1 to 4"},
        mistake{"memory", yaml, "memory-mb: 1", "f:1: \"memory-mb\"", "from 128"},
        mistake{"verbosity", yaml, "verbosity: loud", "f:1: \"verbosity\"", "TRACE"},
        mistake{"no_value", yaml, "cluster0:\n", "f:1: \"cluster0\" has no value", ""},
        mistake{"null", json, "{\"cluster0\":null}", "f:1: \"cluster0\" has no value", ""},
        mistake{"list", yaml, "cluster0: [a]\n", "f:1: \"cluster0\" must be a string", ""},
        mistake{"boolean", yaml, "acceptDisclaimer: 5\n", "f:1: \"acceptDisclaimer\" must be true or false", ""},
        mistake{"verify", yaml, "disableVerification: maybe\n", "f:1: \"disableVerification\" must be true or false",
                ""},
        mistake{"twice", yaml, "port: 1\nport: 2\n", "f:2: \"port\" is given twice", ""},
        mistake{"twice_json", json, "{\"port\":1,\n\"port\":2}", "f:2: \"port\" is given twice", ""},
        mistake{"exclusive", yaml, "cluster0: mongodb://a\ncluster0-file: b\n", "f:2: ", "exclude each other"},
        mistake{"both_includes", yaml, "include: a\nincludeNamespaces: [{database: b}]\n",
                "f:2: ", "exclude each other"},
        mistake{"include_type", yaml, "include: {a: b}\n", "f:1: \"include\" must be", "a list of them"},
        mistake{"include_number", json, "{\"include\":[\"a\",1]}", "f:1: \"include\" must be", "a list of them"},
        mistake{"filter_type", yaml, "includeNamespaces: a\n", "f:1: \"includeNamespaces\" must be a list of filters",
                ""},
        mistake{"filter_field", yaml, "port: 1\nexcludeNamespaces:\n  - database: a\n    collection: [c]\n", "f:2",
                "did you mean \"collections\""},
        mistake{"filter_pattern", yaml, "includeNamespaces: [{databaseRegex: {pattern: \"a(\"}}]\n", "f:1",
                "at byte 2"},
        mistake{"remap_field", yaml, "namespaceRemap: [{from: {database: a}}]\n", "f:1", "\"namespaceRemap[0].to\""},
        mistake{"both_remaps", yaml, "remap: a=b\nnamespaceRemap: []\n", "f:2", "exclude each other"},
        mistake{"sharding_type", yaml, "sharding: all\n",
                "f:1: \"sharding\" must be a document {shardingEntries: [...]}", ""},
        mistake{"sharding_key", yaml,
                "port: 1\nsharding:\n  shardingEntries:\n    - database: d\n      collection: c\n"
                "      shardCollection: {key: [{a: -1}]}\n",
                "f:2: \"sharding\"", "\"sharding.shardingEntries[0].shardCollection.key[0]\" must have the value 1"},
        mistake{"sharding_twice", json, R"({"sharding":{"shardingEntries":[],"shardingEntries":[]}})", "f:1",
                "\"sharding.shardingEntries\" is given twice"},
        mistake{"refused_id", yaml, "id: shard0\n", "f:1: \"id\"", "cannot apply here"},
        mistake{"refused_list", yaml, "hotDocIDs:\n - a\n", "f:1: \"hotDocIDs\"", "cannot apply here"},
        mistake{"syntax", yaml, "port: 1\n  bad: [\n", "f:", "no valid YAML"},
        mistake{"no_map", yaml, "- a\n", "f:1: ", "key: value"},
        mistake{"deep", yaml, std::string(100'000, '['), "f:", ""},
        mistake{"cut_json", json, "{\"port\":1,\n\"lanes\":", "f:", "no valid JSON"},
        mistake{"trailing_json", json, "{\"port\":1} x", "f:", "no valid JSON"},
        mistake{"array_json", json, "[]", "f:1", "no valid JSON"},
        mistake{"empty_json", json, "", "f:1", "no valid JSON"}));

TEST(config, filters_are_rules_or_those_of_the_api) {
  const std::vector<std::string> wanted{"a", "b.c", "/^x/i"};
  for (const char* text : {"include:\n  - a\n  - \"b.c\"\n  - /^x/i\n",
                           "includeNamespaces:\n  - database: a\n  - database: \"b\"\n    collections: [c]\n"
                           "  - databaseRegex: {pattern: ^x, options: i}\n"}) {
    const auto parsed = parse_config(text, "f", config_language::yaml);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed.value().include, wanted) << text;
  }
  for (const char* text : {R"({"exclude": ["a", "b.c", "/^x/i"]})",
                           R"({"excludeNamespaces": [{"database": "a"}, {"database": "b", "collections": ["c"]},
            {"databaseRegex": {"pattern": "^x", "options": "i"}}]})"}) {
    const auto parsed = parse_config(text, "f", config_language::json);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed.value().exclude, wanted) << text;
  }
  EXPECT_EQ(parse_config("remap: [a=b, c.d=c.e]\n", "f", yaml).value().remap,
            (std::vector<std::string>{"a=b", "c.d=c.e"}));
  EXPECT_EQ(parse_config("namespaceRemap:\n  - from: {database: a}\n    to: {database: b}\n", "f", yaml).value().remaps,
            (std::vector<cluster::remap>{{"a", "b"}}));
  EXPECT_EQ(parse_config("include: a.b\n", "f", yaml).value().include, std::vector<std::string>{"a.b"});
  EXPECT_EQ(parse_config("users: true\n", "f", yaml).value().users, true);
  // What would be a number or a truth elsewhere is a name where it is quoted.
  EXPECT_EQ(parse_config("includeNamespaces: [{database: \"1\"}]\n", "f", yaml).value().include,
            std::vector<std::string>{"1"});
}

TEST(config, shard_keys_are_those_of_the_api) {
  const auto in_yaml = parse_config(
      "sharding:\n  createSupportingIndexes: true\n  shardingEntries:\n    - database: shop\n      collection: orders\n"
      "      shardCollection:\n        key:\n          - customer: 1\n          - _id: hashed\n",
      "f", yaml);
  const auto in_json = parse_config(
      R"({"sharding": {"createSupportingIndexes": true, "shardingEntries": [{"database": "shop", "collection": "orders",
          "shardCollection": {"key": [{"customer": 1}, {"_id": "hashed"}]}}]}})",
      "f", json);
  for (const auto* parsed : {&in_yaml, &in_json}) {
    ASSERT_TRUE(*parsed) << parsed->error().message;
    ASSERT_TRUE(parsed->value().sharding);
    EXPECT_EQ(bson::to_json(parsed->value().sharding->given()),
              R"({"createSupportingIndexes": true, "ignoreUnusedShardingEntries": false, "shardingEntries": [)"
              R"({"database": "shop", "collection": "orders", )"
              R"("shardCollection": {"key": [{"customer": 1}, {"_id": "hashed"}]}}]})");
  }
  EXPECT_FALSE(parse_config("port: 1\n", "f", yaml).value().sharding);
}

TEST(config, no_message_repeats_a_value) {
  EXPECT_EQ(complaint("cluster0: [\"mongodb://u:hunter2@h\"]").find("hunter2"), std::string::npos);
  EXPECT_EQ(complaint("clusterO: \"mongodb://u:hunter2@h\"").find("hunter2"), std::string::npos);
}

TEST(config, a_file_that_is_not_there_is_named) {
  const auto parsed = read_config("/nonexistent/sluice.yaml");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("/nonexistent/sluice.yaml"), std::string::npos);
  EXPECT_FALSE(read_config("/"));
}

}  // namespace
}  // namespace sluice::tools
