// The report as JSON, and what of it a later run reads back.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <simdjson.h>

#include "tools/bench_report.hpp"

namespace sluice::tools {
namespace {

namespace json = boost::json;
using measure::figures;

constexpr std::string_view format_name = "sluice-bench";

json::value or_null(const std::optional<double>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::object to_json(const measure::latencies& l) {
  return {{"count", l.count}, {"p50Ms", l.p50_ms}, {"p90Ms", l.p90_ms}, {"p99Ms", l.p99_ms}, {"maxMs", l.max_ms}};
}

json::object to_json(const measure::step& s) {
  json::object out;
  if (!s.skipped.empty()) {
    out["skipped"] = s.skipped;
    return out;
  }
  out["seconds"] = s.seconds;
  out["documents"] = s.documents;
  out["bytes"] = s.bytes;
  out["bytesPerSecond"] = s.bytes_per_second();
  out["calls"] = to_json(s.calls);
  json::array series;
  for (const measure::point& p : s.series) series.push_back(json::array{p.seconds, p.bytes_per_second});
  out["series"] = std::move(series);
  out["cpuSeconds"] = json::object{{"engineUser", s.cpu.engine_user},
                                   {"engineSystem", s.cpu.engine_system},
                                   {"source", or_null(s.cpu.source)},
                                   {"destination", or_null(s.cpu.destination)}};
  return out;
}

json::array to_json(const std::vector<measure::step>& times) {
  json::array out;
  for (const measure::step& one : times) out.push_back(to_json(one));
  return out;
}

json::object to_json(const measure::network& n) {
  json::object out = to_json(n.transfer);
  out["roundtrip"] = to_json(n.roundtrip);
  return out;
}

json::object to_json(const measure::side& s) {
  return {{"name", s.name},   {"version", s.version},        {"loopback", s.loopback},
          {"cores", s.cores}, {"cacheBytes", s.cache_bytes}, {"dataPerWireByte", s.data_per_wire_byte}};
}

json::array to_json(const std::vector<std::string>& sentences) {
  json::array out;
  for (const std::string& one : sentences) out.push_back(json::value(one));
  return out;
}

json::object data_of(const figures& f) {
  json::object out;
  if (f.from.empty()) {
    out["shape"] = measure::to_string(f.data.form);
    out["ids"] = measure::to_string(f.data.ids);
    out["seed"] = f.data.seed;
    out["documentBytes"] = f.data.document_bytes;
  } else {
    out["from"] = f.from;
  }
  out["documents"] = f.data_documents;
  out["bytes"] = f.data_bytes;
  out["batchBytes"] = f.batch_bytes;
  out["indexes"] = f.indexes;
  return out;
}

json::object verdict_of(const measure::verdict& v) {
  json::object out;
  out["limit"] = v.limited_by ? json::value(measure::kind_of(*v.limited_by)) : json::value(nullptr);
  out["limitDetail"] = v.limited_by ? json::value(measure::to_string(*v.limited_by)) : json::value(nullptr);
  out["bytesPerSecond"] = v.bytes_per_second;
  out["because"] = v.because;
  out["advice"] = to_json(v.advice);
  out["caveats"] = to_json(v.caveats);
  if (v.time) {
    out["estimate"] = json::object{{"bytes", v.time->bytes},
                                   {"seconds", v.time->seconds},
                                   {"dataSeconds", v.time->data_seconds},
                                   {"indexSeconds", v.time->index_seconds},
                                   {"spread", v.time->spread},
                                   {"text", measure::estimate_text(*v.time)}};
  }
  return out;
}

error unusable(const std::string& path, const std::string& why) {
  return failure(error_kind::configuration, "--compare " + path + ": " + why);
}

result<earlier_bench> read_document(const std::string& path, simdjson::dom::element document) {
  std::string_view format;
  if (document["format"].get(format) != simdjson::SUCCESS || format != format_name) {
    return unusable(path, "this is no report of sluice bench --json");
  }
  std::int64_t version = 0;
  if (document["formatVersion"].get(version) != simdjson::SUCCESS || version != bench_format_version) {
    return unusable(path, "this report has the format version " + std::to_string(version) +
                              ", and this program reads " + std::to_string(bench_format_version) +
                              "; measure again with it");
  }
  earlier_bench found;
  std::string_view began;
  if (document["began"].get(began) == simdjson::SUCCESS) found.began = began;
  simdjson::dom::object metrics;
  if (document["metrics"].get(metrics) != simdjson::SUCCESS) return unusable(path, "this report has no metrics");
  for (const auto field : metrics) {
    double value = 0;
    if (field.value.get(value) == simdjson::SUCCESS) found.metrics[std::string(field.key)] = value;
  }
  return found;
}

}  // namespace

std::string bench_json(const bench_report& report) {
  const figures& f = report.figures;
  json::object out;
  out["format"] = format_name;
  out["formatVersion"] = bench_format_version;
  out["sluiceVersion"] = report.sluice_version;
  out["began"] = f.began;
  out["seconds"] = f.seconds;
  json::object metrics;
  for (const bench_metric& metric : bench_metrics()) metrics[metric.name] = or_null(metric.value(f, report.verdict));
  out["metrics"] = std::move(metrics);
  out["verdict"] = verdict_of(report.verdict);
  out["source"] = to_json(f.source);
  out["destination"] = to_json(f.destination);
  out["oneMachine"] = f.one_machine;
  out["data"] = data_of(f);
  out["lanes"] = f.lanes;
  out["connections"] = f.connections;
  out["connectionsUsed"] = f.connections_used;
  out["sourceRead"] = to_json(f.source_read);
  out["sourceNetwork"] = to_json(f.source_network);
  out["destinationWrite"] = to_json(f.destination_write);
  out["destinationNetwork"] = to_json(f.destination_network);
  json::object copy = to_json(f.copy);
  copy["whole"] = f.copy_is_whole;
  copy["indexSeconds"] = f.index_seconds;
  out["copy"] = std::move(copy);
  json::object apply = to_json(f.apply.applied);
  if (f.apply.applied.measured()) {
    apply["changesPerSecond"] = f.apply.changes_per_second();
    apply["sourceSeconds"] = f.apply.source_seconds;
    apply["capturedThrough"] = f.apply.captured_through;
    apply.erase("bytesPerSecond");  // its series are changes a second, too
  }
  out["apply"] = std::move(apply);
  json::array probes;
  for (const measure::probe& one : f.probes) {
    probes.push_back(json::object{{"name", one.name},
                                  {"what", one.what},
                                  {"bytesPerSecond", one.bytes_per_second},
                                  {"baselineBytesPerSecond", one.baseline_bytes_per_second},
                                  {"gain", one.gain()}});
  }
  out["probes"] = std::move(probes);
  if (report.earlier) {
    json::object changes;
    for (const bench_metric& metric : bench_metrics()) {
      const auto change = change_since(report, metric);
      if (change) changes[metric.name] = *change;
    }
    out["comparedWith"] = json::object{{"began", report.earlier->began}, {"changes", std::move(changes)}};
  }
  return json::serialize(out) + "\n";
}

result<earlier_bench> read_earlier_bench(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || file.bad()) return unusable(path, std::strerror(errno));
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  const auto fault = parser.parse(text.str()).get(document);
  if (fault != simdjson::SUCCESS) return unusable(path, std::string("no JSON: ") + simdjson::error_message(fault));
  return read_document(path, document);
}

std::optional<double> change_since(const bench_report& report, const bench_metric& metric) {
  if (!report.earlier) return {};
  const auto before = report.earlier->metrics.find(metric.name);
  const auto now = metric.value(report.figures, report.verdict);
  if (before == report.earlier->metrics.end() || !now || before->second == 0) return {};
  return *now / before->second - 1;
}

}  // namespace sluice::tools
