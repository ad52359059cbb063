#include "engine/wire/connection_string.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <mongoc/mongoc.h>

#include "engine/runtime/limits.hpp"
#include "engine/wire/compression.hpp"
#include "engine/wire/mongoc_library.hpp"
#include "engine/wire/uri_options.hpp"

namespace sluice::wire {

namespace {

using native_uri = std::shared_ptr<mongoc_uri_t>;

constexpr std::string_view x509 = "MONGODB-X509";
constexpr std::array<std::string_view, 6> mechanisms{"SCRAM-SHA-256", "SCRAM-SHA-1", x509,
                                                     "PLAIN",         "GSSAPI",      "MONGODB-AWS"};

native_uri owned(mongoc_uri_t* uri) {
  return {uri, [](mongoc_uri_t* held) { mongoc_uri_destroy(held); }};
}

std::string text_or_empty(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

error bad_uri(std::string text) {
  return failure(error_kind::configuration, std::move(text));
}

/// libmongoc's words, unless they quote what must not be seen.
error bad_uri_as_said(const uri_text& text, std::string_view said, const std::vector<std::string>& warnings) {
  std::string message = "URI: " + std::string(said);
  for (const auto& warning : warnings) message += (message.ends_with(": ") ? "" : "; ") + warning;
  const auto shows = [&message](const std::string& secret) { return message.find(secret) != std::string::npos; };
  if (text.doubtful || std::ranges::any_of(text.secrets(), shows)) {
    return bad_uri(
        "URI: user name, password or an option's value is not valid; percent-encode '@', ':', '/', '?' and '%' in "
        "them");
  }
  return bad_uri(message);
}

std::vector<host_port> hosts_of(const mongoc_uri_t* uri) {
  std::vector<host_port> hosts;
  for (const auto* at = mongoc_uri_get_hosts(uri); at != nullptr; at = at->next) {
    const bool is_unix = std::string_view(at->host).find('/') != std::string_view::npos;
    hosts.push_back({at->host, is_unix ? std::uint16_t{0} : at->port});
  }
  return hosts;
}

std::vector<compressor> compressors_of(const mongoc_uri_t* uri) {
  std::vector<compressor> found;
  bson_iter_t at;
  if (!bson_iter_init(&at, mongoc_uri_get_compressors(uri))) return found;
  while (bson_iter_next(&at)) {
    for (const auto known : {compressor::snappy, compressor::zlib, compressor::zstd}) {
      if (to_string(known) == bson_iter_key(&at)) found.push_back(known);
    }
  }
  return found;
}

tls_options tls_of(const uri_text& text, const mongoc_uri_t* uri) {
  const auto is_set = [uri](const char* key) { return mongoc_uri_get_option_as_bool(uri, key, false); };
  const auto path = [uri](const char* key) { return text_or_empty(mongoc_uri_get_option_as_utf8(uri, key, nullptr)); };
  tls_options tls;
  const auto* crl = text.find("tlscrlfile");
  if (crl != nullptr && !is_set(MONGOC_URI_TLSDISABLECERTIFICATEREVOCATIONCHECK)) {
    tls.crl_file = percent_decoded(crl->value);
  }
  tls.ca_file = path(MONGOC_URI_TLSCAFILE);
  tls.certificate_key_file = path(MONGOC_URI_TLSCERTIFICATEKEYFILE);
  tls.certificate_key_password = path(MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD);
  tls.allow_invalid_certificates = is_set(MONGOC_URI_TLSALLOWINVALIDCERTIFICATES) || is_set(MONGOC_URI_TLSINSECURE);
  tls.allow_invalid_hostnames = is_set(MONGOC_URI_TLSALLOWINVALIDHOSTNAMES) || is_set(MONGOC_URI_TLSINSECURE);
  // As libmongoc does: tls itself decides, else SRV or any tls option turns it on.
  tls.enabled = mongoc_uri_has_option(uri, MONGOC_URI_TLS) ? is_set(MONGOC_URI_TLS)
                                                           : text.srv || crl != nullptr || mongoc_uri_get_tls(uri);
  return tls;
}

std::chrono::milliseconds time_of(const mongoc_uri_t* uri, const char* key, std::chrono::milliseconds otherwise) {
  constexpr auto no_limit = std::chrono::hours(24);
  if (!mongoc_uri_has_option(uri, key)) return otherwise;
  const auto ms = mongoc_uri_get_option_as_int32(uri, key, 0);
  return ms == 0 ? no_limit : std::chrono::milliseconds(ms);
}

std::string host_list(const std::vector<host_port>& hosts) {
  std::string list;
  for (const auto& host : hosts) {
    if (!list.empty()) list += ',';
    list += host.port == 0 ? percent_encoded(host.host) : host.to_string();
  }
  return list;
}

}  // namespace

struct connection_string::parsed {
  uri_text text;
  native_uri native;
  std::vector<host_port> hosts;
  std::string srv_host;
  std::string replica_set;
  std::string mechanism;
  std::string application_name;
  tls_options tls;
  std::vector<compressor> compressors;
  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds server_selection_timeout{};

  parsed(uri_text as_written, native_uri uri) : text(std::move(as_written)), native(std::move(uri)) {
    const auto* from = native.get();
    hosts = hosts_of(from);
    srv_host = text_or_empty(mongoc_uri_get_srv_hostname(from));
    replica_set = text_or_empty(mongoc_uri_get_replica_set(from));
    mechanism = text_or_empty(mongoc_uri_get_auth_mechanism(from));
    application_name = text_or_empty(mongoc_uri_get_appname(from));
    tls = tls_of(text, from);
    compressors = compressors_of(from);
    connect_timeout = time_of(from, MONGOC_URI_CONNECTTIMEOUTMS, limits::connect_timeout_default);
    server_selection_timeout =
        time_of(from, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, limits::server_selection_timeout_default);
  }

  /// What libmongoc lets pass and would fail later, or never say.
  [[nodiscard]] result<> check() const {
    if (!mechanism.empty() && std::ranges::find(mechanisms, mechanism) == mechanisms.end()) {
      return bad_uri(
          "URI option \"authMechanism\" names a mechanism that is not supported; use SCRAM-SHA-256, "
          "SCRAM-SHA-1, MONGODB-X509, PLAIN, GSSAPI or MONGODB-AWS");
    }
    if (mechanism == x509 && (!tls.enabled || tls.certificate_key_file.empty())) {
      return bad_uri(
          "URI option \"authMechanism\": MONGODB-X509 authenticates with a client certificate; add tls=true "
          "and tlsCertificateKeyFile");
    }
    return ok();
  }
};

std::string host_port::to_string() const {
  if (port == 0) return host;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

result<host_port> parse_host_port(std::string_view text) {
  const auto bad = [text] {
    return failure(error_kind::protocol, "\"" + std::string(text) + "\" is no address of the form host:port");
  };
  if (text.find('/') != std::string_view::npos) return host_port{std::string(text), 0};
  host_port parsed;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == std::string_view::npos) return bad();
    parsed.host = text.substr(1, bracket - 1);
    port = text.substr(bracket + 1);
  } else {
    const auto colon = text.find(':');
    parsed.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (parsed.host.empty()) return bad();
  if (port.empty()) return parsed;
  const auto* const end = port.data() + port.size();
  const auto read = std::from_chars(port.data() + 1, end, parsed.port);
  if (port[0] != ':' || read.ec != std::errc() || read.ptr != end || parsed.port == 0) return bad();
  return parsed;
}

result<connection_string> connection_string::parse(std::string_view uri) {
  SLUICE_TRY(auto text, read_uri_text(uri));
  require_mongoc();
  const mongoc_messages said;
  bson_error_t why{};
  auto native = owned(mongoc_uri_new_with_error(text.for_libmongoc().c_str(), &why));
  if (!native) return bad_uri_as_said(text, why.message, said.warnings());
  // What is only a warning there (unknown compressor, deprecated spelling) is a mistake to correct before a copy.
  if (!said.warnings().empty()) return bad_uri_as_said(text, "", said.warnings());
  auto value = std::make_shared<const parsed>(std::move(text), std::move(native));
  SLUICE_TRYV(value->check());
  connection_string whole;
  whole.parsed_ = std::move(value);
  return whole;
}

result<connection_string> connection_string::resolved() const {
  if (!is_srv()) return *this;
  const mongoc_messages said;
  const std::unique_ptr<mongoc_client_t, void (*)(mongoc_client_t*)> client(
      mongoc_client_new_from_uri(native()), [](mongoc_client_t* held) { mongoc_client_destroy(held); });
  const auto cannot = [this](const std::string& why) {
    return failure(error_kind::network, srv_host() + ": its members cannot be looked up in DNS: " + why +
                                            " (check the name, and that this machine's resolver answers SRV queries)");
  };
  if (!client) return cannot(said.warnings().empty() ? "no answer" : said.warnings().front());
  auto native = owned(mongoc_uri_copy(mongoc_client_get_uri(client.get())));
  auto hosts = hosts_of(native.get());
  if (hosts.empty()) {
    bson_error_t why{};
    auto* server = mongoc_client_select_server(client.get(), false, nullptr, &why);
    if (server != nullptr) mongoc_server_description_destroy(server);
    return cannot(why.message[0] == '\0' ? "no records" : why.message);
  }
  auto text = parsed_->text;
  auto value = std::make_shared<const parsed>(std::move(text), std::move(native));
  connection_string whole;
  whole.parsed_ = std::move(value);
  return whole.with_hosts(std::move(hosts));
}

connection_string connection_string::with_hosts(std::vector<host_port> hosts) const {
  auto changed = std::make_shared<parsed>(*parsed_);
  changed->text.srv = false;
  changed->text.hosts = host_list(hosts);
  changed->srv_host.clear();
  changed->hosts = std::move(hosts);
  connection_string whole;
  whole.parsed_ = std::move(changed);
  return whole;
}

const std::vector<host_port>& connection_string::hosts() const {
  return parsed_->hosts;
}
bool connection_string::is_srv() const {
  return parsed_->text.srv;
}
const std::string& connection_string::srv_host() const {
  return parsed_->srv_host;
}
const std::string& connection_string::replica_set() const {
  return parsed_->replica_set;
}
bool connection_string::direct_connection() const {
  return mongoc_uri_get_option_as_bool(native(), MONGOC_URI_DIRECTCONNECTION, false);
}
const tls_options& connection_string::tls() const {
  return parsed_->tls;
}
const std::vector<compressor>& connection_string::compressors() const {
  return parsed_->compressors;
}
int connection_string::zlib_level() const {
  return mongoc_uri_get_option_as_int32(native(), MONGOC_URI_ZLIBCOMPRESSIONLEVEL, -1);
}
std::chrono::milliseconds connection_string::connect_timeout() const {
  return parsed_->connect_timeout;
}
std::chrono::milliseconds connection_string::server_selection_timeout() const {
  return parsed_->server_selection_timeout;
}
bool connection_string::has_credentials() const {
  return mongoc_uri_get_username(native()) != nullptr || !parsed_->mechanism.empty();
}
std::string connection_string::user() const {
  return text_or_empty(mongoc_uri_get_username(native()));
}
const std::string& connection_string::mechanism() const {
  return parsed_->mechanism;
}
const std::string& connection_string::application_name() const {
  return parsed_->application_name;
}
std::string connection_string::redacted() const {
  return parsed_->text.redacted();
}
const _mongoc_uri_t* connection_string::native() const {
  return parsed_->native.get();
}

}  // namespace sluice::wire
