#include "tools/config.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>
#include <variant>

#include "engine/http/start_body_namespaces.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/nearest_name.hpp"
#include "engine/state/checkpoint_name.hpp"
#include "tools/config_entries.hpp"
#include "tools/mongosync_options.hpp"

namespace sluice::tools {
namespace {

constexpr std::size_t file_bytes_max = limits::mib;

// What a key wants, for the message; nothing when the entry was taken.
using complaint = std::optional<std::string>;

std::optional<std::string> as_text(const config_entry& entry) {
  if (entry.kind != entry_kind::text && entry.kind != entry_kind::plain) return std::nullopt;
  return entry.value;
}

std::optional<bool> as_boolean(const config_entry& entry) {
  if (entry.kind != entry_kind::bare && entry.kind != entry_kind::plain) return std::nullopt;
  if (entry.value == "true") return true;
  if (entry.value == "false") return false;
  return std::nullopt;
}

complaint take_boolean(const config_entry& entry, std::optional<bool>& into) {
  into = as_boolean(entry);
  if (!into) return "true or false";
  return std::nullopt;
}

template <class Integer>
complaint take_integer(const config_entry& entry, std::uint32_t min, std::uint32_t max, std::optional<Integer>& into) {
  std::uint32_t number = 0;
  const char* const end = entry.value.data() + entry.value.size();
  const auto [stopped, fault] = std::from_chars(entry.value.data(), end, number);
  const bool is_number = (entry.kind == entry_kind::bare || entry.kind == entry_kind::plain) && fault == std::errc{} &&
                         stopped == end && number >= min && number <= max;
  if (!is_number) return "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  into = static_cast<Integer>(number);
  return std::nullopt;
}

complaint take_text(const config_entry& entry, std::optional<std::string>& into) {
  into = as_text(entry);
  if (!into || into->empty()) return "a string";
  return std::nullopt;
}

/// One of what a flag takes again and again, or a list of them.
complaint take_rules(const config_entry& entry, std::vector<std::string>& into) {
  constexpr const char* wanted = "what the flag takes, or a list of them";
  if (const auto one = as_text(entry)) {
    into = {*one};
    return std::nullopt;
  }
  if (entry.kind != entry_kind::nested) return wanted;
  simdjson::dom::parser parser;
  const simdjson::padded_string json(entry.value);
  simdjson::dom::array list;
  if (parser.parse(json).get(list) != simdjson::SUCCESS) return wanted;
  for (const simdjson::dom::element each : list) {
    std::string_view text;
    if (each.get(text) != simdjson::SUCCESS) return wanted;
    into.emplace_back(text);
  }
  return std::nullopt;
}

/// The list of the HTTP API.
complaint take_filters(const config_entry& entry, std::vector<std::string>& into) {
  constexpr const char* wanted = "a list of filters, as in the body of POST /api/v1/start";
  if (entry.kind != entry_kind::nested) return wanted;
  simdjson::dom::parser parser;
  const simdjson::padded_string json(entry.value);
  simdjson::dom::element list;
  if (parser.parse(json).get(list) != simdjson::SUCCESS) return wanted;
  auto rules = http::read_namespace_filters(entry.key, list);
  if (const auto* refused = std::get_if<http::body_refusal>(&rules)) return wanted + (": " + refused->description);
  std::ranges::move(std::get<std::vector<std::string>>(rules), std::back_inserter(into));
  return std::nullopt;
}

complaint take_remaps(const config_entry& entry, std::vector<cluster::remap>& into) {
  constexpr const char* wanted = "a list of remaps, as in the body of POST /api/v1/start";
  if (entry.kind != entry_kind::nested) return wanted;
  simdjson::dom::parser parser;
  const simdjson::padded_string json(entry.value);
  simdjson::dom::element list;
  if (parser.parse(json).get(list) != simdjson::SUCCESS) return wanted;
  auto remaps = http::read_namespace_remaps(entry.key, list);
  if (const auto* refused = std::get_if<http::body_refusal>(&remaps)) return wanted + (": " + refused->description);
  into = std::get<std::vector<cluster::remap>>(std::move(remaps));
  return std::nullopt;
}

struct known_key {
  std::string_view name;
  complaint (*take)(const config_entry&, serve_values&);
};

constexpr std::array keys{
    known_key{"cluster0", [](const config_entry& e, serve_values& v) { return take_text(e, v.cluster0); }},
    known_key{"cluster0-file", [](const config_entry& e, serve_values& v) { return take_text(e, v.cluster0_file); }},
    known_key{"cluster1", [](const config_entry& e, serve_values& v) { return take_text(e, v.cluster1); }},
    known_key{"cluster1-file", [](const config_entry& e, serve_values& v) { return take_text(e, v.cluster1_file); }},
    known_key{"port", [](const config_entry& e, serve_values& v) { return take_integer(e, 0, 65535, v.port); }},
    known_key{"bind", [](const config_entry& e, serve_values& v) { return take_text(e, v.api.bind); }},
    known_key{"api-token-file", [](const config_entry& e, serve_values& v) { return take_text(e, v.api.token_file); }},
    known_key{"api-tls-certificate-key-file",
              [](const config_entry& e, serve_values& v) { return take_text(e, v.api.tls_certificate_key_file); }},
    known_key{"logPath", [](const config_entry& e, serve_values& v) { return take_text(e, v.log_path); }},
    known_key{"metricsLoggingFilepath",
              [](const config_entry& e, serve_values& v) { return take_text(e, v.metrics_path); }},
    known_key{"disableMetricsLogging",
              [](const config_entry& e, serve_values& v) { return take_boolean(e, v.disable_metrics_logging); }},
    known_key{"verbosity",
              [](const config_entry& e, serve_values& v) {
                v.verbosity = parse_verbosity(as_text(e).value_or(""));
                return v.verbosity ? complaint{} : "TRACE, DEBUG, INFO, WARN, ERROR, FATAL or PANIC";
              }},
    known_key{"log-format",
              [](const config_entry& e, serve_values& v) {
                v.format = parse_log_format(as_text(e).value_or(""));
                return v.format ? complaint{} : "auto, text or json";
              }},
    known_key{"loadLevel", [](const config_entry& e,
                              serve_values& v) { return take_integer(e, 1, bounds::load_level_max, v.load_level); }},
    known_key{"memory-mb",
              [](const config_entry& e, serve_values& v) {
                return take_integer(e, limits::memory_min_bytes / limits::mib, bounds::memory_mb_max, v.memory_mb);
              }},
    known_key{"lanes",
              [](const config_entry& e, serve_values& v) { return take_integer(e, 0, bounds::lanes_max, v.lanes); }},
    known_key{"connections",
              [](const config_entry& e, serve_values& v) {
                return take_integer(e, 0, bounds::connections_max, v.connections);
              }},
    known_key{"migrationName",
              [](const config_entry& e, serve_values& v) -> complaint {
                if (e.kind == entry_kind::nested || !state::is_migration_name(e.value)) {
                  return "up to 44 letters, digits and _";
                }
                v.migration_name = e.value;
                return std::nullopt;
              }},
    known_key{"createIndexesBatchSize",
              [](const config_entry& e, serve_values& v) {
                return take_integer(e, 1, bounds::indexes_per_command_max, v.indexes_per_command);
              }},
    known_key{"retry-seconds",
              [](const config_entry& e, serve_values& v) {
                return take_integer(e, 0, bounds::retry_seconds_max, v.retry_seconds);
              }},
    known_key{"capture",
              [](const config_entry& e, serve_values& v) {
                v.capture = as_text(e);
                return is_capture_way(v.capture.value_or("")) ? complaint{} : "auto, oplog or change-stream";
              }},
    known_key{"spool-dir", [](const config_entry& e, serve_values& v) { return take_text(e, v.spool_dir); }},
    known_key{"spool-gb", [](const config_entry& e,
                             serve_values& v) { return take_integer(e, 0, bounds::spool_gb_max, v.spool_gb); }},
    known_key{"verifyConnectivity",
              [](const config_entry& e, serve_values& v) { return take_boolean(e, v.verify_connectivity); }},
    known_key{"exit-on-error", [](const config_entry& e, serve_values& v) { return take_boolean(e, v.exit_on_error); }},
    known_key{"auto-resume", [](const config_entry& e, serve_values& v) { return take_boolean(e, v.auto_resume); }},
    known_key{"disableWriteBlocking",
              [](const config_entry& e, serve_values& v) { return take_boolean(e, v.disable_write_blocking); }},
    known_key{"disableVerification",
              [](const config_entry& e, serve_values& v) { return take_boolean(e, v.disable_verification); }},
    known_key{"include", [](const config_entry& e, serve_values& v) { return take_rules(e, v.include); }},
    known_key{"exclude", [](const config_entry& e, serve_values& v) { return take_rules(e, v.exclude); }},
    known_key{"includeNamespaces", [](const config_entry& e, serve_values& v) { return take_filters(e, v.include); }},
    known_key{"preExistingDestinationData",
              [](const config_entry& e, serve_values& v) { return take_boolean(e, v.beside_others); }},
    known_key{"skip-disk-space-check",
              [](const config_entry& e, serve_values& v) { return take_boolean(e, v.skip_disk_space_check); }},
    known_key{"users", [](const config_entry& e, serve_values& v) { return take_boolean(e, v.users); }},
    known_key{"documentFilter",
              [](const config_entry& e, serve_values& v) -> complaint {
                if (e.kind != entry_kind::nested) return "a document {field: ..., matchValues: [...]}";
                if (const auto wrong = read_documents(e.key, e.value, v.documents)) return "refused: " + *wrong;
                return std::nullopt;
              }},
    known_key{"sharding",
              [](const config_entry& e, serve_values& v) -> complaint {
                constexpr const char* wanted =
                    "a document {shardingEntries: [...]}, as in the body of POST /api/v1/start";
                if (e.kind != entry_kind::nested) return wanted;
                if (const auto wrong = read_sharding(e.value, v.sharding)) return wanted + (": " + *wrong);
                return std::nullopt;
              }},
    known_key{"remap", [](const config_entry& e, serve_values& v) { return take_rules(e, v.remap); }},
    known_key{"namespaceRemap", [](const config_entry& e, serve_values& v) { return take_remaps(e, v.remaps); }},
    known_key{"excludeNamespaces", [](const config_entry& e, serve_values& v) { return take_filters(e, v.exclude); }},
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> exclusive_keys{{{"cluster0", "cluster0-file"},
                                                                                       {"cluster1", "cluster1-file"},
                                                                                       {"include", "includeNamespaces"},
                                                                                       {"exclude", "excludeNamespaces"},
                                                                                       {"remap", "namespaceRemap"}}};

std::string unknown_key(const std::string& key) {
  std::vector<std::string_view> names;
  std::ranges::transform(keys, std::back_inserter(names), &known_key::name);
  std::ranges::copy(options_without_effect(), std::back_inserter(names));
  return "\"" + key + "\" is no key of this file" + runtime::did_you_mean(key, names);
}

/// What is wrong with the entry, if anything.
complaint take(const config_entry& entry, serve_values& values) {
  const auto key = std::ranges::find(keys, entry.key, &known_key::name);
  if (key != keys.end()) {
    if (entry.kind == entry_kind::nothing) return "\"" + entry.key + "\" has no value";
    const complaint wanted = key->take(entry, values);
    if (wanted) return "\"" + entry.key + "\" must be " + *wanted;
    return std::nullopt;
  }
  const auto without_effect = options_without_effect();
  if (std::ranges::find(without_effect, entry.key) != without_effect.end()) {
    const std::optional<bool> given = as_boolean(entry);
    if (!given) return "\"" + entry.key + "\" must be true or false";
    return std::nullopt;
  }
  if (complaint reason = reason_to_refuse(entry.key)) return reason;
  return unknown_key(entry.key);
}

}  // namespace

result<serve_values> parse_config(std::string_view text, const std::string& name, config_language language) {
  SLUICE_TRY(const auto entries,
             language == config_language::json ? json_entries(text, name) : yaml_entries(text, name));
  serve_values values;
  std::set<std::string_view> seen;
  for (const config_entry& entry : entries) {
    if (!seen.insert(entry.key).second) return config_error(name, entry.line, "\"" + entry.key + "\" is given twice");
    if (const complaint wrong = take(entry, values)) return config_error(name, entry.line, *wrong);
    for (const auto& [one, other] : exclusive_keys) {
      if (seen.contains(one) && seen.contains(other)) {
        return config_error(name, entry.line,
                            "\"" + std::string(one) + "\" and \"" + std::string(other) + "\" exclude each other");
      }
    }
  }
  return values;
}

result<serve_values> read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(file_bytes_max + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad() || (text.empty() && !file.eof())) {
    return failure(error_kind::configuration,
                   "cannot read the configuration file " + path + ": " + std::strerror(errno));
  }
  if (text.size() > file_bytes_max) {
    return failure(error_kind::configuration, path + " is larger than a mebibyte; that is no configuration file");
  }
  return parse_config(text, path, path.ends_with(".json") ? config_language::json : config_language::yaml);
}

}  // namespace sluice::tools
