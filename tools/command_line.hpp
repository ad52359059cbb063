// The command line, together with the configuration file and the environment, as one checked value. Starts nothing and
// prints nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/runtime/result.hpp"
#include "engine/session/settings.hpp"
#include "tools/api_access.hpp"
#include "tools/api_client.hpp"
#include "tools/bench_options.hpp"
#include "tools/serve_values.hpp"

namespace sluice::tools {

struct log_options {
  log_level verbosity = log_level::info;
  log_format format = log_format::automatic;
  std::string path;  // a directory, or a file; empty: the console
};

/// `sluice copy`: copy once, show progress, end.
struct copy_options {
  session::copy_settings settings;
  bool confirmed = false;    // --yes
  std::string summary_json;  // file to write the summary to; empty: none
  log_options log;
};

/// `sluice run`: start a live sync at once, show progress, end with its commit.
struct run_options {
  session::sync_settings settings;
  bool confirmed = false;    // --yes
  std::string summary_json;  // file to write the summary to; empty: none
  std::uint16_t port = 27182;
  api_access api;
  log_options log;
};

/// `sluice bench`: measure two deployments, report, leave nothing behind.
struct bench_options {
  measure::bench_settings settings;
  bench_report_options report;
  bool clean = false;  // only drop what killed benches have left
  log_options log;
};

/// `sluice assess`: look at both deployments and this machine, report, change nothing.
struct assess_options {
  session::sync_settings settings;  // of the migration that is thought of
  bool json = false;
  log_options log;
};

/// Without a subcommand: wait for POST /api/v1/start.
struct serve_options {
  session::sync_settings settings;  // source is cluster0, destination is cluster1; start may say the opposite
  std::uint16_t port = 27182;
  api_access api;
  bool verify_connectivity = false;  // as assess does, instead of waiting
  bool exit_on_error = false;        // a run that fails ends the process
  bool auto_resume = true;           // a run of an earlier process goes on by itself
  std::string metrics_folder;        // metrics go there as files, too; empty: to nobody who does not ask for them
  log_options log;
};

enum class client_call : std::uint8_t { status, pause, resume, commit, reverse };

/// `sluice status`, `pause`, `resume`, `commit`: asks a running sluice.
struct client_options {
  client_call call = client_call::status;
  api_address server{};
  bool json = false;
  bool wait = false;
};

/// `sluice doctor`: what a bug report should say, in one file.
struct doctor_options {
  serve_values values;                  // of the flags and the configuration file, as far as they could be read
  std::vector<std::string> complaints;  // about what could not
  std::vector<std::string> uris;        // every one that is said anywhere, for what must not get into the bundle
  std::vector<std::string> tokens;      // the same
  api_address server{};
  std::string output;  // a file, or "-" for standard output; empty: named by the time, in this directory
};

/// --help, --version and what install-service, completions and man print.
struct print_only {
  std::string text;
};

enum class io_choice : std::uint8_t { automatic, io_uring, epoll };

struct command_line {
  std::variant<copy_options, run_options, bench_options, assess_options, serve_options, client_options, doctor_options,
               print_only>
      what;
  io_choice io = io_choice::automatic;
};

/// A variable of the environment, if it is set.
using environment = std::function<std::optional<std::string>(const char* name)>;

/// The variables that hold URIs; hide_environment_variable() them once they are read.
inline constexpr const char* source_uri_variable = "SLUICE_SOURCE_URI";
inline constexpr const char* destination_uri_variable = "SLUICE_DESTINATION_URI";
inline constexpr const char* cluster0_variable = "SLUICE_CLUSTER0";
inline constexpr const char* cluster1_variable = "SLUICE_CLUSTER1";

/// `arguments` without the program's name. Flags win over the environment, which wins over the configuration file.
/// Errors (configuration) are for the operator and hold no password.
[[nodiscard]] result<command_line> parse_command_line(std::vector<std::string> arguments, const environment& variables,
                                                      const std::string& version_text);

}  // namespace sluice::tools
