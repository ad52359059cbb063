#include "engine/http/tls.hpp"

#include <openssl/ssl.h>

namespace sluice::http {

namespace ssl = boost::asio::ssl;

result<std::unique_ptr<ssl::context>> make_server_tls(const std::string& certificate_key_file) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  // Nothing is kept for clients that come again: they are few.
  ::SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  boost::system::error_code fault;
  context->use_certificate_chain_file(certificate_key_file, fault);
  if (!fault) context->use_private_key_file(certificate_key_file, ssl::context::pem, fault);
  if (fault) {
    return failure(error_kind::configuration,
                   "--api-tls-certificate-key-file " + certificate_key_file +
                       ": a readable PEM file with a certificate and its key is needed: " + fault.message());
  }
  return context;
}

}  // namespace sluice::http
