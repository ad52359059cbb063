#include "tools/doctor_values.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "bson/extended_json.hpp"
#include "tools/redaction.hpp"

namespace sluice::tools {
namespace {

namespace json = boost::json;

template <class Value>
void put(json::object& into, const char* key, const std::optional<Value>& value) {
  if (value) into[key] = *value;
}

void put(json::object& into, const char* key, const std::vector<std::string>& rules) {
  if (!rules.empty()) into[key] = json::array(rules.begin(), rules.end());
}

void put_uri(json::object& into, const char* key, const std::optional<std::string>& uri) {
  if (uri) into[key] = redacted(*uri);
}

}  // namespace

std::string values_json(const serve_values& values) {
  json::object all;
  put_uri(all, "cluster0", values.cluster0);
  put(all, "cluster0-file", values.cluster0_file);
  put_uri(all, "cluster1", values.cluster1);
  put(all, "cluster1-file", values.cluster1_file);
  put(all, "port", values.port);
  put(all, "bind", values.api.bind);
  put(all, "api-token-file", values.api.token_file);
  put(all, "api-tls-certificate-key-file", values.api.tls_certificate_key_file);
  put(all, "logPath", values.log_path);
  put(all, "metricsLoggingFilepath", values.metrics_path);
  put(all, "disableMetricsLogging", values.disable_metrics_logging);
  if (values.verbosity) all["verbosity"] = to_string(*values.verbosity);
  if (values.format) {
    all["log-format"] = *values.format == log_format::json   ? "json"
                        : *values.format == log_format::text ? "text"
                                                             : "auto";
  }
  put(all, "loadLevel", values.load_level);
  put(all, "memory-mb", values.memory_mb);
  put(all, "lanes", values.lanes);
  put(all, "connections", values.connections);
  put(all, "migrationName", values.migration_name);
  put(all, "createIndexesBatchSize", values.indexes_per_command);
  put(all, "retry-seconds", values.retry_seconds);
  put(all, "capture", values.capture);
  put(all, "spool-dir", values.spool_dir);
  put(all, "spool-gb", values.spool_gb);
  if (!values.documents.is_everything()) {
    all["documentFilter"] = json::object{{"field", values.documents.field()}, {"matchValues", "***"}};
  }
  if (values.sharding) all["sharding"] = json::parse(bson::to_json(values.sharding->given()));
  put(all, "disableWriteBlocking", values.disable_write_blocking);
  put(all, "disableVerification", values.disable_verification);
  put(all, "preExistingDestinationData", values.beside_others);
  put(all, "users", values.users);
  put(all, "skip-disk-space-check", values.skip_disk_space_check);
  put(all, "verifyConnectivity", values.verify_connectivity);
  put(all, "exit-on-error", values.exit_on_error);
  put(all, "auto-resume", values.auto_resume);
  put(all, "include", values.include);
  put(all, "exclude", values.exclude);
  put(all, "remap", values.remap);
  json::array remaps;
  for (const cluster::remap& each : values.remaps) remaps.emplace_back(each.from + "=" + each.to);
  if (!remaps.empty()) all["namespaceRemap"] = std::move(remaps);
  return json::serialize(all) + "\n";
}

}  // namespace sluice::tools
