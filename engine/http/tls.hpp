// The server's side of TLS: the certificate it shows. Whom it lets in is access.cpp's business.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "engine/runtime/result.hpp"

namespace sluice::http {

/// TLS 1.2 or newer, with the certificate (chain) and its key out of one PEM file. Error (configuration): it holds
/// none.
[[nodiscard]] result<std::unique_ptr<boost::asio::ssl::context>> make_server_tls(
    const std::string& certificate_key_file);

}  // namespace sluice::http
