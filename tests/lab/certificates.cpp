// Self-made certificates through the openssl command line: no key is ever kept in the repository.
#include "tests/lab/certificates.hpp"

#include <fstream>
#include <initializer_list>

#include "tests/lab/child_process.hpp"

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;

void openssl(const fs::path& folder, std::initializer_list<std::string> arguments) {
  std::vector<std::string> command{"/usr/bin/openssl"};
  command.insert(command.end(), arguments);
  run_program(command, folder / "openssl.log");
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

void concatenate(const fs::path& certificate, const fs::path& key, const fs::path& into) {
  std::ofstream out(into);
  out << std::ifstream(certificate).rdbuf() << std::ifstream(key).rdbuf();
}

fs::path signed_pair(const fs::path& folder, const std::string& name, const std::string& subject) {
  fs::path pem = folder / (name + ".pem");
  const std::string key = (folder / (name + ".key")).string();
  const std::string request = (folder / (name + ".csr")).string();
  const std::string certificate = (folder / (name + ".crt")).string();
  openssl(folder, {"req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", subject});
  openssl(folder, {"x509", "-req", "-days", "30", "-in", request, "-CA", (folder / "ca.crt").string(), "-CAkey",
                   (folder / "ca.key").string(), "-CAcreateserial", "-out", certificate, "-extfile",
                   (folder / "san.cnf").string()});
  concatenate(certificate, key, pem);
  return pem;
}

}  // namespace

certificates make_certificates(const fs::path& folder) {
  certificates made{folder / "ca.crt", folder / "server.pem", folder / "client.pem"};
  if (fs::exists(made.client_file)) {  // the last one to be made
    return made;
  }
  fs::create_directories(folder);
  write(folder / "san.cnf", "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n");
  openssl(folder, {"req", "-x509", "-new", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                   "/O=lab/CN=sluice lab authority", "-keyout", (folder / "ca.key").string(), "-out",
                   made.authority_file.string()});
  // Another organizational unit than the servers': MongoDB takes a client of the same one for a member of the set.
  signed_pair(folder, "server", "/O=lab/OU=servers/CN=127.0.0.1");
  signed_pair(folder, "client", "/O=lab/OU=clients/CN=sluice-client");
  return made;
}

}  // namespace sluice::lab
