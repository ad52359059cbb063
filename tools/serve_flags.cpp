// Of the server, and of the doctor that looks at one.
#include <algorithm>
#include <iterator>

#include "tools/common_flags.hpp"
#include "tools/config.hpp"
#include "tools/options_of_flags.hpp"
#include "tools/uri_source.hpp"

namespace sluice::tools {

namespace {

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
  fill(flags.metrics_path, file.metrics_path);
  fill(flags.disable_metrics_logging, file.disable_metrics_logging);
  fill(flags.verbosity, file.verbosity);
  fill(flags.format, file.format);
  fill(flags.memory_mb, file.memory_mb);
  fill(flags.lanes, file.lanes);
  fill(flags.indexes_per_command, file.indexes_per_command);
  fill(flags.migration_name, file.migration_name);
  fill(flags.retry_seconds, file.retry_seconds);
  fill(flags.capture, file.capture);
  fill(flags.spool_dir, file.spool_dir);
  fill(flags.spool_gb, file.spool_gb);
  fill(flags.disable_write_blocking, file.disable_write_blocking);
  fill(flags.disable_verification, file.disable_verification);
  fill(flags.verify_connectivity, file.verify_connectivity);
  fill(flags.exit_on_error, file.exit_on_error);
  fill(flags.auto_resume, file.auto_resume);
  fill(flags.beside_others, file.beside_others);
  fill(flags.users, file.users);
  fill(flags.skip_disk_space_check, file.skip_disk_space_check);
  fill(flags.sharding, file.sharding);
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

}  // namespace

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
  if (!all.disable_metrics_logging.value_or(false)) options.metrics_folder = all.metrics_path.value_or("");
  return options;
}

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

}  // namespace sluice::tools
