// The flags of each command as they stand on the command line, before anything is decided from them. For
// command_line.cpp only: CLI11's header is heavy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/cluster/document_filter.hpp"
#include "engine/cluster/sharding_choice.hpp"
#include "tools/command_line.hpp"
#include "tools/serve_values.hpp"
#include "tools/service_unit.hpp"

namespace sluice::tools {

struct copy_flags {
  std::optional<std::string> source, source_file, destination, destination_file;
  std::optional<log_level> verbosity;
  std::optional<log_format> format;
  std::optional<std::string> migration_name;
  std::optional<std::uint32_t> memory_mb, lanes, connections, retry_seconds, indexes_per_command;
  std::vector<std::string> include, exclude, remap;
  cluster::document_filter documents;
  std::optional<cluster::sharding_choice> sharding;
  std::optional<bool> users;
  std::optional<bool> skip_disk_space_check;
  bool drop = false;
  bool drop_gone = false;
  bool reset = false;
  bool yes = false;
  std::string summary_json;
};

struct run_flags : copy_flags {
  std::optional<std::string> capture, spool_dir;
  std::optional<std::uint32_t> spool_gb;
  std::optional<std::uint16_t> port;
  api_access_values api;
  std::string build_indexes;
  std::string block_writes;
  std::optional<bool> disable_verification;
  std::optional<bool> beside_others;
  bool commit_when_caught_up = false;
  bool reversible = false;
};

struct bench_flags : copy_flags {
  std::optional<std::int64_t> documents, changes;
  std::optional<std::uint64_t> seed;
  std::optional<std::int32_t> indexes;
  std::optional<std::uint32_t> seconds;
  std::string size, shape, ids, from, database, estimate, html, compare;
  std::vector<std::string> fail_if;
  bool no_probes = false;
  bool json = false;
  bool clean = false;
};

struct assess_flags : run_flags {
  bool json = false;
};

/// status, pause, resume, commit.
struct client_flags {
  std::optional<std::uint16_t> port;
  std::optional<std::string> url;
  std::optional<std::string> token_file;
  std::optional<std::string> authority_file;
  bool json = false;
  bool wait = false;
};

/// Beside those of the server.
struct doctor_flags {
  std::optional<std::string> url, authority_file;
  std::string output;
};

// What is registered writes into `flags` (and `io`) while CLI11 parses.
void add_serve_options(CLI::App& app, serve_values& flags, std::string& config, io_choice& io);
CLI::App* add_copy_command(CLI::App& app, copy_flags& flags, io_choice& io);
CLI::App* add_run_command(CLI::App& app, run_flags& flags, io_choice& io);
CLI::App* add_bench_command(CLI::App& app, bench_flags& flags, io_choice& io);
CLI::App* add_assess_command(CLI::App& app, assess_flags& flags, io_choice& io);
CLI::App* add_install_service_command(CLI::App& app, service_options& options);
CLI::App* add_completions_command(CLI::App& app, std::string& shell);
CLI::App* add_doctor_command(CLI::App& app, serve_values& flags, std::string& config, doctor_flags& more,
                             io_choice& io);
CLI::App* add_client_command(CLI::App& app, client_call call, client_flags& flags);

}  // namespace sluice::tools
