// Documents for tests, written as extended JSON and read by libbson.
#pragma once

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <bson/bson.h>

#include "bson/document.hpp"
#include "bson/extended_json.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::cluster::testing {

inline bson::document json(std::string_view text) {
  bson_error_t fault;
  bson_t* parsed =
      bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<ssize_t>(text.size()), &fault);
  if (parsed == nullptr) throw std::invalid_argument(std::string(fault.message) + " in " + std::string(text));
  std::vector<std::byte> bytes(parsed->len);
  std::memcpy(bytes.data(), bson_get_data(parsed), parsed->len);
  bson_destroy(parsed);
  return bson::document(std::move(bytes));
}

/// Both as canonical JSON: types, values and order of fields.
inline std::string text(bson::document_view document) {
  return bson::to_json(document, bson::json_mode::canonical);
}
inline std::string text(std::string_view document) {
  return text(json(document).view());
}

inline wire::host_port host(std::string_view name) {
  return wire::parse_host_port(name).value();
}

}  // namespace sluice::cluster::testing
