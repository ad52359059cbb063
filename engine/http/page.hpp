// What is served as it stands in engine/http/page: the web page and the description of the API. The page is one file
// that asks for nothing but this server's own API.
#pragma once

#include <string_view>

namespace sluice::http {

[[nodiscard]] std::string_view page_html() noexcept;

/// The page's Content-Security-Policy: its own script and style, by their hashes, its own server, and nothing else.
[[nodiscard]] std::string_view page_policy();

/// OpenAPI 3.1, JSON.
[[nodiscard]] std::string_view openapi_json() noexcept;

}  // namespace sluice::http
