// What the flags of several commands mean alike.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/namespace_choice.hpp"
#include "engine/session/settings.hpp"
#include "tools/command_line.hpp"

namespace sluice::tools {

/// An error of whoever typed the flags; secrets in it are hidden.
[[nodiscard]] error usage(const std::string& message);

template <class Flags>
void apply_common(const Flags& flags, session::copy_settings& settings, log_options& log) {
  if (flags.memory_mb) settings.memory_bytes = std::size_t{*flags.memory_mb} * limits::mib;
  settings.lanes = flags.lanes.value_or(0);
  settings.connections = flags.connections.value_or(0);
  settings.migration_name = flags.migration_name.value_or("");
  settings.indexes_per_command = flags.indexes_per_command.value_or(0);
  if (flags.retry_seconds) settings.retry_time = std::chrono::seconds(*flags.retry_seconds);
  log.verbosity = flags.verbosity.value_or(log.verbosity);
  log.format = flags.format.value_or(log.format);
}

/// `name` is the flag's or the key's.
[[nodiscard]] result<> check_rules(const char* name, const std::vector<std::string>& texts);
[[nodiscard]] result<std::vector<cluster::remap>> to_remaps(const std::vector<std::string>& texts);

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
  settings.sharding = flags.sharding;
  return ok();
}

/// What contradicts itself is wrong usage; it is checked once more when a run is started with more.
template <class Settings>
result<> check_choice(const Settings& settings) {
  if (auto chosen = session::choose_namespaces(settings); !chosen) return usage(chosen.error().message);
  return ok();
}

template <class Flags>
void apply_capture(const Flags& flags, session::sync_settings& settings) {
  settings.capture = flags.capture.value_or(settings.capture);
  settings.spool_dir = flags.spool_dir.value_or("");
  settings.verify = !flags.disable_verification.value_or(false);
  settings.beside_others = flags.beside_others.value_or(false);
  if (flags.spool_gb) settings.spool_bytes_max = std::uint64_t{*flags.spool_gb} << 30U;
}

}  // namespace sluice::tools
