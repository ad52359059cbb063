// Of the commands that migrate once and of those that talk to a server.
#include "tools/options_of_flags.hpp"

#include "tools/common_flags.hpp"
#include "tools/redaction.hpp"
#include "tools/uri_source.hpp"

namespace sluice::tools {

error usage(const std::string& message) {
  return failure(error_kind::configuration, redacted(message));
}

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

namespace {

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

void apply_policy(const run_flags& flags, session::sync_settings& settings) {
  if (const auto when = session::index_building_from(flags.build_indexes)) settings.build_indexes = *when;
  settings.block_writes = session::write_blocking_from(flags.block_writes);
  settings.reversible = flags.reversible;
}

}  // namespace

result<copy_options> to_copy_options(copy_flags&& flags, const environment& variables) {
  copy_options options;
  SLUICE_TRY(options.settings, to_settings(flags, variables, options.log));
  SLUICE_TRYV(check_choice(options.settings));
  options.confirmed = flags.yes;
  options.summary_json = std::move(flags.summary_json);
  return options;
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

}  // namespace sluice::tools
