// Flags, environment and configuration together.
#include "tools/command_line.hpp"

#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::tools {
namespace {

using variables = std::map<std::string, std::string>;

result<command_line> parse(std::vector<std::string> arguments, const variables& set = {}) {
  const environment look_up = [&set](const char* name) -> std::optional<std::string> {
    const auto found = set.find(name);
    return found == set.end() ? std::nullopt : std::optional(found->second);
  };
  return parse_command_line(std::move(arguments), look_up, "version 1");
}

std::string complaint(std::vector<std::string> arguments, const variables& set = {}) {
  const auto parsed = parse(std::move(arguments), set);
  return parsed ? "" : parsed.error().message;
}

copy_options copy_of(std::vector<std::string> arguments, const variables& set = {}) {
  const auto parsed = parse(std::move(arguments), set);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return std::get<copy_options>(parsed.value().what);
}

serve_options serve_of(std::vector<std::string> arguments, const variables& set = {}) {
  const auto parsed = parse(std::move(arguments), set);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return std::get<serve_options>(parsed.value().what);
}

client_options client_of(std::vector<std::string> arguments) {
  const auto parsed = parse(std::move(arguments));
  EXPECT_TRUE(parsed) << parsed.error().message;
  return std::get<client_options>(parsed.value().what);
}

class temporary_file {
 public:
  temporary_file(const std::string& name, const std::string& text)
      : path_(std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + "-" + name)) {
    std::ofstream(path_) << text;
  }
  ~temporary_file() { std::filesystem::remove(path_); }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

const std::vector<std::string> both{"copy", "--source", "mongodb://a", "--destination", "mongodb://b"};

std::vector<std::string> both_and(std::initializer_list<const char*> more) {
  std::vector<std::string> out = both;
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

TEST(command_line, copy_takes_every_flag) {
  const copy_options options = copy_of(both_and(
      {"--include",       "db",    "--include",      "db2.c.d", "--exclude",    "db.x", "--drop",        "--drop-gone",
       "--reset",         "--yes", "--memory-mb",    "512",     "--lanes",      "2",    "--connections", "3",
       "--retry-seconds", "7",     "--summary-json", "s.json",  "--log-format", "json", "--verbosity",   "debug"}));
  EXPECT_EQ(options.settings.source_uri, "mongodb://a");
  EXPECT_EQ(options.settings.destination_uri, "mongodb://b");
  EXPECT_EQ(options.settings.include, (std::vector<std::string>{"db", "db2.c.d"}));
  EXPECT_EQ(options.settings.exclude, (std::vector<std::string>{"db.x"}));
  EXPECT_TRUE(options.settings.drop);
  EXPECT_TRUE(options.settings.drop_gone);
  EXPECT_TRUE(options.settings.reset);
  EXPECT_TRUE(options.confirmed);
  EXPECT_EQ(options.settings.memory_bytes, 512U * 1024 * 1024);
  EXPECT_EQ(options.settings.lanes, 2U);
  EXPECT_EQ(options.settings.connections, 3U);
  EXPECT_EQ(options.settings.retry_time, std::chrono::seconds(7));
  EXPECT_EQ(options.summary_json, "s.json");
  EXPECT_EQ(options.log.format, log_format::json);
  EXPECT_EQ(options.log.verbosity, log_level::debug);
}

run_options run_of(std::vector<std::string> more) {
  std::vector<std::string> arguments{"run", "--source", "mongodb://a", "--destination", "mongodb://b"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto parsed = parse_command_line(
      std::move(arguments), [](const char*) { return std::nullopt; }, "");
  if (!parsed) ADD_FAILURE() << parsed.error().message;
  return parsed ? std::get<run_options>(parsed.value().what) : run_options{};
}

TEST(command_line, run_takes_what_a_live_sync_can_be_told) {
  const run_options plain = run_of({});
  EXPECT_EQ(plain.port, 27182);
  EXPECT_EQ(plain.settings.capture, "auto");
  EXPECT_EQ(plain.settings.spool_bytes_max, session::spool_bytes_default);
  EXPECT_EQ(plain.settings.build_indexes, session::index_building::after_data_copy);
  EXPECT_FALSE(plain.settings.block_writes);
  EXPECT_FALSE(plain.settings.commit_when_caught_up);
  EXPECT_FALSE(plain.settings.reversible);
  EXPECT_TRUE(plain.settings.verify);
  EXPECT_TRUE(run_of({"--reversible"}).settings.reversible);
  EXPECT_FALSE(run_of({"--disableVerification"}).settings.verify);

  const run_options told = run_of({"--capture", "change-stream", "--spool-dir", "/var/spool", "--spool-gb", "3",
                                   "--build-indexes", "never", "--block-writes", "none", "--commit-when-caught-up",
                                   "--port", "0", "--retry-minutes", "2", "--include", "db"});
  EXPECT_EQ(told.settings.capture, "change-stream");
  EXPECT_EQ(told.settings.spool_dir, "/var/spool");
  EXPECT_EQ(told.settings.spool_bytes_max, std::uint64_t{3} << 30U);
  EXPECT_EQ(told.settings.build_indexes, session::index_building::never);
  EXPECT_EQ(told.settings.block_writes, session::write_blocking::none);
  EXPECT_TRUE(told.settings.commit_when_caught_up);
  EXPECT_EQ(told.port, 0);
  EXPECT_EQ(told.settings.copy.retry_time, std::chrono::minutes(2));
  EXPECT_EQ(told.settings.copy.include, std::vector<std::string>{"db"});
}

TEST(command_line, run_names_what_it_cannot_take) {
  const auto with = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"run", "--source", "mongodb://a", "--destination", "mongodb://b"});
    return complaint(std::move(more));
  };
  EXPECT_NE(with({"--capture", "guess"}).find("auto, oplog or change-stream"), std::string::npos);
  EXPECT_NE(with({"--build-indexes", "later"}).find("afterDataCopy"), std::string::npos);
  EXPECT_NE(with({"--block-writes", "all"}).find("destinationOnly"), std::string::npos);
  EXPECT_NE(with({"--retry-minutes", "1", "--retry-seconds", "1"}).find("--retry-"), std::string::npos);
  EXPECT_NE(with({"--drop"}).find("--drop"), std::string::npos) << "what a sync drops would be lost to its source";
}

TEST(command_line, defaults_are_those_of_the_settings) {
  const copy_options options = copy_of(both);
  EXPECT_EQ(options.settings.memory_bytes, limits::memory_default_bytes);
  EXPECT_EQ(options.settings.retry_time, limits::retry_time_default);
  EXPECT_FALSE(options.settings.drop || options.settings.reset || options.confirmed);
}

TEST(command_line, uris_come_from_files_and_the_environment) {
  const temporary_file file("uri", "  mongodb://u:p@a/\n");
  const copy_options options =
      copy_of({"copy", "--source-uri-file", file.path()},
              {{"SLUICE_SOURCE_URI", "mongodb://ignored"}, {"SLUICE_DESTINATION_URI", "mongodb://b"}});
  EXPECT_EQ(options.settings.source_uri, "mongodb://u:p@a/");
  EXPECT_EQ(options.settings.destination_uri, "mongodb://b");
  EXPECT_EQ(copy_of(both, {{"SLUICE_SOURCE_URI", "mongodb://ignored"}}).settings.source_uri, "mongodb://a");
}

TEST(command_line, a_bad_uri_file_is_named_and_not_quoted) {
  const temporary_file two("two", "mongodb://u:hunter2@a\nmongodb://b\n");
  const temporary_file empty("empty", "\n");
  const temporary_file odd("odd", "http://u:hunter2@a");
  for (const temporary_file* file : {&two, &empty, &odd}) {
    const std::string message = complaint({"copy", "--source-uri-file", file->path(), "--destination", "mongodb://b"});
    EXPECT_NE(message.find(file->path()), std::string::npos) << message;
    EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
  }
  EXPECT_NE(complaint({"copy", "--source-uri-file", "/nowhere"}).find("/nowhere"), std::string::npos);
}

TEST(command_line, a_uri_and_its_file_exclude_each_other) {
  EXPECT_NE(complaint({"copy", "--source", "mongodb://a", "--source-uri-file", "x"}).find("--source-uri-file"),
            std::string::npos);
  EXPECT_NE(complaint({"--cluster0", "mongodb://a", "--cluster0-file", "x"}).find("--cluster0-file"),
            std::string::npos);
}

TEST(command_line, a_server_takes_filters_as_well) {
  const auto settings = serve_of({"--cluster0", "mongodb://a", "--cluster1", "mongodb://b", "--include", "/^shop/i",
                                  "--exclude", "shop.x"})
                            .settings;
  EXPECT_EQ(settings.copy.include, std::vector<std::string>{"/^shop/i"});
  EXPECT_EQ(settings.copy.exclude, std::vector<std::string>{"shop.x"});
}

TEST(command_line, shard_keys_come_from_a_flag_before_the_file) {
  constexpr const char* by_customer =
      R"({"shardingEntries": [{"database": "d", "collection": "c", "shardCollection": {"key": [{"customer": 1}]}}]})";
  const auto copied = copy_of(both_and({"--sharding", by_customer})).settings.sharding;
  ASSERT_TRUE(copied);
  EXPECT_NE(copied->key_of({"d", "c"}), nullptr);
  EXPECT_FALSE(copy_of(both_and({})).settings.sharding);
  const temporary_file file(
      "sharding", std::string("cluster0: mongodb://a\ncluster1: mongodb://b\nsharding: ") + by_customer + "\n");
  const auto of_file = serve_of({"--config", file.path()}).settings.copy.sharding;
  ASSERT_TRUE(of_file);
  EXPECT_NE(of_file->key_of({"d", "c"}), nullptr);
  const auto of_flag =
      serve_of({"--config", file.path(), "--sharding", R"({"shardingEntries": []})"}).settings.copy.sharding;
  ASSERT_TRUE(of_flag);
  EXPECT_TRUE(of_flag->entries.empty());
  EXPECT_NE(complaint(both_and({"--sharding", "{}"})).find("\"sharding.shardingEntries\" is missing"),
            std::string::npos);
  EXPECT_NE(complaint(both_and({"--sharding", "shop.orders"})).find("must be a JSON document"), std::string::npos);
}

TEST(command_line, mistakes_are_named_with_the_nearest_flag) {
  EXPECT_NE(complaint(both_and({"--exclud", "x"})).find("did you mean \"--exclude\""), std::string::npos);
  EXPECT_NE(complaint({"--prot", "1"}).find("did you mean \"--port\""), std::string::npos);
  EXPECT_NE(complaint({"--id", "shard0"}).find("cannot apply here"), std::string::npos);
  EXPECT_NE(complaint({"--hotDocIDs={}"}).find("cannot apply here"), std::string::npos);
  EXPECT_NE(complaint(both_and({"--memory-mb", "1"})).find("--memory-mb"), std::string::npos);
  EXPECT_NE(complaint(both_and({"--verbosity", "loud"})).find("--verbosity"), std::string::npos);
  EXPECT_NE(complaint(both_and({"--include", ".c"})).find("--include"), std::string::npos);
  EXPECT_NE(complaint(both_and({"--include", "db."})).find("--include"), std::string::npos);
  EXPECT_NE(complaint(both_and({"--include", "db./a(/"})).find("at byte 2"), std::string::npos);
  EXPECT_NE(complaint(both_and({"--exclude", "/a/g"})).find("--exclude \"/a/g\""), std::string::npos);
  EXPECT_NE(complaint(both_and({"--remap", "a"})).find("FROM=TO"), std::string::npos);
  EXPECT_NE(complaint(both_and({"--remap", "a=b", "--remap", "c=b"})).find("would both become b"), std::string::npos);
  EXPECT_NE(complaint(both_and({"--remap", "a=b.c"})).find("both must be databases"), std::string::npos);
  EXPECT_TRUE(copy_of(both_and({"--users"})).settings.users);
  EXPECT_FALSE(copy_of(both_and({})).settings.users);
  EXPECT_NE(complaint(both_and({"--users", "--remap", "a.b=c.d"})).find("remap whole databases"), std::string::npos);
  EXPECT_EQ(copy_of(both_and({"--remap", "a=b", "--remap", "c.d=c.e=f"})).settings.remaps,
            (std::vector<cluster::remap>{{"a", "b"}, {"c.d", "c.e=f"}}));
  EXPECT_NE(complaint(both_and({"--exclude", "admin"})).find("never copied"), std::string::npos);
  EXPECT_NE(complaint({"--cluster0", "mongodb://a", "--cluster1", "mongodb://b", "--include", "/a"}).find("include"),
            std::string::npos);
  EXPECT_NE(complaint({"copy"}).find("--source"), std::string::npos);
  EXPECT_NE(complaint({}).find("--cluster0"), std::string::npos);
  EXPECT_NE(complaint({"--port", "1", "copy"}).find("copy"), std::string::npos);
}

TEST(command_line, no_mistake_repeats_a_password) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"mongodb://u:hunter2@a"},
                                             {"--port", "mongodb://u:hunter2@a"},
                                             {"--mongodb://u:hunter2@a"},
                                             {"copy", "--source", "mongodb://a", "--lanes", "mongodb://u:hunter2@a"},
                                             {"copy", "mongodb://u:hunter2@a"}}) {
    const std::string message = complaint(arguments);
    EXPECT_NE(message, "");
    EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
  }
}

TEST(command_line, flags_win_over_the_environment_and_that_over_the_file) {
  const temporary_file file("sluice.yaml",
                            "cluster0: mongodb://file0\ncluster1: mongodb://file1\nport: 1\nlanes: 5\nloadLevel: 1\n");
  const serve_options from_file = serve_of({"--config", file.path()});
  EXPECT_EQ(from_file.settings.copy.source_uri, "mongodb://file0");
  EXPECT_EQ(from_file.port, 1);
  EXPECT_EQ(from_file.settings.copy.connections, 1U);
  const serve_options mixed = serve_of({"--config", file.path(), "--port", "2", "--cluster0", "mongodb://flag"},
                                       {{"SLUICE_CLUSTER1", "mongodb://variable"}});
  EXPECT_EQ(mixed.settings.copy.source_uri, "mongodb://flag");
  EXPECT_EQ(mixed.settings.copy.destination_uri, "mongodb://variable");
  EXPECT_EQ(mixed.port, 2);
  EXPECT_EQ(mixed.settings.copy.lanes, 5U);
}

TEST(command_line, serve_takes_mongosyncs_flags) {
  const serve_options options = serve_of({"--cluster0=mongodb://a", "--cluster1", "mongodb://b", "--logPath", "/l",
                                          "--acceptDisclaimer", "--disableTelemetry=true", "--verbosity", "INFO"});
  EXPECT_EQ(options.port, 27182);
  EXPECT_EQ(options.log.path, "/l");
  EXPECT_EQ(options.metrics_folder, "");
  EXPECT_EQ(options.settings.copy.indexes_per_command, 0U);
  EXPECT_TRUE(options.settings.verify);
  const auto with = [](std::initializer_list<const char*> more) {
    std::vector<std::string> all{"--cluster0=mongodb://a", "--cluster1", "mongodb://b"};
    all.insert(all.end(), more.begin(), more.end());
    return serve_of(std::move(all));
  };
  EXPECT_EQ(with({"--metricsLoggingFilepath", "/m"}).metrics_folder, "/m");
  EXPECT_EQ(with({"--metricsLoggingFilepath", "/m", "--disableMetricsLogging"}).metrics_folder, "");
  EXPECT_EQ(with({"--createIndexesBatchSize", "64"}).settings.copy.indexes_per_command, 64U);
  EXPECT_NE(complaint({"--createIndexesBatchSize", "65"}).find("--createIndexesBatchSize"), std::string::npos);
  EXPECT_FALSE(with({}).settings.block_writes);
  EXPECT_EQ(with({}).settings.copy.migration_name, "");
  EXPECT_EQ(with({"--migrationName", "north_1"}).settings.copy.migration_name, "north_1");
  EXPECT_NE(complaint({"--migrationName", "a.b"}).find("--migrationName"), std::string::npos);
  EXPECT_NE(complaint({"--migrationName", std::string(45, 'a')}).find("44 letters"), std::string::npos);
  EXPECT_EQ(with({"--disableWriteBlocking"}).settings.block_writes, session::write_blocking::none);
  EXPECT_FALSE(with({"--disableVerification"}).settings.verify);
  EXPECT_FALSE(with({"--disableVerification=true"}).settings.verify);
  EXPECT_TRUE(with({"--disableVerification=false"}).settings.verify);
  EXPECT_NE(complaint({"--createIndexesBatchSize", "0"}).find("--createIndexesBatchSize"), std::string::npos);
}

TEST(command_line, an_option_of_the_original_that_cannot_apply_is_refused_with_what_to_do) {
  for (const auto& [name, advice] :
       std::vector<std::pair<std::string, std::string>>{{"id", "leave it out"},
                                                        {"hotDocIDs", "leave it out"},
                                                        {"enableCappedCollectionHandling", "leave it out"},
                                                        {"acceptRemoteAPIRequest", "--api-token-file"},
                                                        {"enableVerifierPersistence", "leave it out"},
                                                        {"longRetryTime", "retry-seconds"},
                                                        {"oplogRolloverResilienceIntervalSeconds", "spool-gb"}}) {
    const std::string flag = complaint({"--cluster0=mongodb://a", "--cluster1=mongodb://b", "--" + name + "=1"});
    EXPECT_NE(flag.find("\"" + name + "\" is an option of mongosync"), std::string::npos) << flag;
    EXPECT_NE(flag.find(advice), std::string::npos) << flag;
    const temporary_file file("refused", name + ": 1\n");
    const std::string key = complaint({"--config", file.path()});
    EXPECT_NE(key.find(":1: \"" + name + "\""), std::string::npos) << key;
    EXPECT_NE(key.find(advice), std::string::npos) << key;
  }
}

TEST(command_line, help_and_version_are_only_printed) {
  const auto help = parse({"--help"});
  ASSERT_TRUE(help);
  EXPECT_NE(std::get<print_only>(help.value().what).text.find("130 interrupted"), std::string::npos);
  const auto copy_help = parse({"copy", "--help"});
  ASSERT_TRUE(copy_help);
  EXPECT_NE(std::get<print_only>(copy_help.value().what).text.find("--summary-json"), std::string::npos);
  const auto version = parse({"--version"});
  ASSERT_TRUE(version);
  EXPECT_EQ(std::get<print_only>(version.value().what).text, "version 1\n");
}

TEST(command_line, a_running_sluice_is_asked_by_four_commands) {
  for (const auto& [name, call] :
       {std::pair("status", client_call::status), std::pair("pause", client_call::pause),
        std::pair("resume", client_call::resume), std::pair("commit", client_call::commit)}) {
    const client_options options = client_of({name, "--json"});
    EXPECT_EQ(options.call, call);
    EXPECT_TRUE(options.json);
    EXPECT_FALSE(options.wait);
    EXPECT_EQ(options.server.text(), "127.0.0.1:27182");
  }
  EXPECT_TRUE(client_of({"commit", "--wait"}).wait);
  EXPECT_EQ(client_of({"pause", "--port", "4000"}).server.text(), "127.0.0.1:4000");
  EXPECT_EQ(client_of({"pause", "--url", "http://db7:4001/"}).server.text(), "db7:4001");
  EXPECT_FALSE(client_of({"pause", "--url", "http://db7:4001/"}).server.tls);
  EXPECT_TRUE(client_of({"pause", "--url", "https://db7:4001/"}).server.tls);
  EXPECT_EQ(client_of({"pause", "--url", "https://db7", "--api-ca-file", "/ca.pem"}).server.authority_file, "/ca.pem");
}

TEST(command_line, mistakes_of_those_commands_are_named) {
  EXPECT_NE(complaint({"status", "--wait"}).find("--wait"), std::string::npos);  // there is nothing to wait for
  EXPECT_NE(complaint({"commit", "--port", "1", "--url", "http://a"}).find("--url"), std::string::npos);
  EXPECT_NE(complaint({"commit", "--port", "0"}).find("--port"), std::string::npos);
  EXPECT_NE(complaint({"commit", "--url", "ftp://a"}).find("http://"), std::string::npos);
  EXPECT_NE(complaint({"commit", "--wiat"}).find("did you mean \"--wait\""), std::string::npos);
  EXPECT_NE(complaint({"status", "pause"}).find("pause"), std::string::npos);
  EXPECT_NE(complaint({"--port", "1", "status"}).find("status"), std::string::npos);
}

TEST(command_line, the_backend_can_be_forced) {
  const auto parsed = parse(both_and({"--io", "epoll"}));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed.value().io, io_choice::epoll);
  EXPECT_NE(complaint(both_and({"--io", "kqueue"})), "");
}

}  // namespace
}  // namespace sluice::tools
