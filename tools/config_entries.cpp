#include "tools/config_entries.hpp"

#include <algorithm>
#include <array>

#include <simdjson.h>
#include <yaml-cpp/yaml.h>

namespace sluice::tools {
namespace {

/// In JSON's subset of YAML; quoted or not, a scalar of YAML stays what it is.
void write_json(const YAML::Node& node, YAML::Emitter& out) {
  switch (node.Type()) {
    case YAML::NodeType::Sequence:
      out << YAML::Flow << YAML::BeginSeq;
      for (const YAML::Node& each : node) write_json(each, out);
      out << YAML::EndSeq;
      break;
    case YAML::NodeType::Map:
      out << YAML::Flow << YAML::BeginMap;
      for (const auto& pair : node) {
        out << YAML::Key << YAML::DoubleQuoted << pair.first.Scalar() << YAML::Value;
        write_json(pair.second, out);
      }
      out << YAML::EndMap;
      break;
    case YAML::NodeType::Scalar: {
      const std::string& text = node.Scalar();
      static constexpr std::array<std::string_view, 3> words{"true", "false", "null"};
      const bool number = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
      if (node.Tag() == "?" && (number || std::ranges::find(words, text) != words.end())) {
        out << text;
      } else {
        out << YAML::DoubleQuoted << text;
      }
      break;
    }
    default:
      out << "null";
      break;
  }
}

std::string as_json(const YAML::Node& node) {
  YAML::Emitter out;
  write_json(node, out);
  return out.c_str();
}

config_entry yaml_entry(const YAML::Node& key, const YAML::Node& value) {
  config_entry entry;
  entry.key = key.Scalar();
  entry.line = static_cast<std::size_t>(key.Mark().line) + 1;
  if (value.IsSequence() || value.IsMap()) {
    entry.kind = entry_kind::nested;
    entry.value = as_json(value);
  } else if (value.IsScalar()) {
    // yaml-cpp tags a quoted scalar "!" and an unquoted one "?".
    entry.kind = value.Tag() == "?" ? entry_kind::plain : entry_kind::text;
    entry.value = value.Scalar();
  }
  return entry;
}

std::size_t line_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  return static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
}

namespace ondemand = simdjson::ondemand;

/// Errors of simdjson travel as its exceptions inside this file only.
config_entry json_entry(std::string_view text, ondemand::field field) {
  config_entry entry;
  entry.line = line_at(text, static_cast<std::size_t>(field.key().raw() - text.data()));
  entry.key = std::string(std::string_view(field.unescaped_key()));
  ondemand::value value = field.value();
  switch (ondemand::json_type(value.type())) {
    case ondemand::json_type::string:
      entry.kind = entry_kind::text;
      entry.value = std::string(std::string_view(value.get_string()));
      break;
    case ondemand::json_type::boolean:
      entry.kind = entry_kind::bare;
      entry.value = bool(value.get_bool()) ? "true" : "false";
      break;
    case ondemand::json_type::number: {
      entry.kind = entry_kind::bare;
      const std::string_view token = value.raw_json_token();
      entry.value = std::string(token.substr(0, token.find_last_not_of(" \t\r\n") + 1));
      [[maybe_unused]] const double checked = value.get_double();  // throws on "1x"
      break;
    }
    case ondemand::json_type::null:
      if (!value.is_null()) throw simdjson::simdjson_error(simdjson::N_ATOM_ERROR);
      break;
    default:
      entry.kind = entry_kind::nested;
      entry.value = std::string(std::string_view(simdjson::to_json_string(value)));
      break;
  }
  return entry;
}

}  // namespace

error config_error(const std::string& name, std::size_t line, const std::string& message) {
  return failure(error_kind::configuration, name + ":" + std::to_string(line) + ": " + message);
}

result<std::vector<config_entry>> yaml_entries(std::string_view text, const std::string& name) {
  std::vector<config_entry> entries;
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (!root.IsDefined() || root.IsNull()) return entries;
    if (!root.IsMap()) return config_error(name, 1, "the file must be a list of \"key: value\" lines");
    for (const auto& pair : root) {
      const std::size_t line = static_cast<std::size_t>(pair.first.Mark().line) + 1;
      if (!pair.first.IsScalar()) return config_error(name, line, "a key must be a name");
      entries.push_back(yaml_entry(pair.first, pair.second));
    }
  } catch (const YAML::Exception& fault) {
    return config_error(name, static_cast<std::size_t>(std::max(fault.mark.line, 0)) + 1,
                        "no valid YAML: " + fault.msg);
  }
  return entries;
}

result<std::vector<config_entry>> json_entries(std::string_view text, const std::string& name) {
  std::vector<config_entry> entries;
  const simdjson::padded_string padded(text);
  // The lazy parser knows places but looks at no more than it is asked for; the eager one knows whether all is valid.
  simdjson::dom::parser validator;
  const simdjson::error_code invalid = validator.parse(padded).error();
  ondemand::parser parser;
  ondemand::document document;
  std::size_t line = 1;
  std::string fault = simdjson::error_message(invalid);
  try {
    document = parser.iterate(padded);
    ondemand::object root = document.get_object();
    for (simdjson::simdjson_result<ondemand::field> field : root) {
      entries.push_back(json_entry(padded, std::move(field).take_value()));
      line = entries.back().line;
    }
    if (invalid == simdjson::SUCCESS) return entries;
  } catch (const simdjson::simdjson_error& lazy_fault) {
    const char* at = nullptr;
    if (document.is_alive() && document.current_location().get(at) == simdjson::SUCCESS) {
      line = line_at(padded, static_cast<std::size_t>(at - padded.data()));
    }
    if (invalid == simdjson::SUCCESS) fault = lazy_fault.what();
  }
  return config_error(name, line, "no valid JSON document: " + fault);
}

}  // namespace sluice::tools
