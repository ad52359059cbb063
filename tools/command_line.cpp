#include "tools/command_line.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "engine/runtime/limits.hpp"
#include "engine/runtime/nearest_name.hpp"
#include "tools/config.hpp"
#include "tools/mongosync_options.hpp"
#include "tools/redaction.hpp"
#include "tools/uri_source.hpp"

namespace sluice::tools {
namespace {

constexpr const char* footer =
    "URIs with a password are best kept off the command line: use the ...-file flags or the environment\n"
    "(SLUICE_SOURCE_URI, SLUICE_DESTINATION_URI; SLUICE_CLUSTER0, SLUICE_CLUSTER1).\n"
    "\n"
    "Exit codes: 0 everything is there; 1 failed; 2 wrong usage; 3 refused before anything was written; "
    "130 interrupted.";

struct copy_flags {
  std::optional<std::string> source, source_file, destination, destination_file;
  std::optional<log_level> verbosity;
  std::optional<log_format> format;
  std::optional<std::uint32_t> memory_mb, lanes, connections, retry_seconds;
  std::vector<std::string> include, exclude;
  bool drop = false;
  bool reset = false;
  bool yes = false;
  std::string summary_json;
};

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
  app.add_option("--retry-seconds", flags.retry_seconds,
                 "How long a deployment may be out of reach before giving up (default 600)")
      ->check(CLI::Range(0U, bounds::retry_seconds_max))
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

CLI::App* add_copy_command(CLI::App& app, copy_flags& flags, io_choice& io) {
  CLI::App* const copy = app.add_subcommand("copy", "Copy once, show progress, end");
  auto* const source = copy->add_option("--source", flags.source, "URI of the deployment to copy from");
  auto* const destination = copy->add_option("--destination", flags.destination, "URI of the deployment to copy to");
  copy->add_option("--source-uri-file", flags.source_file, "File that holds the source's URI")->excludes(source);
  copy->add_option("--destination-uri-file", flags.destination_file, "File that holds the destination's URI")
      ->excludes(destination);
  copy->add_option("--include", flags.include, "Copy only this \"db\" or \"db.collection\"; may be given again")
      ->allow_extra_args(false)
      ->type_name("NS");
  copy->add_option("--exclude", flags.exclude, "Leave out this \"db\" or \"db.collection\"; may be given again")
      ->allow_extra_args(false)
      ->type_name("NS");
  copy->add_flag("--drop", flags.drop, "Drop the destination's namespaces that are to be copied, first");
  copy->add_flag("--reset", flags.reset, "Drop the checkpoint of an unfinished copy and start over");
  copy->add_flag("--yes", flags.yes, "Do not ask");
  copy->add_option("--summary-json", flags.summary_json, "Write the summary to this file as JSON")->type_name("FILE");
  add_common_options(*copy, flags, io);
  copy->footer(footer);
  return copy;
}

void add_serve_options(CLI::App& app, serve_values& flags, std::string& config, io_choice& io) {
  app.add_option("--config", config, "Configuration file, YAML or JSON; keys are these flags")->type_name("FILE");
  auto* const cluster0 = app.add_option("--cluster0", flags.cluster0, "URI of one deployment");
  auto* const cluster1 = app.add_option("--cluster1", flags.cluster1, "URI of the other one");
  app.add_option("--cluster0-file", flags.cluster0_file, "File that holds the URI of cluster0")->excludes(cluster0);
  app.add_option("--cluster1-file", flags.cluster1_file, "File that holds the URI of cluster1")->excludes(cluster1);
  app.add_option("--port", flags.port, "Port of the HTTP API on localhost (default 27182)")
      ->check(CLI::Range(0, 65535))
      ->type_name("N");
  app.add_option("--logPath", flags.log_path, "Directory (or file) for the log; default: standard output");
  app.add_option("--loadLevel", flags.load_level, "1 (gentle) to 4 (everything) on both deployments (default 3)")
      ->check(CLI::Range(1U, bounds::load_level_max))
      ->type_name("N");
  add_common_options(app, flags, io);
  for (const std::string_view name : options_without_effect()) {
    app.add_flag_function(
           "--" + std::string(name),
           [name](std::int64_t given) {
             const auto reason = given > 0 ? std::nullopt : reason_to_refuse_false(name);
             if (reason) throw CLI::ValidationError("--" + std::string(name), *reason);
           },
           "Accepted; there is nothing to switch off")
        ->group("Accepted for compatibility");
  }
}

error usage(const std::string& message) {
  return failure(error_kind::configuration, redacted(message));
}

/// The first thing that no option took.
error unexpected(const std::string& argument, const CLI::App& app, const CLI::App& command) {
  if (!argument.starts_with('-')) return usage("unexpected argument \"" + argument + "\" (see --help)");
  const std::string name = argument.substr(0, argument.find('='));
  const std::string bare = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  if (const auto reason = reason_to_refuse(bare)) return usage(*reason);
  std::vector<std::string> flags;
  for (const CLI::App* each : {&command, &app}) {
    for (const CLI::Option* option : each->get_options()) {
      for (const std::string& flag : option->get_lnames()) flags.push_back("--" + flag);
    }
  }
  const std::vector<std::string_view> known(flags.begin(), flags.end());
  return usage("unknown flag " + name + runtime::did_you_mean(name, known));
}

template <class Flags>
void apply_common(const Flags& flags, session::copy_settings& settings, log_options& log) {
  if (flags.memory_mb) settings.memory_bytes = std::size_t{*flags.memory_mb} * limits::mib;
  settings.lanes = flags.lanes.value_or(0);
  settings.connections = flags.connections.value_or(0);
  if (flags.retry_seconds) settings.retry_time = std::chrono::seconds(*flags.retry_seconds);
  log.verbosity = flags.verbosity.value_or(log.verbosity);
  log.format = flags.format.value_or(log.format);
}

result<> check_namespaces(const char* flag, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::size_t dot = name.find('.');
    const bool whole = !name.empty() && dot != 0 && dot != name.size() - 1;
    if (!whole) {
      return usage(std::string(flag) + " \"" + name + "\": must be a database, or database.collection");
    }
  }
  return ok();
}

result<copy_options> to_copy_options(copy_flags&& flags, const environment& variables) {
  copy_options options;
  SLUICE_TRYV(check_namespaces("--include", flags.include));
  SLUICE_TRYV(check_namespaces("--exclude", flags.exclude));
  const uri_places source{"--source", source_uri_variable, flags.source, flags.source_file};
  const uri_places destination{"--destination", destination_uri_variable, flags.destination, flags.destination_file};
  SLUICE_TRY(options.settings.source_uri, find_uri(source, variables));
  SLUICE_TRY(options.settings.destination_uri, find_uri(destination, variables));
  apply_common(flags, options.settings, options.log);
  options.settings.include = std::move(flags.include);
  options.settings.exclude = std::move(flags.exclude);
  options.settings.drop = flags.drop;
  options.settings.reset = flags.reset;
  options.confirmed = flags.yes;
  options.summary_json = std::move(flags.summary_json);
  return options;
}

/// What flags say wins.
serve_values merged(serve_values flags, const serve_values& file) {
  const auto fill = [](auto& flag, const auto& from_file) {
    if (!flag) flag = from_file;
  };
  fill(flags.port, file.port);
  fill(flags.log_path, file.log_path);
  fill(flags.verbosity, file.verbosity);
  fill(flags.format, file.format);
  fill(flags.memory_mb, file.memory_mb);
  fill(flags.lanes, file.lanes);
  fill(flags.retry_seconds, file.retry_seconds);
  // These two set the same thing, so a flag of either replaces both.
  if (!flags.connections && !flags.load_level) {
    flags.connections = file.connections;
    flags.load_level = file.load_level;
  }
  return flags;
}

/// mongosync's parallelism dial in our unit; 3, its default, is ours as well.
std::uint32_t connections_of(std::uint32_t load_level) {
  switch (load_level) {
    case 1:
      return 1;
    case 2:
      return 2;
    case 4:
      return 8;
    default:
      return 0;
  }
}

result<serve_options> to_serve_options(const serve_values& flags, const std::string& config,
                                       const environment& variables) {
  serve_values file;
  if (!config.empty()) {
    SLUICE_TRY(file, read_config(config));
  }
  serve_values all = merged(flags, file);
  if (all.load_level && all.connections) return usage("loadLevel and connections exclude each other; give one of them");
  if (all.load_level) all.connections = connections_of(*all.load_level);
  const uri_places cluster0{"--cluster0",        cluster0_variable, flags.cluster0,
                            flags.cluster0_file, file.cluster0,     file.cluster0_file};
  const uri_places cluster1{"--cluster1",        cluster1_variable, flags.cluster1,
                            flags.cluster1_file, file.cluster1,     file.cluster1_file};
  serve_options options;
  SLUICE_TRY(options.settings.source_uri, find_uri(cluster0, variables));
  SLUICE_TRY(options.settings.destination_uri, find_uri(cluster1, variables));
  apply_common(all, options.settings, options.log);
  options.port = all.port.value_or(options.port);
  options.log.path = all.log_path.value_or("");
  return options;
}

bool any_serve_option(const CLI::App& app) {
  return std::ranges::any_of(app.get_options(), [](const CLI::Option* option) { return option->count() > 0; });
}

}  // namespace

result<command_line> parse_command_line(std::vector<std::string> arguments, const environment& variables,
                                        const std::string& version_text) {
  CLI::App app("Copies a live MongoDB replica set into another one.", "sluice");
  app.set_version_flag("--version,-v", version_text);
  app.allow_extras();
  app.footer(footer);
  command_line out;
  serve_values serve;
  std::string config;
  copy_flags flags;
  add_serve_options(app, serve, config, out.io);
  const CLI::App* const copy = add_copy_command(app, flags, out.io);
  try {
    std::ranges::reverse(arguments);  // as CLI11 wants a vector
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    out.what = print_only{app.help()};
    return out;
  } catch (const CLI::CallForVersion&) {
    out.what = print_only{version_text + "\n"};
    return out;
  } catch (const CLI::ParseError& fault) {
    return usage(fault.what());
  }
  const std::vector<std::string> rest = app.remaining(true);
  if (!rest.empty()) return unexpected(rest.front(), app, copy->parsed() ? *copy : app);
  if (copy->parsed()) {
    if (any_serve_option(app)) return usage("flags of the server (see --help) cannot go before \"copy\"");
    SLUICE_TRY(out.what, to_copy_options(std::move(flags), variables));
    return out;
  }
  SLUICE_TRY(out.what, to_serve_options(serve, config, variables));
  return out;
}

}  // namespace sluice::tools
