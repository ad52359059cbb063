// A MongoDB URI: parsed by libmongoc, read by the engine through typed accessors.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/runtime/result.hpp"

struct _mongoc_uri_t;  // NOLINT(bugprone-reserved-identifier): libmongoc's name for it

namespace sluice::wire {

struct host_port {
  std::string host;                             // name, IPv4, IPv6 without brackets, or the path of a Unix socket
  std::uint16_t port = 27017;                   // 0 for a Unix socket
  [[nodiscard]] std::string to_string() const;  // "db1:27017", "[::1]:27017", "/tmp/mongodb.sock"
  friend bool operator==(const host_port&, const host_port&) = default;
  friend auto operator<=>(const host_port&, const host_port&) = default;
};
/// "host:port" as servers write it in `hello` (`primary`, `hosts`, `me`).
[[nodiscard]] result<host_port> parse_host_port(std::string_view text);

enum class compressor : std::uint8_t { none = 0, snappy = 1, zlib = 2, zstd = 3 };  // the wire's ids

struct tls_options {
  bool enabled = false;
  std::string ca_file;
  std::string certificate_key_file;  // PEM with certificate and key
  std::string certificate_key_password;
  std::string crl_file;
  bool allow_invalid_certificates = false;
  bool allow_invalid_hostnames = false;
};

/// Immutable, cheap to copy. Holds credentials: never print it but through redacted().
class connection_string {
 public:
  /// Errors (configuration): what libmongoc says, without the password; options that cannot apply
  /// (read preference other than primary, read or write concern other than majority, socketTimeoutMS).
  [[nodiscard]] static result<connection_string> parse(std::string_view uri);

  [[nodiscard]] const std::vector<host_port>& hosts() const;
  [[nodiscard]] bool is_srv() const;
  [[nodiscard]] const std::string& srv_host() const;
  [[nodiscard]] const std::string& replica_set() const;  // empty when not given
  [[nodiscard]] bool direct_connection() const;
  [[nodiscard]] const tls_options& tls() const;
  [[nodiscard]] const std::vector<compressor>& compressors() const;  // in order of preference
  [[nodiscard]] int zlib_level() const;                              // -1 = library default
  /// 0 in the URI means no limit (a day stands for it); not given: limits::connect_timeout_default.
  [[nodiscard]] std::chrono::milliseconds connect_timeout() const;
  [[nodiscard]] std::chrono::milliseconds server_selection_timeout() const;
  [[nodiscard]] bool has_credentials() const;          // a user, or a mechanism that needs none (X.509)
  [[nodiscard]] std::string user() const;              // for messages; empty without credentials
  [[nodiscard]] const std::string& mechanism() const;  // "SCRAM-SHA-256"; empty: the server chooses
  [[nodiscard]] const std::string& application_name() const;
  /// "mongodb://user:***@host:27017/?replicaSet=rs" for logs and errors.
  [[nodiscard]] std::string redacted() const;
  /// The members behind an SRV name, with the options of its TXT record; itself when it is none. Blocks on DNS: off the
  /// lanes only (srv.hpp does that). Errors: network.
  [[nodiscard]] result<connection_string> resolved() const;
  /// The same options with other hosts (what discovery found in the place of an SRV name or a seed list).
  [[nodiscard]] connection_string with_hosts(std::vector<host_port> hosts) const;

  /// For the hand-over only. Owned by this object.
  [[nodiscard]] const _mongoc_uri_t* native() const;

 private:
  struct parsed;
  std::shared_ptr<const parsed> parsed_;
};

}  // namespace sluice::wire
