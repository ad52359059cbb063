#include "tools/api_access.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "engine/http/access.hpp"

namespace sluice::tools {
namespace {

constexpr std::size_t token_bytes_max = 4096;

/// Of a file that is not ours the group's right is how we come to read it: so platforms hand out secrets.
bool others_can_read(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return false;
  const mode_t too_much = about.st_uid == ::geteuid() ? S_IRGRP | S_IROTH : S_IROTH;
  return (about.st_mode & too_much) != 0;
}

}  // namespace

result<std::string> read_token_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(token_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return failure(error_kind::configuration, "--api-token-file: cannot read " + path + ": " + std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  const auto visible = [](char c) { return c > ' ' && c <= '~'; };
  if (text.size() < http::token_bytes_min || text.size() > token_bytes_max || !std::ranges::all_of(text, visible)) {
    return failure(error_kind::configuration, "--api-token-file: " + path +
                                                  " must hold a token and nothing else: one line of at least " +
                                                  std::to_string(http::token_bytes_min) +
                                                  " characters without a blank, for example of: openssl rand -hex 32");
  }
  return text;
}

result<api_access> check_api_access(const api_access_values& given) {
  api_access checked;
  checked.bind = given.bind.value_or(checked.bind);
  checked.tls_certificate_key_file = given.tls_certificate_key_file.value_or("");
  if (given.token_file) {
    SLUICE_TRY(checked.token, read_token_file(*given.token_file));
    if (others_can_read(*given.token_file)) checked.exposed_file = *given.token_file;
  }
  return checked;
}

}  // namespace sluice::tools
