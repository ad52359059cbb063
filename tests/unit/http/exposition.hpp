// Reads what /metrics says as Prometheus does, and complains as `promtool check metrics` does. For tests.
#pragma once

#include <cmath>
#include <limits>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::http::test {

struct exposed_sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct exposed_family {
  std::string type;
  std::string help;
  std::vector<exposed_sample> samples;
};

struct exposed {
  std::map<std::string, exposed_family> families;
  std::vector<std::string> complaints;
};

inline double number_of(const std::string& text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  return std::stod(text);
}

/// The family that a sample belongs to: a histogram's samples have suffixes.
inline std::string family_of(const exposed& of, const std::string& sample) {
  if (of.families.contains(sample)) return sample;
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    if (!sample.ends_with(suffix)) continue;
    std::string name = sample.substr(0, sample.size() - std::string(suffix).size());
    const auto found = of.families.find(name);
    if (found != of.families.end() && found->second.type == "histogram") return name;
  }
  return {};
}

inline void check_histogram(const std::string& name, const exposed_family& family,
                            std::vector<std::string>& complaints) {
  double before = 0, last_bound = -std::numeric_limits<double>::infinity(), infinite = -1, count = -1;
  for (const exposed_sample& one : family.samples) {
    if (one.name.ends_with("_count")) count = one.value;
    if (!one.name.ends_with("_bucket")) continue;
    const double bound = number_of(one.labels.at("le"));
    if (bound <= last_bound) complaints.push_back(name + ": its buckets are not in order");
    if (one.value < before) complaints.push_back(name + ": its buckets are not cumulative");
    last_bound = bound;
    before = one.value;
    if (std::isinf(bound)) infinite = one.value;
  }
  if (infinite < 0) complaints.push_back(name + ": no bucket +Inf");
  if (infinite != count) complaints.push_back(name + ": bucket +Inf and _count differ");
}

/// The rules of promtool; of names that are the original's only that they are names.
inline void check_family(const std::string& name, const exposed_family& family, std::vector<std::string>& complaints) {
  static const std::regex valid("[a-z_][a-z0-9_]*");
  if (!std::regex_match(name, valid)) complaints.push_back(name + ": is no name");
  if (family.help.empty()) complaints.push_back(name + ": no HELP");
  if (family.samples.empty()) complaints.push_back(name + ": no value");
  if (family.type == "histogram") check_histogram(name, family, complaints);
  std::set<std::map<std::string, std::string>> seen;
  for (const exposed_sample& one : family.samples) {
    if (one.name == name && !seen.insert(one.labels).second) complaints.push_back(name + ": the same labels twice");
  }
  if (name.starts_with("mongosync_") || name.starts_with("verifier_")) return;
  const bool counts = name.ends_with("_total");
  if (counts != (family.type == "counter"))
    complaints.push_back(name + ": _total is for counters, and for all of them");
  for (const char* unit : {"_milliseconds", "_ms", "_minutes", "_kilobytes", "_mb", "_percent", "_count", "_bucket"}) {
    if (name.ends_with(unit)) complaints.push_back(name + ": units are seconds and bytes");
  }
  if (family.type == "histogram" && !name.ends_with("_seconds"))
    complaints.push_back(name + ": a histogram without unit");
}

inline exposed read_exposition(const std::string& text) {
  exposed all;
  std::istringstream lines(text);
  static const std::regex comment("# (HELP|TYPE) ([^ ]+) (.*)");
  static const std::regex sample("([^ {]+)(\\{(.*)\\})? ([^ ]+)");
  static const std::regex one_label("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\.)*)\",?");
  std::string current;
  std::set<std::string> typed;
  if (!text.ends_with('\n')) all.complaints.emplace_back("the last line has no end");
  for (std::string line; std::getline(lines, line);) {
    std::smatch part;
    if (std::regex_match(line, part, comment)) {
      current = part[2];
      if (part[1] == "HELP") {
        if (all.families.contains(current)) all.complaints.push_back(current + ": HELP twice");
        all.families[current].help = part[3];
      } else {
        if (!typed.insert(current).second) all.complaints.push_back(current + ": TYPE twice");
        all.families[current].type = part[3];
      }
      continue;
    }
    if (!std::regex_match(line, part, sample)) {
      all.complaints.push_back("no line of an exposition: " + line);
      continue;
    }
    exposed_sample one{part[1], {}, number_of(part[4])};
    const std::string labels = part[3];
    for (std::sregex_iterator it(labels.begin(), labels.end(), one_label); it != std::sregex_iterator(); ++it) {
      one.labels[(*it)[1]] = (*it)[2];
    }
    const std::string family = family_of(all, one.name);
    if (family.empty() || family != current) {
      all.complaints.push_back(one.name + ": stands outside of its family");
      continue;
    }
    all.families[family].samples.push_back(std::move(one));
  }
  for (const auto& [name, family] : all.families) check_family(name, family, all.complaints);
  return all;
}

}  // namespace sluice::http::test
