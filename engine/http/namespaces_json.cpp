#include "engine/http/namespaces_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <tuple>

#include <boost/json.hpp>

#include "engine/http/json_body.hpp"
#include "engine/runtime/nearest_name.hpp"

namespace sluice::http {
namespace {

namespace json = boost::json;

constexpr std::uint32_t page_max = 1'000'000'000;

std::optional<std::string> read_number(std::string_view name, std::string_view text, std::uint32_t max,
                                       std::uint32_t& into) {
  const char* const end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, into);
  if (fault == std::errc{} && stopped == end && into >= 1 && into <= max) return std::nullopt;
  return in_quotes(name) + " must be a whole number from 1 to " + std::to_string(max);
}

std::optional<std::string> read_order(std::string_view name, std::string_view text, namespace_order& into) {
  static constexpr std::array<std::string_view, 4> orders{"name", "documents", "size",
                                                          "remaining"};  // as the enum has them
  const auto found = std::ranges::find(orders, text);
  if (found == orders.end()) {
    return in_quotes(name) + " must be name, documents, size or remaining" + runtime::did_you_mean(text, orders);
  }
  into = static_cast<namespace_order>(found - orders.begin());
  return std::nullopt;
}

/// As forms and encodeURIComponent write it.
std::optional<std::string> read_search(std::string_view name, std::string_view text, std::string& into) {
  constexpr std::size_t search_bytes_max = 255;  // of a namespace
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      into += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    const bool whole = text.size() - i > 2;
    const bool is_byte = whole && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    if (!is_byte) return in_quotes(name) + " has a % without two hexadecimal digits";
    into += static_cast<char>(byte);
    i += 2;
  }
  if (into.size() <= search_bytes_max) return std::nullopt;
  return in_quotes(name) + " is longer than a namespace can be";
}

std::optional<std::string> read_parameter(std::string_view name, std::string_view value, namespaces_query& into) {
  if (name == "page") return read_number(name, value, page_max, into.page);
  if (name == "limit") return read_number(name, value, namespaces_limit_max, into.limit);
  if (name == "sort") return read_order(name, value, into.sort);
  if (name == "search") return read_search(name, value, into.search);
  static constexpr std::array<std::string_view, 4> known{"page", "limit", "sort", "search"};
  return in_quotes(name) + " is no parameter of this call" + runtime::did_you_mean(name, known);
}

std::int64_t bytes_left(const session::collection_progress& one) {
  return one.copied ? 0 : std::max<std::int64_t>(0, one.bytes_total - one.bytes_copied);
}

void sort(std::vector<session::collection_progress>& all, namespace_order order) {
  std::ranges::sort(all, [order](const auto& a, const auto& b) {
    switch (order) {
      case namespace_order::name:
        break;
      case namespace_order::documents:
        if (a.documents_total != b.documents_total) return a.documents_total > b.documents_total;
        break;
      case namespace_order::size:
        if (a.bytes_total != b.bytes_total) return a.bytes_total > b.bytes_total;
        break;
      case namespace_order::remaining: {
        const auto left = [](const auto& one) {
          return std::pair(bytes_left(one), one.indexes_total - one.indexes_built);
        };
        if (left(a) != left(b)) return left(a) > left(b);
        break;
      }
    }
    return a.ns < b.ns;
  });
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool holds(std::string_view ns, std::string_view text) {
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  return std::search(ns.begin(), ns.end(), text.begin(), text.end(), same) != ns.end() || text.empty();
}

json::object collection(const session::collection_progress& one) {
  json::object out;
  out["namespace"] = one.ns;
  out["destinationNamespace"] = one.destination_ns.empty() ? one.ns : one.destination_ns;
  out["copied"] = one.copied;
  out["copiedDocuments"] = one.documents_copied;
  out["estimatedTotalDocuments"] = std::max(one.documents_total, one.documents_copied);
  out["copiedBytes"] = one.bytes_copied;
  out["estimatedTotalBytes"] = std::max(one.bytes_total, one.bytes_copied);
  out["indexesBuilt"] = one.indexes_built;
  out["totalIndexesToBuild"] = one.indexes_total;
  out["indexBuildFraction"] = one.index_build_fraction;
  return out;
}

}  // namespace

std::variant<namespaces_query, std::string> parse_namespaces_query(std::string_view query) {
  namespaces_query wanted;
  std::vector<std::string_view> seen;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    if (one.empty()) continue;
    const std::string_view name = one.substr(0, one.find('='));
    const std::string_view value = one.substr(std::min(one.size(), name.size() + 1));
    if (auto refused = read_parameter(name, value, wanted)) return std::move(*refused);
    if (std::ranges::find(seen, name) != seen.end()) return in_quotes(name) + " is given twice";
    seen.push_back(name);
  }
  return wanted;
}

std::string namespaces_json(session::progress now, const namespaces_query& wanted) {
  std::erase_if(now.collections, [&](const auto& one) { return !holds(one.ns, wanted.search); });
  sort(now.collections, wanted.sort);
  const std::size_t total = now.collections.size();
  const std::size_t begin = std::min(total, std::size_t{wanted.page - 1} * wanted.limit);
  const std::size_t end = std::min(total, begin + wanted.limit);
  json::array page;
  for (std::size_t at = begin; at < end; ++at) page.push_back(collection(now.collections[at]));
  json::object reply;
  reply["success"] = true;
  reply["page"] = wanted.page;
  reply["limit"] = wanted.limit;
  reply["total"] = total;
  reply["namespaces"] = std::move(page);
  return json::serialize(reply);
}

}  // namespace sluice::http
