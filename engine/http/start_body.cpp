#include "engine/http/start_body.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/http/start_body_namespaces.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/nearest_name.hpp"

namespace sluice::http {
namespace {

namespace dom = simdjson::dom;
using check_result = std::optional<body_refusal>;

body_refusal not_offered(std::string_view field, std::string_view what_to_do) {
  return {"OptionNotOffered", in_quotes(field) + " is not offered by this version: " + std::string(what_to_do)};
}

// --- one function for each kind of option that is known but has a single effect here ---

template <bool only>
check_result boolean_only(std::string_view field, const dom::element& value, std::string_view otherwise) {
  bool given = false;
  if (value.get(given) != simdjson::SUCCESS) return wrong_type(field, "a boolean", value);
  if (given == only) return {};
  return not_offered(field, otherwise);
}

check_result natural_order(std::string_view field, const dom::element& value, std::string_view otherwise) {
  dom::array filters;
  if (value.get(filters) != simdjson::SUCCESS) return wrong_type(field, "an array", value);
  if (filters.size() == 0) return {};
  // {"database":"."} means every collection, which is how all of them are read.
  dom::object filter;
  std::string_view database;
  const bool everything = filters.size() == 1 && filters.at(0).get(filter) == simdjson::SUCCESS && filter.size() == 1 &&
                          filter["database"].get(database) == simdjson::SUCCESS && database == ".";
  if (everything) return {};
  return not_offered(field, otherwise);
}

struct known_option {
  std::string_view name;
  check_result (*check)(std::string_view, const dom::element&, std::string_view);
  std::string_view otherwise;  // what is so instead, and what to do
};

constexpr std::array options{
    known_option{"copyInNaturalOrder", natural_order, "every collection is read in natural order; leave it out"},
    known_option{"detectRandomId", boolean_only<true>, "every collection is read in natural order; leave it out"},
};

/// Those that are obeyed.
constexpr std::array<std::string_view, 15> own_fields{"source",
                                                      "destination",
                                                      "buildIndexes",
                                                      "enableUserWriteBlocking",
                                                      "includeNamespaces",
                                                      "excludeNamespaces",
                                                      "namespaceRemap",
                                                      "documentFilter",
                                                      "sharding",
                                                      "preExistingDestinationData",
                                                      "destinationDataHandling",
                                                      "skipDiskSpaceCheck",
                                                      "users",
                                                      "verification",
                                                      "reversible"};

constexpr auto field_names = [] {
  std::array<std::string_view, options.size() + own_fields.size()> names{};
  std::ranges::copy(own_fields, names.begin());
  std::ranges::transform(options, names.begin() + own_fields.size(), &known_option::name);
  return names;
}();

/// The label, or why it is none.
check_result read_label(std::string_view field, const dom::element& value, std::string& label) {
  std::string_view given;
  if (value.get(given) != simdjson::SUCCESS) return wrong_type(field, "a string", value);
  if (given != "cluster0" && given != "cluster1") {
    return body_refusal{"BadValue", in_quotes(field) + " must be \"cluster0\" or \"cluster1\""};
  }
  label = given;
  return {};
}

check_result read_build_indexes(std::string_view field, const dom::element& value, session::start_request& request) {
  std::string_view given;
  if (value.get(given) != simdjson::SUCCESS) return wrong_type(field, "a string", value);
  request.build_indexes = session::index_building_from(given);
  if (request.build_indexes) return {};
  static constexpr std::array<std::string_view, 5> known{"afterDataCopy", "beforeDataCopy", "excludeHashed",
                                                         "excludeHashedAfterCopy", "never"};
  return body_refusal{"BadValue", in_quotes(field) + " has an unknown value" + runtime::did_you_mean(given, known)};
}

/// A string, or a boolean as in mongosync's first versions.
check_result read_write_blocking(std::string_view field, const dom::element& value, session::start_request& request) {
  using session::write_blocking;
  bool both_sides = false;
  if (value.get(both_sides) == simdjson::SUCCESS) {
    request.block_writes = both_sides ? write_blocking::source_and_destination : write_blocking::none;
    return {};
  }
  std::string_view given;
  if (value.get(given) != simdjson::SUCCESS) return wrong_type(field, "a string or a boolean", value);
  request.block_writes = session::write_blocking_from(given);
  if (request.block_writes) return {};
  static constexpr std::array<std::string_view, 3> known{"none", "destinationOnly", "sourceAndDestination"};
  return body_refusal{"BadValue", in_quotes(field) + " has an unknown value" + runtime::did_you_mean(given, known)};
}

check_result read_filters(std::string_view field, const dom::element& value,
                          std::optional<std::vector<std::string>>& into) {
  auto rules = read_namespace_filters(field, value);
  if (auto* refused = std::get_if<body_refusal>(&rules)) return std::move(*refused);
  into = std::get<std::vector<std::string>>(std::move(rules));
  return {};
}

check_result read_remaps(std::string_view field, const dom::element& value, session::start_request& request) {
  auto remaps = read_namespace_remaps(field, value);
  if (auto* refused = std::get_if<body_refusal>(&remaps)) return std::move(*refused);
  request.remaps = std::get<std::vector<cluster::remap>>(std::move(remaps));
  return {};
}

check_result read_documents(std::string_view field, const dom::element& value, session::start_request& request) {
  auto filter = read_document_filter(field, value);
  if (auto* refused = std::get_if<body_refusal>(&filter)) return std::move(*refused);
  request.documents = std::get<cluster::document_filter>(std::move(filter));
  return {};
}

check_result read_shard_keys(const dom::element& value, session::start_request& request) {
  auto choice = read_sharding(value);
  if (auto* refused = std::get_if<body_refusal>(&choice)) return std::move(*refused);
  request.sharding = std::get<cluster::sharding_choice>(std::move(choice));
  return {};
}

/// Two names for one thing must not contradict each other.
check_result set_beside_others(bool given, session::start_request& request) {
  if (request.beside_others && *request.beside_others != given) {
    return body_refusal{"BadValue",
                        "\"preExistingDestinationData\" and \"destinationDataHandling\" contradict each "
                        "other; leave the second, which is the older name, out"};
  }
  request.beside_others = given;
  return {};
}

check_result read_beside_others(std::string_view field, const dom::element& value, session::start_request& request) {
  bool given = false;
  if (value.get(given) != simdjson::SUCCESS) return wrong_type(field, "a boolean", value);
  return set_beside_others(given, request);
}

check_result read_boolean(std::string_view field, const dom::element& value, std::optional<bool>& into) {
  bool given = false;
  if (value.get(given) != simdjson::SUCCESS) return wrong_type(field, "a boolean", value);
  into = given;
  return {};
}

check_result read_destination_data(std::string_view field, const dom::element& value, session::start_request& request) {
  std::string_view given;
  if (value.get(given) != simdjson::SUCCESS) return wrong_type(field, "a string", value);
  static constexpr std::array<std::string_view, 2> known{"requireEmptyDestination", "ignorePreExistingNamespaces"};
  const auto found = std::ranges::find(known, given);
  if (found == known.end()) {
    return body_refusal{"BadValue", in_quotes(field) + " has an unknown value" + runtime::did_you_mean(given, known)};
  }
  return set_beside_others(found != known.begin(), request);
}

check_result read_verification(std::string_view field, const dom::element& value, session::start_request& request) {
  dom::object choices;
  if (value.get(choices) != simdjson::SUCCESS) return wrong_type(field, "a document", value);
  static constexpr std::array<std::string_view, 1> known{"enabled"};
  if (auto refused = refuse_others("verification", choices, known)) return refused;
  for (const auto [key, option] : choices) {
    if (auto refused = read_boolean("verification.enabled", option, request.verify)) return refused;
  }
  return {};
}

check_result read_field(std::string_view key, const dom::element& value, session::start_request& request) {
  if (key == "source") return read_label(key, value, request.source);
  if (key == "destination") return read_label(key, value, request.destination);
  if (key == "buildIndexes") return read_build_indexes(key, value, request);
  if (key == "enableUserWriteBlocking") return read_write_blocking(key, value, request);
  if (key == "includeNamespaces") return read_filters(key, value, request.include);
  if (key == "excludeNamespaces") return read_filters(key, value, request.exclude);
  if (key == "namespaceRemap") return read_remaps(key, value, request);
  if (key == "preExistingDestinationData") return read_beside_others(key, value, request);
  if (key == "destinationDataHandling") return read_destination_data(key, value, request);
  if (key == "documentFilter") return read_documents(key, value, request);
  if (key == "sharding") return read_shard_keys(value, request);
  if (key == "skipDiskSpaceCheck") return read_boolean(key, value, request.skip_disk_space_check);
  if (key == "users") return read_boolean(key, value, request.users);
  if (key == "reversible") return read_boolean(key, value, request.reversible);
  if (key == "verification") return read_verification(key, value, request);
  const auto option = std::ranges::find(options, key, &known_option::name);
  if (option != options.end()) return option->check(key, value, option->otherwise);
  return body_refusal{"UnknownField",
                      in_quotes(key) + " is no field of this call" + runtime::did_you_mean(key, field_names)};
}

check_result check_labels(const session::start_request& request) {
  for (const auto& [field, label] :
       {std::pair("source", &request.source), std::pair("destination", &request.destination)}) {
    if (label->empty()) {
      return body_refusal{"MissingField",
                          in_quotes(field) + R"( is missing; send {"source":"cluster0","destination":"cluster1"})"};
    }
  }
  if (request.source == request.destination) {
    return body_refusal{"BadValue",
                        "\"source\" and \"destination\" must differ; one is \"cluster0\", the other \"cluster1\""};
  }
  return {};
}

}  // namespace

std::variant<session::start_request, body_refusal> parse_start_body(std::string_view body) {
  dom::parser parser(limits::http_body_bytes_max);
  dom::object fields;
  if (auto refused = read_body(body, parser, fields)) return std::move(*refused);
  session::start_request request;
  for (const auto [key, value] : fields) {
    if (auto refused = read_field(key, value, request)) return std::move(*refused);
  }
  if (auto refused = check_labels(request)) return std::move(*refused);
  return request;
}

}  // namespace sluice::http
