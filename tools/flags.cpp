#include "tools/flags.hpp"

#include <array>

#include "engine/runtime/limits.hpp"
#include "engine/state/checkpoint_name.hpp"
#include "tools/mongosync_options.hpp"

namespace sluice::tools {
namespace {

constexpr const char* footer =
    "URIs with a password are best kept off the command line: use the ...-file flags or the environment\n"
    "(SLUICE_SOURCE_URI, SLUICE_DESTINATION_URI; SLUICE_CLUSTER0, SLUICE_CLUSTER1).\n"
    "\n"
    "Exit codes: 0 everything is there; 1 failed; 2 wrong usage; 3 refused before anything was written; "
    "130 interrupted.";

/// Takes any of `serve_values` and `copy_flags`: both have these members.
template <class Flags>
void add_common_options(CLI::App& app, Flags& flags, io_choice& io) {
  app.add_option_function<std::string>(
         "--verbosity",
         [&flags](const std::string& name) {
           flags.verbosity = parse_verbosity(name);
           if (!flags.verbosity) throw CLI::ValidationError("--verbosity", "unknown level \"" + name + "\"");
         },
         "TRACE, DEBUG, INFO, WARN, ERROR or FATAL (default INFO)")
      ->type_name("LEVEL");
  app.add_option_function<std::string>(
         "--log-format",
         [&flags](const std::string& name) {
           flags.format = parse_log_format(name);
           if (!flags.format) throw CLI::ValidationError("--log-format", "must be auto, text or json");
         },
         "auto (text on a terminal, else JSON), text or json")
      ->type_name("FORMAT");
  app.add_option("--memory-mb", flags.memory_mb, "Memory the process may take, in MiB (default 256)")
      ->check(CLI::Range(static_cast<std::uint32_t>(limits::memory_min_bytes / limits::mib), bounds::memory_mb_max))
      ->type_name("N");
  app.add_option("--lanes", flags.lanes, "Threads that move data; 0: from the number of cores")
      ->check(CLI::Range(0U, bounds::lanes_max))
      ->type_name("N");
  app.add_option("--connections", flags.connections, "Readers and writers of a lane; 0: the default")
      ->check(CLI::Range(0U, bounds::connections_max))
      ->type_name("N");
  app.add_option_function<std::string>(
         "--migrationName",
         [&flags](const std::string& name) {
           if (!state::is_migration_name(name)) {
             throw CLI::ValidationError("--migrationName", "must be up to 44 letters, digits and _");
           }
           flags.migration_name = name;
         },
         "Which of several runs into one destination this is: each has a name and a filter of its own")
      ->type_name("NAME");
  app.add_option("--createIndexesBatchSize", flags.indexes_per_command,
                 "Indexes of a collection that are built together, at most (default: all, which reads it once)")
      ->check(CLI::Range(1U, bounds::indexes_per_command_max))
      ->type_name("N");
  auto* const retry_seconds =
      app.add_option("--retry-seconds", flags.retry_seconds,
                     "How long a deployment may be out of reach before giving up (default 600)");
  retry_seconds->check(CLI::Range(0U, bounds::retry_seconds_max))->type_name("N");
  app.add_option_function<std::uint32_t>(
         "--retry-minutes", [&flags](const std::uint32_t& minutes) { flags.retry_seconds = minutes * 60; },
         "The same in minutes (default 10)")
      ->check(CLI::Range(0U, bounds::retry_seconds_max / 60))
      ->excludes(retry_seconds)
      ->type_name("N");
  app.add_option_function<std::string>(
         "--io",
         [&io](const std::string& name) {
           if (name != "auto" && name != "io_uring" && name != "epoll") {
             throw CLI::ValidationError("--io", "must be auto, io_uring or epoll");
           }
           io = name == "auto" ? io_choice::automatic : name == "epoll" ? io_choice::epoll : io_choice::io_uring;
         },
         "auto, io_uring or epoll: what to wait with")
      ->type_name("BACKEND")
      ->group("Advanced");
}

void add_uri_options(CLI::App& command, copy_flags& flags) {
  auto* const source = command.add_option("--source", flags.source, "URI of the deployment to copy from");
  auto* const destination = command.add_option("--destination", flags.destination, "URI of the deployment to copy to");
  command.add_option("--source-uri-file", flags.source_file, "File that holds the source's URI")->excludes(source);
  command.add_option("--destination-uri-file", flags.destination_file, "File that holds the destination's URI")
      ->excludes(destination);
}

/// Takes any of `serve_values` and `copy_flags`.
template <class Flags>
void add_namespace_options(CLI::App& command, Flags& flags) {
  command
      .add_option("--include", flags.include,
                  "Copy only this \"db\" or \"db.collection\"; either may be a regular expression with options:\n"
                  "\"/^shop_/i\", \"db./^orders/\". May be given again")
      ->allow_extra_args(false)
      ->type_name("NS");
  command.add_option("--exclude", flags.exclude, "Leave out what this matches, also of what is included; as --include")
      ->allow_extra_args(false)
      ->type_name("NS");
  command
      .add_option("--remap", flags.remap,
                  "Call a database or a collection otherwise on the destination: \"db=newdb\",\n"
                  "\"db.c=newdb.d\". May be given again")
      ->allow_extra_args(false)
      ->type_name("FROM=TO");
  command
      .add_option_function<std::string>(
          "--document-filter",
          [&flags](const std::string& json) {
            const auto wrong = read_documents("document-filter", json, flags.documents);
            if (wrong) throw CLI::ValidationError("--document-filter", *wrong);
          },
          "Copy only documents with one of some values in one field:\n"
          R"('{"field": "tenant", "matchValues": ["a", "b"]}')")
      ->type_name("JSON");
  command
      .add_option_function<std::string>(
          "--sharding",
          [&flags](const std::string& json) {
            const auto wrong = read_sharding(json, flags.sharding);
            if (wrong) throw CLI::ValidationError("--sharding", *wrong);
          },
          "Which collections a sharded destination shards, by which key, where the source is a replica set:\n"
          R"('{"shardingEntries": [{"database": "shop", "collection": "orders",)"
          "\n"
          R"("shardCollection": {"key": [{"customer": 1}, {"_id": "hashed"}]}}]}')")
      ->type_name("JSON");
  command.add_flag_function(
      "--users", [&flags](std::int64_t given) { flags.users = given > 0; },
      "Bring users with their credentials, and custom roles, at the end; those that exist are left alone");
  command.add_flag_function(
      "--skip-disk-space-check", [&flags](std::int64_t given) { flags.skip_disk_space_check = given > 0; },
      "Begin even though the destination's free disk seems too small");
}

/// Takes any of `serve_values` and `run_flags`.
template <class Flags>
void add_capture_options(CLI::App& command, Flags& flags) {
  command.add_flag_function(
      "--disableVerification", [&flags](std::int64_t given) { flags.disable_verification = given > 0; },
      "Commit without comparing both sides, document by document; for good, if a run is gone on with");
  command.add_flag_function(
      "--pre-existing-destination-data", [&flags](std::int64_t given) { flags.beside_others = given > 0; },
      "The destination holds data of others: leave that alone, refuse nobody's writes, copy no views; needs a filter");
  command
      .add_option_function<std::string>(
          "--capture",
          [&flags](const std::string& name) {
            if (!is_capture_way(name)) throw CLI::ValidationError("--capture", "must be auto, oplog or change-stream");
            flags.capture = name;
          },
          "How changes are captured: auto, oplog or change-stream (default auto)")
      ->type_name("WAY");
  command
      .add_option("--spool-dir", flags.spool_dir,
                  "Directory for changes that wait to be applied (default ~/.local/state/sluice/spool)")
      ->type_name("DIR");
  command.add_option("--spool-gb", flags.spool_gb, "How much they may take there, in GiB; 0: no bound (default 64)")
      ->check(CLI::Range(0U, bounds::spool_gb_max))
      ->type_name("N");
}

void add_policy_options(CLI::App& command, run_flags& flags) {
  command.add_flag("--reversible", flags.reversible,
                   "Let the direction be turned around after the commit (sluice reverse, with a server of both)");
  command
      .add_option_function<std::string>(
          "--build-indexes",
          [&flags](const std::string& when) {
            if (!session::index_building_from(when)) {
              throw CLI::ValidationError(
                  "--build-indexes",
                  "must be afterDataCopy, beforeDataCopy, excludeHashed, excludeHashedAfterCopy or never");
            }
            flags.build_indexes = when;
          },
          "afterDataCopy (default), beforeDataCopy, excludeHashed, excludeHashedAfterCopy or never")
      ->type_name("WHEN");
  command
      .add_option_function<std::string>(
          "--block-writes",
          [&flags](const std::string& mode) {
            if (!session::write_blocking_from(mode)) {
              throw CLI::ValidationError("--block-writes", "must be none, destinationOnly or sourceAndDestination");
            }
            flags.block_writes = mode;
          },
          "Whose other writers are refused: none, destinationOnly, sourceAndDestination (default: the destination's, "
          "where that is possible)")
      ->type_name("MODE");
}

/// Takes any of `serve_values` and `run_flags`.
template <class Flags>
void add_api_options(CLI::App& command, Flags& flags) {
  command.add_option("--port", flags.port, "Port of the HTTP API (default 27182)")
      ->check(CLI::Range(0, 65535))
      ->type_name("N");
  command
      .add_option("--bind", flags.api.bind,
                  "Address of the HTTP API (default 127.0.0.1); beyond this machine only "
                  "with --api-token-file")
      ->type_name("ADDRESS");
  command
      .add_option("--api-token-file", flags.api.token_file,
                  "File with the token that clients of the HTTP API must show, as a bearer token")
      ->type_name("FILE");
  command
      .add_option("--api-tls-certificate-key-file", flags.api.tls_certificate_key_file,
                  "PEM file with a certificate and its key: the HTTP API speaks TLS")
      ->type_name("FILE");
}

}  // namespace

CLI::App* add_run_command(CLI::App& app, run_flags& flags, io_choice& io) {
  CLI::App* const run = app.add_subcommand("run", "Copy, keep in step, and end with the commit; all in this terminal");
  add_uri_options(*run, flags);
  add_namespace_options(*run, flags);
  run->add_flag("--commit-when-caught-up", flags.commit_when_caught_up,
                "Commit by itself as soon as that is possible; else: sluice commit");
  add_policy_options(*run, flags);
  add_capture_options(*run, flags);
  add_api_options(*run, flags);
  run->add_flag("--reset", flags.reset, "Drop the checkpoint of an unfinished run and start over");
  run->add_flag("--yes", flags.yes, "Do not ask");
  run->add_option("--summary-json", flags.summary_json, "Write the summary to this file as JSON")->type_name("FILE");
  add_common_options(*run, flags, io);
  run->footer(footer);
  return run;
}

CLI::App* add_copy_command(CLI::App& app, copy_flags& flags, io_choice& io) {
  CLI::App* const copy = app.add_subcommand("copy", "Copy once, show progress, end");
  add_uri_options(*copy, flags);
  add_namespace_options(*copy, flags);
  auto* const drop =
      copy->add_flag("--drop", flags.drop, "Drop the destination's namespaces that are to be copied, first");
  copy->add_flag("--drop-gone", flags.drop_gone,
                 "With --drop: also what the filters cover of the destination and the source does not hold")
      ->needs(drop);
  copy->add_flag("--reset", flags.reset, "Drop the checkpoint of an unfinished copy and start over");
  copy->add_flag("--yes", flags.yes, "Do not ask");
  copy->add_option("--summary-json", flags.summary_json, "Write the summary to this file as JSON")->type_name("FILE");
  add_common_options(*copy, flags, io);
  copy->footer(footer);
  return copy;
}

CLI::App* add_bench_command(CLI::App& app, bench_flags& flags, io_choice& io) {
  CLI::App* const bench = app.add_subcommand("bench", "Measure what two deployments can do, and what limits a copy");
  add_uri_options(*bench, flags);
  bench->add_option("--documents", flags.documents, "How many to generate, or to take from --from (default 200000)")
      ->type_name("N");
  bench->add_option("--size", flags.size, "Of each document, for example 860 or 64KiB (default 860)")
      ->type_name("SIZE");
  bench->add_option("--shape", flags.shape, "flat (default), nested, wide, array, timeseries or mixed")
      ->type_name("SHAPE");
  bench->add_option("--ids", flags.ids, "objectid (default), random, int or string")->type_name("KIND");
  bench->add_option("--indexes", flags.indexes, "Beside the one of _id (default 2)")->type_name("N");
  bench->add_option("--seed", flags.seed, "Of the data set: the same seed, the same documents (default 1)")
      ->type_name("N");
  bench->add_option("--from", flags.from, "Take the first documents of this collection instead of generating any")
      ->type_name("NS");
  bench->add_option("--changes", flags.changes, "How many changes to record and apply; 0: none (default 40000)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{10'000'000}))
      ->type_name("N");
  bench->add_flag("--no-probes", flags.no_probes, "Leave out what other settings would bring");
  bench->add_option("--seconds", flags.seconds, "How long a single measurement may take (default 20)")
      ->check(CLI::Range(1U, 86'400U))
      ->type_name("N");
  bench->add_option("--estimate", flags.estimate, "Size of the data to be copied, for example 3.2TB (default 1TB)")
      ->type_name("SIZE");
  bench
      ->add_option("--database", flags.database,
                   "Name of the bench's own database: sluice_bench_... (default: a new one)")
      ->type_name("NAME");
  bench->add_flag("--json", flags.json, "Print the report as JSON instead of the table");
  bench->add_option("--html", flags.html, "Write the report to this file as one self-contained page")
      ->type_name("FILE");
  bench->add_option("--compare", flags.compare, "Compare with the --json report of an earlier run")->type_name("FILE");
  bench
      ->add_option("--fail-if", flags.fail_if,
                   "End with exit code 4 if this holds, as 'copy_ratio>1.2'; may be repeated")
      ->allow_extra_args(false)
      ->type_name("EXPR");
  bench->add_flag("--clean", flags.clean, "Only drop what benches that were killed have left");
  add_common_options(*bench, flags, io);
  std::string text =
      "Give loopback: in the place of a URI for a server in this process that costs next to nothing.\n\n"
      "Figures for --fail-if:\n";
  for (const bench_metric& metric : bench_metrics()) {
    text += "  " + std::string(metric.name) + std::string(36 - std::min<std::size_t>(36, metric.name.size()), ' ') +
            std::string(metric.meaning) + "\n";
  }
  bench->footer(text +
                "\nExit codes: 0 measured; 1 failed; 2 wrong usage; 3 refused before anything was written; "
                "4 a --fail-if holds; 130 interrupted.");
  return bench;
}

CLI::App* add_assess_command(CLI::App& app, assess_flags& flags, io_choice& io) {
  CLI::App* const assess =
      app.add_subcommand("assess", "Before you start: look at both sides and this machine; changes nothing");
  add_uri_options(*assess, flags);
  add_namespace_options(*assess, flags);
  add_policy_options(*assess, flags);
  add_capture_options(*assess, flags);
  assess->add_flag("--json", flags.json, "Print the report as JSON instead of the text");
  add_common_options(*assess, flags, io);
  assess->footer(
      "Give it the flags that the migration will have.\n\n"
      "Exit codes: 0 all is well, or nothing but warnings; 1 something would make a migration fail; 2 wrong usage; "
      "130 interrupted.");
  return assess;
}

void add_serve_options(CLI::App& app, serve_values& flags, std::string& config, io_choice& io) {
  app.footer(footer);
  app.add_option("--config", config, "Configuration file, YAML or JSON; keys are these flags")->type_name("FILE");
  auto* const cluster0 = app.add_option("--cluster0", flags.cluster0, "URI of one deployment");
  auto* const cluster1 = app.add_option("--cluster1", flags.cluster1, "URI of the other one");
  app.add_option("--cluster0-file", flags.cluster0_file, "File that holds the URI of cluster0")->excludes(cluster0);
  app.add_option("--cluster1-file", flags.cluster1_file, "File that holds the URI of cluster1")->excludes(cluster1);
  add_api_options(app, flags);
  app.add_option("--logPath", flags.log_path, "Directory (or file) for the log; default: standard output");
  app.add_option(
         "--metricsLoggingFilepath", flags.metrics_path,
         "Folder for mongosync_metrics.log: what /metrics says, a JSON line every 30 s (default: none is written)")
      ->type_name("FOLDER");
  app.add_flag_function(
      "--disableMetricsLogging", [&flags](std::int64_t given) { flags.disable_metrics_logging = given > 0; },
      "Write no mongosync_metrics.log, whatever the configuration file says");
  app.add_option("--loadLevel", flags.load_level, "1 (gentle) to 4 (everything) on both deployments (default 3)")
      ->check(CLI::Range(1U, bounds::load_level_max))
      ->type_name("N");
  app.add_flag_function(
      "--verifyConnectivity", [&flags](std::int64_t given) { flags.verify_connectivity = given > 0; },
      "Look at both deployments as \"sluice assess\" does, report, and end");
  app.add_flag_function(
      "--exit-on-error", [&flags](std::int64_t given) { flags.exit_on_error = given > 0; },
      "End with exit code 1 when a run fails, for a supervisor to start the program again; else the error stays\n"
      "in progress until the run is resumed");
  app.add_flag_function(
      "--auto-resume,!--no-auto-resume", [&flags](std::int64_t given) { flags.auto_resume = given > 0; },
      "Go on by itself with the run of an earlier process (the default); --no-auto-resume: when it is started");
  add_namespace_options(app, flags);
  add_capture_options(app, flags);
  app.add_flag_function(
         "--disableWriteBlocking", [&flags](std::int64_t given) { flags.disable_write_blocking = given > 0; },
         "Leave other writers of the destination alone")
      ->group("Accepted for compatibility");
  add_common_options(app, flags, io);
  for (const std::string_view name : options_without_effect()) {
    app.add_flag_function(
           "--" + std::string(name), [](std::int64_t) {}, "Accepted; there is nothing to switch off")
        ->group("Accepted for compatibility");
  }
}

CLI::App* add_doctor_command(CLI::App& app, serve_values& flags, std::string& config, doctor_flags& more,
                             io_choice& io) {
  CLI::App* const command =
      app.add_subcommand("doctor", "Put what a bug report should say into one file, without secrets; changes nothing");
  add_serve_options(*command, flags, config, io);
  command->add_option("--url", more.url, "HTTP API of the running server (default: as --port and --bind say)")
      ->type_name("URL");
  command
      ->add_option("--api-ca-file", more.authority_file,
                   "PEM file with the authority of its certificate (default: those that the system trusts)")
      ->type_name("FILE");
  command
      ->add_option("--output", more.output,
                   "The .tar.gz to write, which must not exist; - for standard output\n"
                   "(default sluice-doctor-TIME.tar.gz)")
      ->type_name("FILE");
  command->footer(
      "Give it the flags (or --config) of the server. In the file: version, this machine, the configuration, the end "
      "of\n"
      "the log (--logPath), and what a running server tells. What cannot be had is named in it, and is no error.\n"
      "Passwords, tokens and values of documents are taken out; look before you send it: names are not.\n\n"
      "Exit codes: 0 written; 1 it cannot be written; 2 wrong usage; 3 there is such a file.");
  return command;
}

CLI::App* add_install_service_command(CLI::App& app, service_options& options) {
  CLI::App* const command = app.add_subcommand("install-service", "Print a systemd unit that runs the server confined");
  command->add_option("--name", options.name, "Name of the unit (default sluice)")->type_name("NAME");
  command->add_option("--program", options.program, "Where the program is installed (default /usr/bin/sluice)")
      ->type_name("PATH");
  command
      ->add_option("--config", options.config,
                   "Configuration file to use; default: URIs in /etc/NAME/cluster0 and cluster1")
      ->type_name("FILE");
  command->footer("Nothing is written: sluice install-service >/etc/systemd/system/sluice.service");
  return command;
}

CLI::App* add_completions_command(CLI::App& app, std::string& shell) {
  CLI::App* const command = app.add_subcommand("completions", "Print a script that completes this command line");
  command->add_option("shell", shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  return command;
}

CLI::App* add_client_command(CLI::App& app, client_call call, client_flags& flags) {
  struct text {
    const char* name;
    const char* description;
    const char* wait;
  };
  static constexpr std::array<text, 5> texts{
      {{"status", "Show how far a running sluice is", nullptr},
       {"pause", "Pause a run: apply what is captured so far, then wait", "Return only when it is PAUSED"},
       {"resume", "Go on with a paused run", "Return only when it is RUNNING"},
       {"commit", "End a run: apply what is left, then let the destination go", "Return only when it is COMMITTED"},
       {"reverse", "Turn a committed run around: follow the destination's changes back",
        "Return only when it is RUNNING"}}};
  const text& say = texts[static_cast<std::size_t>(call)];
  CLI::App* const command = app.add_subcommand(say.name, say.description);
  auto* const port = command->add_option("--port", flags.port, "Port of its HTTP API on this machine (default 27182)")
                         ->check(CLI::Range(1, 65535))
                         ->type_name("N");
  command->add_option("--url", flags.url, "Its HTTP API, for example https://db7.example:27182")
      ->excludes(port)
      ->type_name("URL");
  command->add_option("--api-token-file", flags.token_file, "File with the token that its HTTP API wants")
      ->type_name("FILE");
  command
      ->add_option("--api-ca-file", flags.authority_file,
                   "PEM file with the authority of its certificate (default: those that the system trusts)")
      ->type_name("FILE");
  command->add_flag("--json", flags.json, "Print the answer as it comes");
  if (say.wait != nullptr) command->add_flag("--wait", flags.wait, say.wait);
  command->footer(
      "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the run does not take the call in its "
      "state, or the server does not take the token.");
  return command;
}

}  // namespace sluice::tools
