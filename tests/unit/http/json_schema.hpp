// Judges a JSON value by a schema of engine/http/page/openapi.json: as much of JSON Schema as that file uses. A keyword
// that is not known here is a complaint, so that the file cannot say what nobody checks. For tests.
#pragma once

#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace sluice::http::test {

class json_schema {
 public:
  /// `of` resolves "#/…"; it outlives this.
  explicit json_schema(const boost::json::value& of) : document_(of) {}

  /// What is wrong with `what`, each with its place; nothing: it is as the schema wants it.
  [[nodiscard]] std::vector<std::string> complaints(const boost::json::value& what, const boost::json::value& schema,
                                                    const std::string& where = "$") const {
    std::vector<std::string> out;
    judge(what, schema, where, out);
    return out;
  }
  [[nodiscard]] const boost::json::value& resolved(const boost::json::value& schema) const {
    const auto* reference = schema.as_object().if_contains("$ref");
    if (reference == nullptr) return schema;
    return document_.at_pointer(std::string_view(reference->as_string()).substr(1));
  }

 private:
  using value = boost::json::value;

  static bool is_of_type(const value& what, std::string_view type) {
    if (type == "null") return what.is_null();
    if (type == "boolean") return what.is_bool();
    if (type == "string") return what.is_string();
    if (type == "array") return what.is_array();
    if (type == "object") return what.is_object();
    if (type == "integer") return what.is_int64() || what.is_uint64();
    if (type == "number") return what.is_number();
    return false;
  }

  void judge(const value& what, const value& given, const std::string& where, std::vector<std::string>& out) const {
    const auto& schema = resolved(given).as_object();
    const auto wrong = [&](const std::string& why) { out.push_back(where + ": " + why); };
    for (const auto& [keyword, want] : schema) {
      if (keyword == "type") {
        bool any = false;
        if (want.is_array()) {
          for (const value& one : want.as_array()) any = any || is_of_type(what, one.as_string());
        } else {
          any = is_of_type(what, want.as_string());
        }
        if (!any) wrong("is not of type " + boost::json::serialize(want));
      } else if (keyword == "const") {
        if (what != want) wrong("is not " + boost::json::serialize(want));
      } else if (keyword == "enum") {
        const auto& all = want.as_array();
        if (std::find(all.begin(), all.end(), what) == all.end()) wrong("is none of " + boost::json::serialize(want));
      } else if (keyword == "oneOf") {
        int fitting = 0;
        for (const value& one : want.as_array()) fitting += complaints(what, one).empty() ? 1 : 0;
        if (fitting != 1) wrong(std::to_string(fitting) + " alternatives fit");
      } else if (keyword == "minimum") {
        if (what.is_number() && what.to_number<double>() < want.to_number<double>()) wrong("is too small");
      } else if (keyword == "maximum") {
        if (what.is_number() && what.to_number<double>() > want.to_number<double>()) wrong("is too large");
      } else if (keyword == "minLength") {
        if (what.is_string() && what.as_string().size() < want.to_number<std::size_t>()) wrong("is too short");
      } else if (keyword == "maxLength") {
        if (what.is_string() && what.as_string().size() > want.to_number<std::size_t>()) wrong("is too long");
      } else if (keyword == "pattern") {
        const std::regex pattern(std::string(want.as_string()));
        if (what.is_string() && !std::regex_search(std::string(what.as_string()), pattern)) wrong("has another form");
      } else if (keyword == "minItems") {
        if (what.is_array() && what.as_array().size() < want.to_number<std::size_t>()) wrong("has too few elements");
      } else if (keyword == "items") {
        if (!what.is_array()) continue;
        for (std::size_t i = 0; i < what.as_array().size(); ++i) {
          judge(what.at(i), want, where + "[" + std::to_string(i) + "]", out);
        }
      } else if (keyword == "required") {
        if (!what.is_object()) continue;
        for (const value& name : want.as_array()) {
          if (!what.as_object().contains(name.as_string())) wrong(std::string(name.as_string()) + " is missing");
        }
      } else if (keyword == "properties") {
        if (!what.is_object()) continue;
        for (const auto& [name, field] : what.as_object()) {
          const auto* known = want.as_object().if_contains(name);
          if (known != nullptr) judge(field, *known, where + "." + std::string(name), out);
        }
      } else if (keyword == "additionalProperties") {
        if (!what.is_object()) continue;
        for (const auto& [name, field] : what.as_object()) {
          if (!schema.at("properties").as_object().contains(name)) wrong(std::string(name) + " is not known");
        }
      } else if (keyword != "description") {
        wrong("the schema has a keyword that nobody checks: " + std::string(keyword));
      }
    }
  }

  const value& document_;
};

}  // namespace sluice::http::test
