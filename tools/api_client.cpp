#include "tools/api_client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include <curl/curl.h>

#include "engine/runtime/limits.hpp"

namespace sluice::tools {
namespace {

constexpr std::size_t reply_bytes_max = 16 * limits::mib;

error no_answer(const std::string& address, CURLcode fault, const std::string& words) {
  constexpr std::array no_http{CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_WRITE_ERROR,
                               CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE};
  constexpr std::array no_trust{CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE};
  if (fault == CURLE_OPERATION_TIMEDOUT) {
    return failure(error_kind::timeout, "the server at " + address + " does not answer in time; look at its log");
  }
  if (std::ranges::find(no_trust, fault) != no_trust.end()) {
    return failure(error_kind::configuration,
                   "no TLS with " + address + " (" + words +
                       "); check --url, and name the authority of its certificate with --api-ca-file");
  }
  if (std::ranges::find(no_http, fault) != no_http.end()) {
    return failure(error_kind::protocol,
                   "what listens at " + address + " is no sluice (" + words + "); check --port or --url");
  }
  return failure(error_kind::network, "no sluice answers at " + address + " (" + words +
                                          "); start one, or say where it is with --port or --url");
}

/// As curl calls it; less than it was given ends the transfer.
std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + count > reply_bytes_max) return 0;
  body.append(bytes, count);
  return count;
}

struct curl_deleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

std::string api_address::text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

result<api_address> parse_api_url(std::string_view url) {
  const auto wrong = [](const char* why) {
    return failure(error_kind::configuration,
                   std::string("--url ") + why + "; it must look like http://127.0.0.1:27182");
  };
  constexpr std::string_view plain = "http://", secured = "https://";
  const bool tls = url.starts_with(secured);
  if (!tls && !url.starts_with(plain)) return wrong("must begin with http:// or https://");
  std::string_view rest = url.substr(tls ? secured.size() : plain.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != std::string_view::npos) return wrong("must hold a host and a port only");
  std::string_view host = rest;
  std::string_view port;
  const std::size_t after_address = rest.starts_with('[') ? rest.find(']') : 0;
  if (after_address == std::string_view::npos) return wrong("has a [ without its ]");
  if (const std::size_t colon = rest.find(':', after_address); colon != std::string_view::npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
    if (port.empty()) return wrong("has no port behind its colon");
  }
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return wrong("has something between ] and the port");
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty()) return wrong("has no host");
  api_address address;
  address.host = host;
  address.tls = tls;
  if (!port.empty()) {
    const auto [stopped, fault] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (fault != std::errc{} || stopped != port.data() + port.size() || address.port == 0) {
      return wrong("has no port from 1 to 65535");
    }
  }
  return address;
}

result<api_reply> call_api(const api_address& address, std::string_view method, std::string_view path,
                           std::chrono::milliseconds within) {
  const std::unique_ptr<CURL, curl_deleter> call(curl_easy_init());
  if (!call) return failure(error_kind::network, "libcurl does not start");
  const std::string url = (address.tls ? "https://" : "http://") + address.text() + std::string(path);
  std::array<char, CURL_ERROR_SIZE> words{};
  api_reply reply;
  std::unique_ptr<curl_slist, curl_deleter> headers(curl_slist_append(nullptr, "Content-Type: application/json"));
  if (!address.token.empty()) {
    const std::string shown = "Authorization: Bearer " + address.token;
    headers.reset(curl_slist_append(headers.release(), shown.c_str()));
  }
  curl_easy_setopt(call.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(call.get(), CURLOPT_PROXY, "");  // whatever the environment says
  curl_easy_setopt(call.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(call.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(within.count()));
  curl_easy_setopt(call.get(), CURLOPT_ERRORBUFFER, words.data());
  curl_easy_setopt(call.get(), CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(call.get(), CURLOPT_WRITEDATA, &reply.body);
  curl_easy_setopt(call.get(), CURLOPT_HTTPHEADER, headers.get());
  if (method == "POST") curl_easy_setopt(call.get(), CURLOPT_POSTFIELDS, "{}");
  if (!address.authority_file.empty()) curl_easy_setopt(call.get(), CURLOPT_CAINFO, address.authority_file.c_str());
  const CURLcode fault = curl_easy_perform(call.get());
  if (fault != CURLE_OK) {
    return no_answer(address.text(), fault, words[0] != 0 ? words.data() : curl_easy_strerror(fault));
  }
  long status = 0;
  curl_easy_getinfo(call.get(), CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<unsigned>(status);
  return reply;
}

}  // namespace sluice::tools
