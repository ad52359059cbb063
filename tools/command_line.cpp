#include "tools/command_line.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "engine/cluster/namespace_filter.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/nearest_name.hpp"
#include "engine/session/namespace_choice.hpp"
#include "tools/config.hpp"
#include "tools/flags.hpp"
#include "tools/mongosync_options.hpp"
#include "tools/redaction.hpp"
#include "tools/shell_completions.hpp"
#include "tools/uri_source.hpp"

namespace sluice::tools {
namespace {

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

/// `name` is the flag's or the key's.
result<> check_rules(const char* name, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (auto rule = cluster::parse_rule(text); !rule) return usage(std::string(name) + " " + rule.error().message);
  }
  return ok();
}

result<std::vector<cluster::remap>> to_remaps(const std::vector<std::string>& texts) {
  std::vector<cluster::remap> remaps;
  for (const std::string& text : texts) {
    const std::size_t sign = text.find('=');
    if (sign == std::string::npos) return usage("--remap \"" + text + "\" must be FROM=TO");
    remaps.push_back({text.substr(0, sign), text.substr(sign + 1)});
  }
  return remaps;
}

/// Takes any of `serve_values` and `copy_flags`.
template <class Flags>
result<> apply_namespaces(Flags& flags, session::copy_settings& settings) {
  SLUICE_TRYV(check_rules("--include", flags.include));
  SLUICE_TRYV(check_rules("--exclude", flags.exclude));
  SLUICE_TRY(settings.remaps, to_remaps(flags.remap));
  settings.include = std::move(flags.include);
  settings.exclude = std::move(flags.exclude);
  settings.users = flags.users.value_or(false);
  settings.skip_disk_space_check = flags.skip_disk_space_check.value_or(false);
  settings.documents = flags.documents;
  return ok();
}

/// What contradicts itself is wrong usage; it is checked once more when a run is started with more.
template <class Settings>
result<> check_choice(const Settings& settings) {
  if (auto chosen = session::choose_namespaces(settings); !chosen) return usage(chosen.error().message);
  return ok();
}

/// What `copy` and `run` have in common.
result<session::copy_settings> to_settings(copy_flags& flags, const environment& variables, log_options& log) {
  session::copy_settings settings;
  SLUICE_TRYV(apply_namespaces(flags, settings));
  const uri_places source{"--source", source_uri_variable, flags.source, flags.source_file};
  const uri_places destination{"--destination", destination_uri_variable, flags.destination, flags.destination_file};
  SLUICE_TRY(settings.source_uri, find_uri(source, variables));
  SLUICE_TRY(settings.destination_uri, find_uri(destination, variables));
  apply_common(flags, settings, log);
  settings.drop = flags.drop;
  settings.drop_gone = flags.drop_gone;
  settings.reset = flags.reset;
  return settings;
}

template <class Flags>
void apply_capture(const Flags& flags, session::sync_settings& settings) {
  settings.capture = flags.capture.value_or(settings.capture);
  settings.spool_dir = flags.spool_dir.value_or("");
  settings.beside_others = flags.beside_others.value_or(false);
  if (flags.spool_gb) settings.spool_bytes_max = std::uint64_t{*flags.spool_gb} << 30U;
}

void apply_policy(const run_flags& flags, session::sync_settings& settings) {
  if (const auto when = session::index_building_from(flags.build_indexes)) settings.build_indexes = *when;
  settings.block_writes = session::write_blocking_from(flags.block_writes);
}

result<run_options> to_run_options(run_flags&& flags, const environment& variables) {
  run_options options;
  SLUICE_TRY(options.settings.copy, to_settings(flags, variables, options.log));
  apply_capture(flags, options.settings);
  apply_policy(flags, options.settings);
  options.settings.commit_when_caught_up = flags.commit_when_caught_up;
  SLUICE_TRYV(check_choice(options.settings));
  options.confirmed = flags.yes;
  options.summary_json = std::move(flags.summary_json);
  options.port = flags.port.value_or(options.port);
  SLUICE_TRY(options.api, check_api_access(flags.api));
  return options;
}

result<assess_options> to_assess_options(assess_flags&& flags, const environment& variables) {
  assess_options options;
  SLUICE_TRY(options.settings.copy, to_settings(flags, variables, options.log));
  apply_capture(flags, options.settings);
  apply_policy(flags, options.settings);
  SLUICE_TRYV(check_choice(options.settings));
  options.json = flags.json;
  return options;
}

/// "loopback:" stands for a server in this process; every other URI is found as for a copy.
result<std::string> find_bench_uri(const uri_places& places, const environment& variables, bool& is_loopback) {
  is_loopback = places.given == loopback_uri;
  if (is_loopback) return std::string(loopback_uri);
  return find_uri(places, variables);
}

result<measure::data_set_options> to_data_set(const bench_flags& flags) {
  measure::data_set_options data;
  data.documents = flags.documents.value_or(data.documents);
  data.indexes = flags.indexes.value_or(data.indexes);
  data.seed = flags.seed.value_or(data.seed);
  if (!flags.size.empty()) {
    SLUICE_TRY(const double size, parse_size(flags.size));
    data.document_bytes = static_cast<std::int64_t>(std::min(size, 1e15));
  }
  if (!flags.shape.empty()) {
    SLUICE_TRY(data.form, measure::shape_from(flags.shape));
  }
  if (!flags.ids.empty()) {
    SLUICE_TRY(data.ids, measure::id_kind_from(flags.ids));
  }
  SLUICE_TRYV(measure::check(data));
  return data;
}

result<bench_options> to_bench_options(bench_flags&& flags, const environment& variables) {
  bench_options options;
  session::copy_settings common;
  apply_common(flags, common, options.log);
  measure::bench_settings& to = options.settings;
  const uri_places source{"--source", source_uri_variable, flags.source, flags.source_file};
  const uri_places destination{"--destination", destination_uri_variable, flags.destination, flags.destination_file};
  SLUICE_TRY(to.source_uri, find_bench_uri(source, variables, to.source_is_loopback));
  SLUICE_TRY(to.destination_uri, find_bench_uri(destination, variables, to.destination_is_loopback));
  SLUICE_TRY(to.data, to_data_set(flags));
  if (!flags.from.empty()) {
    const std::size_t dot = flags.from.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == flags.from.size()) {
      return usage("--from \"" + flags.from + "\": name a collection, as database.collection");
    }
    if (to.source_is_loopback) return usage("--from reads a real source; the loopback has only what it generates");
  }
  if (!flags.database.empty()) {
    SLUICE_TRYV(measure::check_database_name(flags.database));
  }
  to.from = std::move(flags.from);
  to.database = std::move(flags.database);
  to.lanes = common.lanes;
  to.connections = common.connections;
  to.memory_bytes = common.memory_bytes;
  to.patience = flags.retry_seconds ? common.retry_time : std::chrono::milliseconds(std::chrono::seconds(30));
  to.step_time = std::chrono::seconds(flags.seconds.value_or(20));
  to.changes = flags.changes.value_or(to.changes);
  to.probes = !flags.no_probes;
  if (!flags.estimate.empty()) {
    SLUICE_TRY(options.report.estimate_bytes, parse_size(flags.estimate));
  }
  for (const std::string& text : flags.fail_if) {
    SLUICE_TRY(auto condition, parse_condition(text));
    options.report.fail_if.push_back(std::move(condition));
  }
  options.report.json = flags.json;
  options.report.html = std::move(flags.html);
  options.report.compare = std::move(flags.compare);
  options.clean = flags.clean;
  return options;
}

result<copy_options> to_copy_options(copy_flags&& flags, const environment& variables) {
  copy_options options;
  SLUICE_TRY(options.settings, to_settings(flags, variables, options.log));
  SLUICE_TRYV(check_choice(options.settings));
  options.confirmed = flags.yes;
  options.summary_json = std::move(flags.summary_json);
  return options;
}

/// What flags say wins.
serve_values merged(serve_values flags, const serve_values& file) {
  const auto fill = [](auto& flag, const auto& from_file) {
    if (!flag) flag = from_file;
  };
  fill(flags.cluster0, file.cluster0);
  fill(flags.cluster0_file, file.cluster0_file);
  fill(flags.cluster1, file.cluster1);
  fill(flags.cluster1_file, file.cluster1_file);
  fill(flags.port, file.port);
  fill(flags.api.bind, file.api.bind);
  fill(flags.api.token_file, file.api.token_file);
  fill(flags.api.tls_certificate_key_file, file.api.tls_certificate_key_file);
  fill(flags.log_path, file.log_path);
  fill(flags.verbosity, file.verbosity);
  fill(flags.format, file.format);
  fill(flags.memory_mb, file.memory_mb);
  fill(flags.lanes, file.lanes);
  fill(flags.retry_seconds, file.retry_seconds);
  fill(flags.capture, file.capture);
  fill(flags.spool_dir, file.spool_dir);
  fill(flags.spool_gb, file.spool_gb);
  fill(flags.disable_write_blocking, file.disable_write_blocking);
  fill(flags.verify_connectivity, file.verify_connectivity);
  fill(flags.exit_on_error, file.exit_on_error);
  fill(flags.auto_resume, file.auto_resume);
  fill(flags.beside_others, file.beside_others);
  fill(flags.users, file.users);
  fill(flags.skip_disk_space_check, file.skip_disk_space_check);
  if (flags.include.empty()) flags.include = file.include;
  if (flags.exclude.empty()) flags.exclude = file.exclude;
  if (flags.documents.is_everything()) flags.documents = file.documents;
  if (flags.remap.empty()) {
    flags.remap = file.remap;
    flags.remaps = file.remaps;
  }
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
  SLUICE_TRY(options.settings.copy.source_uri, find_uri(cluster0, variables));
  SLUICE_TRY(options.settings.copy.destination_uri, find_uri(cluster1, variables));
  apply_common(all, options.settings.copy, options.log);
  apply_capture(all, options.settings);
  SLUICE_TRYV(apply_namespaces(all, options.settings.copy));
  std::ranges::move(all.remaps, std::back_inserter(options.settings.copy.remaps));
  options.verify_connectivity = all.verify_connectivity.value_or(false);
  options.exit_on_error = all.exit_on_error.value_or(options.exit_on_error);
  options.auto_resume = all.auto_resume.value_or(options.auto_resume);
  if (all.disable_write_blocking.value_or(false)) options.settings.block_writes = session::write_blocking::none;
  SLUICE_TRYV(check_choice(options.settings.copy));  // the call that starts a run may say more
  options.port = all.port.value_or(options.port);
  SLUICE_TRY(options.api, check_api_access(all.api));
  options.log.path = all.log_path.value_or("");
  return options;
}

result<client_options> to_client_options(client_call call, const client_flags& flags) {
  client_options options;
  options.call = call;
  options.json = flags.json;
  options.wait = flags.wait;
  if (flags.url) {
    SLUICE_TRY(options.server, parse_api_url(*flags.url));
  }
  options.server.port = flags.port.value_or(options.server.port);
  options.server.authority_file = flags.authority_file.value_or("");
  if (flags.token_file) {
    SLUICE_TRY(options.server.token, read_token_file(*flags.token_file));
  }
  return options;
}

/// Where a server with these values listens, or what flags of the doctor's own say.
result<api_address> address_of_server(const serve_values& values, const doctor_flags& flags) {
  api_address address;
  if (flags.url) {
    SLUICE_TRY(address, parse_api_url(*flags.url));
  } else {
    const std::string bind = values.api.bind.value_or("");
    if (!bind.empty() && bind != "0.0.0.0" && bind != "::") address.host = bind;
    address.port = values.port.value_or(address.port);
    address.tls = values.api.tls_certificate_key_file.has_value();
  }
  address.authority_file = flags.authority_file.value_or("");
  return address;
}

/// Nothing that is missing or broken is an error here but a --url: it is what the bundle is made for.
result<doctor_options> to_doctor_options(const serve_values& flags, const std::string& config, doctor_flags&& more,
                                         const environment& variables) {
  doctor_options options;
  serve_values file;
  if (!config.empty()) {
    auto read = read_config(config);
    if (read) {
      file = std::move(read).value();
    } else {
      options.complaints.push_back(read.error().message);
    }
  }
  options.values = merged(flags, file);
  SLUICE_TRY(options.server, address_of_server(options.values, more));
  for (const char* name : {source_uri_variable, destination_uri_variable, cluster0_variable, cluster1_variable}) {
    if (auto uri = variables(name)) options.uris.push_back(std::move(*uri));
  }
  for (const serve_values* values : {&flags, static_cast<const serve_values*>(&file)}) {
    for (const auto* uri : {&values->cluster0, &values->cluster1}) {
      if (*uri) options.uris.push_back(**uri);
    }
    for (const auto* path : {&values->cluster0_file, &values->cluster1_file}) {
      if (!*path) continue;
      auto uri = find_uri({"", "", std::nullopt, *path}, variables);
      if (uri) {
        options.uris.push_back(std::move(uri).value());
      } else {
        options.complaints.push_back(uri.error().message);
      }
    }
    if (!values->api.token_file) continue;
    auto token = read_token_file(*values->api.token_file);
    if (token) {
      options.tokens.push_back(std::move(token).value());
    } else {
      options.complaints.push_back(token.error().message);
    }
  }
  if (!options.tokens.empty()) options.server.token = options.tokens.front();  // the flag's, before the file's
  options.output = std::move(more.output);
  return options;
}

constexpr std::array client_calls_offered{client_call::status, client_call::pause, client_call::resume,
                                          client_call::commit};

bool any_serve_option(const CLI::App& app) {
  return std::ranges::any_of(app.get_options(), [](const CLI::Option* option) { return option->count() > 0; });
}

}  // namespace

result<command_line> parse_command_line(std::vector<std::string> arguments, const environment& variables,
                                        const std::string& version_text) {
  CLI::App app("Copies a live MongoDB replica set into another one and keeps it in step until you cut over.", "sluice");
  app.set_version_flag("--version,-v", version_text);
  app.allow_extras();
  app.require_subcommand(0, 1);
  command_line out;
  serve_values serve;
  std::string config;
  copy_flags copying;
  run_flags running;
  bench_flags benching;
  assess_flags assessing;
  client_flags asking;
  serve_values examined;
  std::string examined_config;
  doctor_flags examining;
  service_options service;
  std::string shell;
  add_serve_options(app, serve, config, out.io);
  const CLI::App* const copy = add_copy_command(app, copying, out.io);
  const CLI::App* const run = add_run_command(app, running, out.io);
  const CLI::App* const bench = add_bench_command(app, benching, out.io);
  const CLI::App* const assess = add_assess_command(app, assessing, out.io);
  const CLI::App* const doctor = add_doctor_command(app, examined, examined_config, examining, out.io);
  const CLI::App* const install_service = add_install_service_command(app, service);
  const CLI::App* const completions = add_completions_command(app, shell);
  const CLI::App* const man = app.add_subcommand("man", "Print the manual page, for man -l");
  std::array<const CLI::App*, client_calls_offered.size()> clients{};
  std::ranges::transform(client_calls_offered, clients.begin(),
                         [&](client_call call) { return add_client_command(app, call, asking); });
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
  const std::vector<CLI::App*> commands = app.get_subcommands();
  const std::vector<std::string> rest = app.remaining(true);
  if (!rest.empty()) return unexpected(rest.front(), app, commands.empty() ? app : *commands.front());
  if (commands.empty()) {
    SLUICE_TRY(auto serving, to_serve_options(serve, config, variables));
    if (serving.verify_connectivity) {
      out.what = assess_options{std::move(serving.settings), false, std::move(serving.log)};
    } else {
      out.what = std::move(serving);
    }
    return out;
  }
  const CLI::App* const command = commands.front();
  if (any_serve_option(app)) {
    return usage("flags of the server (see --help) cannot go before \"" + command->get_name() + "\"");
  }
  if (command == copy) {
    SLUICE_TRY(out.what, to_copy_options(std::move(copying), variables));
    return out;
  }
  if (command == run) {
    SLUICE_TRY(out.what, to_run_options(std::move(running), variables));
    return out;
  }
  if (command == bench) {
    SLUICE_TRY(out.what, to_bench_options(std::move(benching), variables));
    return out;
  }
  if (command == assess) {
    SLUICE_TRY(out.what, to_assess_options(std::move(assessing), variables));
    return out;
  }
  if (command == doctor) {
    SLUICE_TRY(out.what, to_doctor_options(examined, examined_config, std::move(examining), variables));
    return out;
  }
  if (command == install_service) {
    SLUICE_TRY(auto unit, service_unit(service));
    out.what = print_only{std::move(unit)};
    return out;
  }
  if (command == completions) {
    out.what = print_only{shell == "bash"  ? bash_completions(app)
                          : shell == "zsh" ? zsh_completions(app)
                                           : fish_completions(app)};
    return out;
  }
  if (command == man) {
    out.what = print_only{manual_page(app)};
    return out;
  }
  const auto which = static_cast<std::size_t>(std::ranges::find(clients, command) - clients.begin());
  SLUICE_TRY(out.what, to_client_options(client_calls_offered[which], asking));
  return out;
}

}  // namespace sluice::tools
