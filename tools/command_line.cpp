#include "tools/command_line.hpp"

#include <algorithm>
#include <array>

#include "engine/runtime/nearest_name.hpp"
#include "tools/common_flags.hpp"
#include "tools/flags.hpp"
#include "tools/mongosync_options.hpp"
#include "tools/options_of_flags.hpp"
#include "tools/shell_completions.hpp"

namespace sluice::tools {
namespace {

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

constexpr std::array client_calls_offered{client_call::status, client_call::pause, client_call::resume,
                                          client_call::commit, client_call::reverse};

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
