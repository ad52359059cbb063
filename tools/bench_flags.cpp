#include <algorithm>

#include "tools/common_flags.hpp"
#include "tools/options_of_flags.hpp"
#include "tools/uri_source.hpp"

namespace sluice::tools {

namespace {

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

}  // namespace

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

}  // namespace sluice::tools
