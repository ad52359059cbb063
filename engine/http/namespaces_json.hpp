// The reply of GET /api/v1/namespaces: what each collection has come to, a page at a time, so that ten thousand of them
// make no reply of megabytes. Never touches a socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "engine/session/progress.hpp"

namespace sluice::http {

enum class namespace_order : std::uint8_t {
  name,       // from A to Z
  documents,  // most first
  size,       // largest first
  remaining,  // what has most to copy, then most indexes to build, first
};

struct namespaces_query {
  std::uint32_t page = 1;    // counted from 1; one beyond the last is empty
  std::uint32_t limit = 50;  // namespaces on a page
  namespace_order sort = namespace_order::name;
  std::string search{};  // only those that hold it, in any case
};

inline constexpr std::uint32_t namespaces_limit_max = 1000;

/// `query` is what follows the '?': page, limit, sort and search, each at most once. The refusal is a sentence that
/// names the parameter.
[[nodiscard]] std::variant<namespaces_query, std::string> parse_namespaces_query(std::string_view query);

/// {"success":true,"page":1,"limit":50,"total":2,"namespaces":[...]}; `now` must hold the collections.
[[nodiscard]] std::string namespaces_json(session::progress now, const namespaces_query& wanted);

}  // namespace sluice::http
