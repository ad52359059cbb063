// Whether two deployments go together.
#include "engine/cluster/deployment.hpp"

namespace sluice::cluster {

namespace {

constexpr server_version source_min{4, 4, 0};
constexpr server_version destination_min{6, 0, 0};
constexpr server_version diffs_since{5, 0, 0};

error refused(std::string message) {
  return failure(error_kind::refused, std::move(message));
}

std::string described(const deployment& d) {
  return std::string(to_string(d.as)) + " " + d.name();
}

/// "6.0"
std::string short_form(server_version v) {
  return std::to_string(v.major) + "." + std::to_string(v.minor);
}

/// Errors: a server that is too old, or whose feature compatibility version nobody can rely on.
result<server_version> usable_fcv(const deployment& d, server_version oldest) {
  const auto wanted = short_form(oldest);
  if (d.version < oldest) {
    return refused(described(d) + " runs MongoDB " + d.version.to_string() + "; a " + std::string(to_string(d.as)) +
                   " must be " + wanted + " or newer");
  }
  const auto fcv = parse_server_version(d.fcv);
  if (!fcv) return refused(described(d) + " has the feature compatibility version \"" + d.fcv + "\", which is unknown");
  if (d.fcv_changing) {
    return refused(described(d) + " is in the middle of a change of its feature compatibility version (now " + d.fcv +
                   "): let setFeatureCompatibilityVersion finish first");
  }
  return *fcv;
}

}  // namespace

result<> check_pair(const deployment& source, const deployment& destination) {
  if (source.identity == destination.identity) {
    return refused("source " + source.name() + " and destination " + destination.name() +
                   " are the same deployment: give two different URIs");
  }
  const bool writes_whole = source.kind == deployment_kind::sharded;
  SLUICE_TRY(const auto source_fcv, usable_fcv(source, source_min));
  // Exact diffs, which oplogs hold since 5.0, are taken since 6.0. A change stream of a mongos tells whole documents,
  // and 4.4 sets and unsets: these any server takes.
  const bool old_is_enough = destination.kind == deployment_kind::sharded && (writes_whole || source_fcv < diffs_since);
  const server_version oldest = old_is_enough ? source_min : destination_min;
  SLUICE_TRY(const auto destination_fcv, usable_fcv(destination, oldest));
  // What counts is the feature compatibility version: it decides what may be stored, created and sent.
  if (destination_fcv < oldest) {
    return refused(described(destination) + " runs MongoDB " + destination.version.to_string() +
                   " with the feature compatibility version " + destination.fcv + ": raise it to " +
                   short_form(oldest) + " or newer with setFeatureCompatibilityVersion");
  }
  if (destination_fcv < source_fcv) {
    std::string advice = destination.version < source_fcv
                             ? "use a destination of MongoDB " + source.fcv + " or newer"
                             : "raise it with setFeatureCompatibilityVersion: \"" + source.fcv + "\"";
    return refused(described(destination) + " has the feature compatibility version " + destination.fcv +
                   ", which is older than " + source.fcv + " of " + described(source) + ": " + advice);
  }
  return ok();
}

}  // namespace sluice::cluster
