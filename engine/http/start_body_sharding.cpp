// The shard keys of POST /api/v1/start: JSON of the form that they have, as BSON. What they may be is not judged here.
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "engine/http/start_body_namespaces.hpp"

namespace sluice::http {
namespace {

namespace dom = simdjson::dom;
using check_result = std::optional<body_refusal>;

check_result check_required(const std::string& of, const dom::object& fields,
                            std::span<const std::string_view> required) {
  for (const std::string_view name : required) {
    if (fields[name].error() == simdjson::SUCCESS) continue;
    return body_refusal{"MissingField", in_quotes(of + "." + std::string(name)) + " is missing"};
  }
  return {};
}

// What is given twice, in a flag or a file, is appended twice: sharding_choice::of says that.

/// {"customer": 1}
check_result append_key_field(const std::string& of, const dom::element& value, bson::builder& to) {
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) return wrong_type(of, R"(a document of one field, as {"a": 1})", value);
  to.open_document(to.next_index());
  for (const auto [name, order] : fields) {
    // BSON has no way to say it.
    if (name.find('\0') != std::string_view::npos) {
      return body_refusal{"BadValue", in_quotes(of) + " is no field of a shard key: its name must not hold a NUL"};
    }
    std::string_view text;
    double number = 0;
    if (order.get(text) == simdjson::SUCCESS) {
      to.append(name, text);
    } else if (order.get(number) == simdjson::SUCCESS) {
      to.append(name, number);
    } else {
      to.append_null(name);  // whatever it is: it is neither 1 nor "hashed"
    }
  }
  to.close();
  return {};
}

check_result append_shard_collection(const std::string& of, const dom::element& value, bson::builder& to) {
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) return wrong_type(of, R"(a document {"key": [...]})", value);
  static constexpr std::array<std::string_view, 1> known{"key"};
  if (auto refused = refuse_others(of, fields, known)) return refused;
  if (auto refused = check_required(of, fields, known)) return refused;
  to.open_document("shardCollection");
  for (const auto [name, key] : fields) {
    const std::string where = of + "." + std::string(name);
    dom::array parts;
    if (key.get(parts) != simdjson::SUCCESS) {
      return wrong_type(where, R"(an array of documents of one field, as [{"a": 1}, {"_id": "hashed"}])", key);
    }
    to.open_array(name);
    std::size_t number = 0;
    for (const dom::element part : parts) {
      if (auto refused = append_key_field(where + "[" + std::to_string(number++) + "]", part, to)) return refused;
    }
    to.close();
  }
  to.close();
  return {};
}

check_result append_entry(const std::string& of, const dom::element& value, bson::builder& to) {
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) {
    return wrong_type(of, R"(a document {"database": ..., "collection": ..., "shardCollection": ...})", value);
  }
  static constexpr std::array<std::string_view, 3> known{"database", "collection", "shardCollection"};
  if (auto refused = refuse_others(of, fields, known)) return refused;
  if (auto refused = check_required(of, fields, known)) return refused;
  to.open_document(to.next_index());
  for (const auto [name, part] : fields) {
    const std::string where = of + "." + std::string(name);
    if (name == "shardCollection") {
      if (auto refused = append_shard_collection(where, part, to)) return refused;
      continue;
    }
    std::string_view text;
    if (part.get(text) != simdjson::SUCCESS) return wrong_type(where, "a string", part);
    to.append(name, text);
  }
  to.close();
  return {};
}

check_result append_entries(const std::string& of, const dom::element& value, bson::builder& to) {
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return wrong_type(of, "an array", value);
  to.open_array("shardingEntries");
  std::size_t number = 0;
  for (const dom::element each : list) {
    if (auto refused = append_entry(of + "[" + std::to_string(number++) + "]", each, to)) return refused;
  }
  to.close();
  return {};
}

}  // namespace

std::variant<cluster::sharding_choice, body_refusal> read_sharding(const dom::element& value) {
  const std::string option = "sharding";
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) return wrong_type(option, "a document", value);
  static constexpr std::array<std::string_view, 3> known{"createSupportingIndexes", "shardingEntries",
                                                         "ignoreUnusedShardingEntries"};
  if (auto refused = refuse_others(option, fields, known)) return *std::move(refused);
  static constexpr std::array<std::string_view, 1> required{"shardingEntries"};
  if (auto refused = check_required(option, fields, required)) return *std::move(refused);
  bson::builder given;
  for (const auto [name, part] : fields) {
    const std::string where = option + "." + std::string(name);
    if (name == "shardingEntries") {
      if (auto refused = append_entries(where, part, given)) return *std::move(refused);
      continue;
    }
    bool truth = false;
    if (part.get(truth) != simdjson::SUCCESS) return wrong_type(where, "a boolean", part);
    given.append(name, truth);
  }
  auto choice = cluster::sharding_choice::of(given.finish());
  if (!choice) return body_refusal{"BadValue", choice.error().message};
  return std::move(choice.value());
}

}  // namespace sluice::http
