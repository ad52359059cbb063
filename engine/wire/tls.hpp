// TLS as the URI's options ask for it: the context, the checks of the server's certificate, and words for what fails.
#pragma once

#include <string>

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>

#include "engine/runtime/result.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::wire {

/// TLS 1.2 or newer; the system's authorities unless tlsCAFile is given. Errors (configuration) name the file.
[[nodiscard]] result<boost::asio::ssl::context> make_tls_context(const tls_options& options);

/// Server name indication and the host name or address that the certificate must be for.
void expect_host(SSL* session, const host_port& host, const tls_options& options);

/// Why a handshake failed. Kind configuration where the operator must act (an untrusted certificate), else network.
[[nodiscard]] error tls_failure(SSL* session, const boost::system::error_code& why, const host_port& host,
                                const tls_options& options);

/// The subject of the (first) certificate in a PEM file as MongoDB writes user names for X.509.
[[nodiscard]] result<std::string> certificate_subject(const std::string& file);

}  // namespace sluice::wire
