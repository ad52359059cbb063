// A certificate authority for one test: made by the openssl program, valid for 127.0.0.1 and localhost, worthless
// elsewhere.
#pragma once

#include <filesystem>

namespace sluice::lab {

struct certificates {
  std::filesystem::path authority_file;  // the CA's certificate, for tlsCAFile
  std::filesystem::path server_file;     // certificate and key, for mongod
  std::filesystem::path client_file;     // certificate and key of CN=sluice-client,OU=clients,O=lab
};

/// Makes them in `folder`; what is there already is used again.
[[nodiscard]] certificates make_certificates(const std::filesystem::path& folder);

/// The subject of `client_file` as MongoDB spells it: the user name for X.509 authentication.
inline constexpr const char* client_certificate_subject = "CN=sluice-client,OU=clients,O=lab";

}  // namespace sluice::lab
