#include "engine/assess/run_command.hpp"

#include <algorithm>

#include "bson/extended_json.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::assess {

namespace {

/// A connection waits a round trip for each batch of 4 MiB: with 20 ms it stands still for a fifth of the time that a
/// destination takes for one.
constexpr double ping_ms_slow = 20;
constexpr std::uint32_t connections_on_slow_ways = 8;  // a lane; the default is 4

/// One word of a POSIX shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string shown_uri(const std::string& uri) {
  const auto parsed = wire::connection_string::parse(uri);
  return parsed ? parsed.value().redacted() : std::string("URI");
}

}  // namespace

std::string run_command(const session::sync_settings& run, double ping_ms) {
  const session::copy_settings& copy = run.copy;
  std::string line = "sluice run --source " + quoted(shown_uri(copy.source_uri)) + " --destination " +
                     quoted(shown_uri(copy.destination_uri));
  for (const std::string& rule : copy.include) line += " --include " + quoted(rule);
  for (const std::string& rule : copy.exclude) line += " --exclude " + quoted(rule);
  for (const auto& [from, to] : copy.remaps) line += " --remap " + quoted(from + "=" + to);
  if (!copy.documents.is_everything()) {
    line += " --document-filter " + quoted(bson::to_json(copy.documents.given()));
  }
  if (copy.sharding) line += " --sharding " + quoted(bson::to_json(copy.sharding->given()));
  if (run.build_indexes != session::index_building::after_data_copy) {
    line += " --build-indexes " + std::string(to_string(run.build_indexes));
  }
  if (run.block_writes) line += " --block-writes " + std::string(to_string(*run.block_writes));
  if (run.beside_others) line += " --pre-existing-destination-data";
  if (!copy.migration_name.empty()) line += " --migrationName " + copy.migration_name;
  if (run.reversible) line += " --reversible";
  if (!run.verify) line += " --disableVerification";
  if (run.capture != "auto") line += " --capture " + run.capture;
  if (!run.spool_dir.empty()) line += " --spool-dir " + quoted(run.spool_dir.string());
  if (run.spool_bytes_max != session::spool_bytes_default) {
    line += " --spool-gb " + std::to_string(run.spool_bytes_max >> 30U);
  }
  if (copy.memory_bytes != limits::memory_default_bytes) {
    line += " --memory-mb " + std::to_string(copy.memory_bytes / limits::mib);
  }
  if (copy.lanes > 0) line += " --lanes " + std::to_string(copy.lanes);
  const std::uint32_t connections = copy.connections > 0     ? copy.connections
                                    : ping_ms > ping_ms_slow ? connections_on_slow_ways
                                                             : 0;
  if (connections > 0) line += " --connections " + std::to_string(connections);
  return line;
}

}  // namespace sluice::assess
