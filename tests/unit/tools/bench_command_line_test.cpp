// The flags of `sluice bench`.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/command_line.hpp"

namespace sluice::tools {
namespace {

const std::string source = "mongodb://source.example/?replicaSet=a";
const std::string destination = "mongodb://destination.example/?replicaSet=b";

result<command_line> parsed(std::vector<std::string> more) {
  std::vector<std::string> arguments{"bench", "--source", source, "--destination", destination};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return parse_command_line(
      std::move(arguments), [](const char*) { return std::nullopt; }, "version");
}
bench_options options_of(std::vector<std::string> more) {
  const auto line = parsed(std::move(more));
  EXPECT_TRUE(line) << line.error().message;
  return line ? std::get<bench_options>(line.value().what) : bench_options();
}
std::string refusal(std::vector<std::string> more) {
  const auto line = parsed(std::move(more));
  return line ? std::string() : line.error().message;
}

TEST(bench_command_line, has_defaults_of_about_a_minute) {
  const bench_options options = options_of({});
  EXPECT_EQ(options.settings.source_uri, source);
  EXPECT_EQ(options.settings.data.documents, 200'000);
  EXPECT_EQ(options.settings.data.document_bytes, 860);
  EXPECT_EQ(options.settings.data.indexes, 2);
  EXPECT_EQ(options.settings.step_time, std::chrono::seconds(20));
  EXPECT_EQ(options.settings.patience, std::chrono::seconds(30));
  EXPECT_EQ(options.report.estimate_bytes, 1e12);
  EXPECT_TRUE(options.settings.probes);
  EXPECT_FALSE(options.settings.source_is_loopback);
}

TEST(bench_command_line, takes_every_flag) {
  const bench_options options = options_of({"--documents",
                                            "5000",
                                            "--size",
                                            "4KiB",
                                            "--shape",
                                            "wide",
                                            "--ids",
                                            "string",
                                            "--indexes",
                                            "3",
                                            "--seed",
                                            "9",
                                            "--from",
                                            "shop.orders",
                                            "--changes",
                                            "0",
                                            "--no-probes",
                                            "--seconds",
                                            "3",
                                            "--estimate",
                                            "3.2 TB",
                                            "--database",
                                            "sluice_bench_mine",
                                            "--json",
                                            "--html",
                                            "a.html",
                                            "--compare",
                                            "b.json",
                                            "--fail-if",
                                            "copy_ratio>1.2",
                                            "--fail-if",
                                            "index_seconds>9",
                                            "--clean",
                                            "--lanes",
                                            "2",
                                            "--connections",
                                            "8",
                                            "--retry-seconds",
                                            "5"});
  EXPECT_EQ(options.settings.data.documents, 5000);
  EXPECT_EQ(options.settings.data.document_bytes, 4096);
  EXPECT_EQ(options.settings.data.form, measure::shape::wide);
  EXPECT_EQ(options.settings.data.ids, measure::id_kind::string);
  EXPECT_EQ(options.settings.data.indexes, 3);
  EXPECT_EQ(options.settings.data.seed, 9U);
  EXPECT_EQ(options.settings.from, "shop.orders");
  EXPECT_EQ(options.settings.changes, 0);
  EXPECT_FALSE(options.settings.probes);
  EXPECT_EQ(options.settings.step_time, std::chrono::seconds(3));
  EXPECT_EQ(options.settings.database, "sluice_bench_mine");
  EXPECT_EQ(options.settings.lanes, 2U);
  EXPECT_EQ(options.settings.connections, 8U);
  EXPECT_EQ(options.settings.patience, std::chrono::seconds(5));
  EXPECT_EQ(options.report.estimate_bytes, 3.2e12);
  EXPECT_TRUE(options.report.json);
  EXPECT_EQ(options.report.html, "a.html");
  EXPECT_EQ(options.report.compare, "b.json");
  EXPECT_EQ(options.report.fail_if.size(), 2U);
  EXPECT_TRUE(options.clean);
}

TEST(bench_command_line, bad_input_is_named) {
  const auto names = [](const std::vector<std::string>& flags, std::string_view part) {
    const std::string message = refusal(flags);
    EXPECT_NE(message.find(part), std::string::npos) << "\"" << message << "\" does not say " << part;
  };
  names({"--shape", "wede"}, "did you mean \"wide\"?");
  names({"--ids", "uuid"}, "unknown kind of _id \"uuid\"");
  names({"--size", "1"}, "must be between 128");
  names({"--size", "17MiB"}, "must be between");
  names({"--size", "huge"}, "\"huge\" is no size");
  names({"--size", "5XB"}, "is no size");
  names({"--documents", "0"}, "documents 0");
  names({"--indexes", "99"}, "indexes 99");
  names({"--database", "shop"}, "must be \"sluice_bench_\"");
  names({"--database", "sluice_bench_"}, "must be \"sluice_bench_\"");
  names({"--database", "sluice_bench_A b"}, "must be \"sluice_bench_\"");
  names({"--from", "shop"}, "name a collection");
  names({"--fail-if", "copy_ration>1"}, "did you mean \"copy_ratio\"?");
  names({"--seconds", "0"}, "--seconds");
  names({"--documnts", "5"}, "--documents");
}

TEST(bench_command_line, the_loopback_stands_for_one_side_or_both) {
  const auto variables = [](const char*) { return std::optional<std::string>(); };
  const auto line = parse_command_line({"bench", "--source", source, "--destination", "loopback:"}, variables, "");
  ASSERT_TRUE(line) << line.error().message;
  const auto& options = std::get<bench_options>(line.value().what);
  EXPECT_FALSE(options.settings.source_is_loopback);
  EXPECT_TRUE(options.settings.destination_is_loopback);
  const auto copy = parse_command_line({"copy", "--source", source, "--destination", "loopback:"}, variables, "");
  EXPECT_TRUE(copy.has_error()) << "only a bench has one";
}

TEST(bench_command_line, sizes_have_units) {
  EXPECT_EQ(parse_size("860").value(), 860);
  EXPECT_EQ(parse_size("4k").value(), 4000);
  EXPECT_EQ(parse_size("4 KB").value(), 4000);
  EXPECT_EQ(parse_size("4KiB").value(), 4096);
  EXPECT_EQ(parse_size("1.5MiB").value(), 1.5 * 1024 * 1024);
  EXPECT_EQ(parse_size("3.2TB").value(), 3.2e12);
  for (const char* text : {"", "-1", "1x", "KB", "1KBB", "nan", "1e400"})
    EXPECT_TRUE(parse_size(text).has_error()) << text;
}

}  // namespace
}  // namespace sluice::tools
