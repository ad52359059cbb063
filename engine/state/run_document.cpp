#include "engine/state/run_document.hpp"

#include <algorithm>
#include <array>

#include "bson/compare.hpp"
#include "bson/extended_json.hpp"

namespace sluice::state {

namespace {

constexpr std::array phase_names{std::string_view("planning"),   std::string_view("copying"),
                                 std::string_view("indexing"),   std::string_view("applying"),
                                 std::string_view("committing"), std::string_view("committed"),
                                 std::string_view("completed")};
static_assert(phase_names.size() == static_cast<std::size_t>(run_phase::completed) + 1);
constexpr std::array wishes{std::string_view("run"), std::string_view("pause"), std::string_view("commit")};

void append_strings(bson::builder& to, std::string_view key, const std::vector<std::string>& values) {
  to.open_array(key);
  for (const std::string& value : values) to.push(value);
  to.close();
}

std::string text(bson::element_view element) {
  return std::string(element.as_string().value_or(""));
}

std::string joined(const std::vector<std::string>& values) {
  if (values.empty()) return "(none)";
  std::string all;
  for (const std::string& value : values) all += (all.empty() ? "" : ", ") + value;
  return all;
}

std::string pairs_joined(const std::vector<std::string>& values) {
  if (values.empty()) return "(none)";
  std::string all;
  for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
    all += (all.empty() ? "" : ", ") + values[i] + " to " + values[i + 1];
  }
  return all;
}

std::string shown_document(bson::document_view chosen) {
  return chosen.empty() ? "(none)" : bson::to_json(chosen);
}

std::string shown(const std::string& value) {
  return value.empty() ? "(none)" : value;
}

std::string differs(std::string_view what, const std::string& was, const std::string& is) {
  return std::string(what) + " was " + was + " and is " + is;
}

/// The first way in which the stored run is another one than `mine`; empty when it is the same.
std::string difference(bson::document_view stored, const run_parameters& mine) {
  if (text(stored.find("sourceIdentity")) != mine.source_identity) {
    return differs("the source", text(stored.find("sourceName")), mine.source_name);
  }
  if (text(stored.find("destinationIdentity")) != mine.destination_identity) {
    return differs("the destination", text(stored.find("destinationName")), mine.destination_name);
  }
  if (const auto was = read_strings(stored, "include"); was != mine.include) {
    return differs("--include", joined(was), joined(mine.include));
  }
  if (const auto was = read_strings(stored, "exclude"); was != mine.exclude) {
    return differs("--exclude", joined(was), joined(mine.exclude));
  }
  if (const auto was = read_strings(stored, "remaps"); was != mine.remaps) {
    return differs("--remap", pairs_joined(was), pairs_joined(mine.remaps));
  }
  const auto documents = stored.find("documentFilter").as_document().value_or(bson::document_view());
  if (!bson::same_bytes(documents, mine.document_filter)) {
    return differs("the document filter", shown_document(documents), shown_document(mine.document_filter));
  }
  const auto sharding = stored.find("sharding").as_document().value_or(bson::document_view());
  if (!bson::same_bytes(sharding, mine.sharding)) {
    return differs("the sharding", shown_document(sharding), shown_document(mine.sharding));
  }
  const bool beside_others = stored.find("preExistingDestinationData").as_bool().value_or(false);
  if (beside_others != mine.beside_others) {
    const auto word = [](bool value) { return std::string(value ? "true" : "false"); };
    return differs("preExistingDestinationData", word(beside_others), word(mine.beside_others));
  }
  const auto mode = stored.find("mode");
  if (const std::string was = mode ? text(mode) : "copy"; was != mine.mode) return differs("the mode", was, mine.mode);
  // Documents from before these fields compare by what they say.
  if (const auto was = stored.find("buildIndexes"); was && text(was) != mine.build_indexes) {
    return differs("buildIndexes", shown(text(was)), shown(mine.build_indexes));
  }
  if (const auto was = stored.find("capture"); was && text(was) != mine.capture) {
    return differs("the way of capturing changes", shown(text(was)), shown(mine.capture));
  }
  return {};
}

}  // namespace

std::vector<std::string> read_strings(bson::document_view from, std::string_view key) {
  std::vector<std::string> values;
  if (const auto array = from.find(key).as_array()) {
    for (const auto element : *array) values.emplace_back(element.as_string().value_or(""));
  }
  return values;
}

std::string_view to_string(run_phase phase) noexcept {
  return phase_names[static_cast<std::size_t>(phase)];
}

bool is_wish(std::string_view word) noexcept {
  return std::ranges::find(wishes, word) != wishes.end();
}

bson::document new_run(const run_parameters& mine) {
  bson::builder run;
  run.append("_id", "run").append("version", checkpoint_version);
  run.append("phase", to_string(run_phase::planning));
  run.append("sourceIdentity", mine.source_identity).append("sourceName", mine.source_name);
  run.append("destinationIdentity", mine.destination_identity).append("destinationName", mine.destination_name);
  append_strings(run, "include", mine.include);
  append_strings(run, "exclude", mine.exclude);
  append_strings(run, "remaps", mine.remaps);
  run.append("documentFilter", mine.document_filter);
  run.append("sharding", mine.sharding);
  run.append("preExistingDestinationData", mine.beside_others);
  run.append("mode", mine.mode).append("buildIndexes", mine.build_indexes).append("capture", mine.capture);
  run.append("leftovers", true);
  return run.finish();
}

result<opened_run> read_run(bson::document_view stored, const run_parameters& mine) {
  const auto version = stored.find("version").to_int64().value_or(0);
  if (version != checkpoint_version) {
    return failure(error_kind::refused, "the checkpoint on " + mine.destination_name + " has format " +
                                            std::to_string(version) + ", this program writes format " +
                                            std::to_string(checkpoint_version) +
                                            "; finish with the version that began, or start over with --reset");
  }
  if (std::string other = difference(stored, mine); !other.empty()) {
    return failure(error_kind::refused, "the destination holds the checkpoint of another " +
                                            std::string(mine.mode == "sync" ? "run" : "copy") + ": " + other +
                                            "; use the same parameters to go on, or --reset to drop it");
  }
  const auto name = std::ranges::find(phase_names, text(stored.find("phase")));
  if (name == phase_names.end()) {
    return failure(error_kind::refused,
                   "the checkpoint on " + mine.destination_name + " names an unknown phase; start over with --reset");
  }
  opened_run run;
  run.fresh = false;
  run.phase = static_cast<run_phase>(name - phase_names.begin());
  run.confirmed_flush = stored.find("confirmedFlush").to_int64().value_or(0);
  if (const auto wish = stored.find("wish")) {
    run.wish = text(wish);
    if (!is_wish(run.wish)) {
      return failure(error_kind::refused, "the checkpoint on " + mine.destination_name + " holds an unknown wish (" +
                                              run.wish + "); start over with --reset");
    }
  }
  if (const auto facts = stored.find("facts").as_document()) run.facts = bson::document(*facts);
  return run;
}

}  // namespace sluice::state
