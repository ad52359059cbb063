#include "engine/wire/tls.hpp"

#include <memory>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace sluice::wire {

namespace {

namespace ssl = boost::asio::ssl;

error bad_file(std::string_view option, const std::string& file, const std::string& why) {
  return failure(error_kind::configuration, "URI option \"" + std::string(option) + "\": " + file + ": " + why +
                                                " (a readable PEM file is needed)");
}

std::string words_of(const boost::system::error_code& why) {
  return why ? why.message() : "unusable";
}

result<> use_revocation_list(ssl::context& context, const std::string& file) {
  X509_STORE* store = ::SSL_CTX_get_cert_store(context.native_handle());
  X509_LOOKUP* lookup = ::X509_STORE_add_lookup(store, ::X509_LOOKUP_file());
  if (lookup == nullptr || ::X509_load_crl_file(lookup, file.c_str(), X509_FILETYPE_PEM) <= 0) {
    ::ERR_clear_error();
    return bad_file("tlsCRLFile", file, "no certificate revocation list in it");
  }
  ::X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return ok();
}

bool is_address(const std::string& host) {
  boost::system::error_code no_address;
  boost::asio::ip::make_address(host, no_address);
  return !no_address;
}

}  // namespace

result<ssl::context> make_tls_context(const tls_options& options) {
  ssl::context context(ssl::context::tls_client);
  ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  boost::system::error_code why;
  if (options.ca_file.empty()) {
    context.set_default_verify_paths(why);
  } else {
    context.load_verify_file(options.ca_file, why);
    if (why) return bad_file("tlsCAFile", options.ca_file, words_of(why));
  }
  if (!options.crl_file.empty()) {
    SLUICE_TRYV(use_revocation_list(context, options.crl_file));
  }
  if (!options.certificate_key_file.empty()) {
    // Always a callback: without one OpenSSL asks on the terminal when the key is encrypted.
    auto password = [given = options.certificate_key_password](std::size_t, ssl::context::password_purpose) {
      return given;
    };
    context.set_password_callback(password, why);
    context.use_certificate_chain_file(options.certificate_key_file, why);
    if (why) return bad_file("tlsCertificateKeyFile", options.certificate_key_file, words_of(why));
    context.use_private_key_file(options.certificate_key_file, ssl::context::pem, why);
    if (why) {
      return bad_file("tlsCertificateKeyFile", options.certificate_key_file,
                      "its private key cannot be used; if it is encrypted, tlsCertificateKeyFilePassword must fit");
    }
  }
  context.set_verify_mode(options.allow_invalid_certificates ? ssl::verify_none : ssl::verify_peer, why);
  return context;
}

void expect_host(SSL* session, const host_port& host, const tls_options& options) {
  // A Unix socket is this machine.
  const std::string name = host.port == 0 ? "localhost" : host.host;
  const bool by_address = is_address(name);
  if (!by_address) SSL_set_tlsext_host_name(session, name.c_str());  // NOLINT: OpenSSL's macro casts
  if (options.allow_invalid_certificates || options.allow_invalid_hostnames) return;
  X509_VERIFY_PARAM* check = ::SSL_get0_param(session);
  if (by_address) {
    ::X509_VERIFY_PARAM_set1_ip_asc(check, name.c_str());
  } else {
    ::X509_VERIFY_PARAM_set1_host(check, name.c_str(), name.size());
  }
}

error tls_failure(SSL* session, const boost::system::error_code& why, const host_port& host,
                  const tls_options& options) {
  const std::string prefix = host.to_string() + ": TLS handshake failed: ";
  const long verdict = ::SSL_get_verify_result(session);
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return failure(error_kind::configuration,
                   prefix + "the server's certificate is not for \"" + host.host +
                       "\" (use the name that the certificate was made for in the URI, or tlsAllowInvalidHostnames)");
  }
  if (verdict != X509_V_OK && !options.allow_invalid_certificates) {
    return failure(error_kind::configuration,
                   prefix + "the server's certificate is not trusted: " + ::X509_verify_cert_error_string(verdict) +
                       " (name its authority with tlsCAFile)");
  }
  const bool hung_up = why == boost::asio::error::eof || why == boost::asio::error::connection_reset ||
                       why == ssl::error::stream_truncated;
  if (hung_up) {
    return failure(error_kind::network, prefix + "the server hung up (does it speak TLS? If not, remove tls=true)");
  }
  return failure(error_kind::network,
                 prefix + why.message() +
                     " (does the server speak TLS 1.2 or newer, and does it want a client certificate? Then add "
                     "tlsCertificateKeyFile)");
}

result<std::string> certificate_subject(const std::string& file) {
  const std::unique_ptr<BIO, int (*)(BIO*)> in(::BIO_new_file(file.c_str(), "r"), &::BIO_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(
      in ? ::PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr, &::X509_free);
  if (!certificate) {
    ::ERR_clear_error();
    return bad_file("tlsCertificateKeyFile", file, "no certificate in it");
  }
  const std::unique_ptr<BIO, int (*)(BIO*)> out(::BIO_new(::BIO_s_mem()), &::BIO_free);
  ::X509_NAME_print_ex(out.get(), ::X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long bytes = BIO_get_mem_data(out.get(), &text);  // NOLINT: OpenSSL's macro casts
  return std::string(text, static_cast<std::size_t>(bytes));
}

}  // namespace sluice::wire
