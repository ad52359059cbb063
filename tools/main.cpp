// sluice: wires everything by hand. No logic but the order of things.
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <span>

#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/assess/assess_session.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/log.hpp"
#include "engine/session/copy_session.hpp"
#include "engine/session/sync_session.hpp"
#include "engine/wire/connection_string.hpp"
#include "tools/assess_command.hpp"
#include "tools/bench_command.hpp"
#include "tools/client_command.hpp"
#include "tools/command_line.hpp"
#include "tools/copy_command.hpp"
#include "tools/doctor_command.hpp"
#include "tools/io_backend.hpp"
#include "tools/logging.hpp"
#include "tools/process_privacy.hpp"
#include "tools/run_command.hpp"
#include "tools/serve_command.hpp"
#include "tools/signal_watch.hpp"
#include "tools/version.hpp"

namespace {

using namespace sluice;
using namespace sluice::tools;

constexpr const char* program_name = "sluice";

std::optional<std::string> variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int complain(exit_code code, const std::string& message) {
  std::cerr << program_name << ": " << message << "\n";
  return static_cast<int>(code);
}

/// What hide_secrets() and check_uris() look at, whatever the command.
struct uris {
  std::string source;
  std::string destination;
};

uris uris_of(const command_line& line) {
  const auto of = [](const auto& settings) { return uris{settings.source_uri, settings.destination_uri}; };
  if (const auto* const copy = std::get_if<copy_options>(&line.what)) return of(copy->settings);
  if (const auto* const run = std::get_if<run_options>(&line.what)) return of(run->settings.copy);
  if (const auto* const bench = std::get_if<bench_options>(&line.what)) return of(bench->settings);
  if (const auto* const assess = std::get_if<assess_options>(&line.what)) return of(assess->settings.copy);
  return of(std::get<serve_options>(line.what).settings.copy);
}

/// Nothing when a URI is one; the engine would find out too, but only when it connects.
result<> check_uris(const uris& given) {
  for (const std::string* uri : {&given.source, &given.destination}) {
    if (*uri == loopback_uri) continue;
    if (const auto parsed = wire::connection_string::parse(*uri); !parsed) return parsed.error();
  }
  return ok();
}

void hide_secrets(std::span<char*> arguments, std::span<const std::string> secrets) {
  hide_arguments(arguments, secrets);
  for (const char* name : {source_uri_variable, destination_uri_variable, cluster0_variable, cluster1_variable}) {
    hide_environment_variable(name);
  }
}

int run_copy_command(const copy_options& options) {
  if (!reset_is_confirmed(options.settings, options.confirmed)) return static_cast<int>(exit_code::refused);
  signal_watch signals;
  auto log_to = log_output::open(options.log, stderr, program_name);
  if (!log_to) return complain(exit_code::refused, log_to.error().message);
  log_io_backend();
  session::copy_session run(options.settings, {"source", "destination"});
  const session_calls calls{[&](bool with_collections) { return run.snapshot(with_collections); },
                            [&] { return run.start_now(); }, [&] { return run.wait(); }, [&] { run.stop(); }};
  return static_cast<int>(run_copy(options, calls, signals, *log_to.value()));
}

int run_run_command(const run_options& options) {
  if (!reset_is_confirmed(options.settings.copy, options.confirmed)) return static_cast<int>(exit_code::refused);
  signal_watch signals;
  auto log_to = log_output::open(options.log, stderr, program_name);
  if (!log_to) return complain(exit_code::refused, log_to.error().message);
  log_io_backend();
  session::sync_session run(options.settings, {"source", "destination"});
  const session_calls calls{[&](bool with_collections) { return run.snapshot(with_collections); },
                            [&] { return run.start_now(); }, [&] { return run.wait(); }, [&] { run.stop(); }};
  return static_cast<int>(run_sync(options, calls, run, signals, *log_to.value()));
}

int run_bench_command(const bench_options& options) {
  signal_watch signals;
  auto log_to = log_output::open(options.log, stderr, program_name);
  if (!log_to) return complain(exit_code::refused, log_to.error().message);
  log_io_backend();
  return static_cast<int>(run_bench(options, signals, *log_to.value()));
}

int run_assess_command(const assess_options& options) {
  signal_watch signals;
  auto log_to = log_output::open(options.log, stderr, program_name);
  if (!log_to) return complain(exit_code::refused, log_to.error().message);
  return static_cast<int>(run_assess(options, signals, *log_to.value()));
}

int run_doctor_command(const doctor_options& options) {
  if (options.output == "-" && ::isatty(STDOUT_FILENO) == 1) {
    return complain(exit_code::usage, "--output -: the bundle is no text for a terminal; redirect standard output");
  }
  const doctor_calls calls{
      [&](std::string_view path) { return call_api(options.server, "GET", path, std::chrono::seconds(10)); },
      version_text(), std::string(runtime::backend_name()), why_epoll()};
  return static_cast<int>(run_doctor(options, calls, std::cout, std::cerr));
}

int run_serve_command(const serve_options& options, const std::string& called_as) {
  signal_watch signals;
  auto log_to = log_output::open(options.log, stdout, called_as);
  if (!log_to) return complain(exit_code::refused, log_to.error().message);
  utsname machine{};
  ::uname(&machine);
  log(log_level::info, "serve", "Version info",
      {{"version", version_number()}, {"os", machine.sysname}, {"arch", machine.machine}});
  log(log_level::info, "serve", "Mongosync Options",
      {{"port", options.port},
       {"bind", options.api.bind},
       {"logPath", options.log.path},
       {"verbosity", to_string(options.log.verbosity)},
       {"exitOnError", options.exit_on_error},
       {"autoResume", options.auto_resume}});
  log_io_backend();
  session::sync_session run(options.settings, {"cluster0", "cluster1"});
  if (options.auto_resume) run.look_for_run();
  assess::served_assessments assessing(options.settings, {"cluster0", "cluster1"}, why_epoll());
  const serve_calls calls{run, [&] { return run.wait(); }, [&] { run.stop(); }, &assessing};
  return static_cast<int>(run_server(options, calls, signals, *log_to.value()));
}

}  // namespace

int main(int argc, char** argv) {
  forbid_memory_dumps();
  ::prctl(PR_SET_NAME, program_name, 0, 0, 0);  // the epoll twin is started from a nameless file
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const std::span<char*> after_name = arguments.subspan(std::min<std::size_t>(1, arguments.size()));
  auto parsed = parse_command_line({after_name.begin(), after_name.end()}, variable, version_text());
  if (!parsed) return complain(exit_code::usage, parsed.error().message);
  const command_line& line = parsed.value();
  if (const auto* text = std::get_if<print_only>(&line.what)) {
    std::cout << text->text;
    return 0;
  }
  // With the arguments and the environment still whole: the twin reads them again.
  if (const auto refused = choose_io_backend(line.io, argv); !refused) {
    return complain(exit_code::refused, refused.error().message);
  }
  if (const auto* const client_wanted = std::get_if<client_options>(&line.what)) {
    return static_cast<int>(run_client(*client_wanted, calls_to(client_wanted->server), std::cout, std::cerr));
  }
  if (const auto* const doctor_wanted = std::get_if<doctor_options>(&line.what)) {
    hide_secrets(after_name, doctor_wanted->uris);
    return run_doctor_command(*doctor_wanted);
  }
  const uris given = uris_of(line);
  hide_secrets(after_name, std::array{given.source, given.destination});
  if (const auto checked = check_uris(given); !checked) return complain(exit_code::usage, checked.error().message);
  if (const auto* const copy_wanted = std::get_if<copy_options>(&line.what)) return run_copy_command(*copy_wanted);
  if (const auto* const run_wanted = std::get_if<run_options>(&line.what)) return run_run_command(*run_wanted);
  if (const auto* const bench_wanted = std::get_if<bench_options>(&line.what)) return run_bench_command(*bench_wanted);
  if (const auto* const assess_wanted = std::get_if<assess_options>(&line.what)) {
    return run_assess_command(*assess_wanted);
  }
  const std::string called_as = std::filesystem::path(argv[0]).filename().string();
  return run_serve_command(std::get<serve_options>(line.what), called_as.empty() ? program_name : called_as);
}
