#include "tools/uri_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace sluice::tools {
namespace {

constexpr std::size_t uri_bytes_max = 64 * 1024;

result<std::string> read_uri_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(uri_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return failure(error_kind::configuration, "cannot read the URI from " + path + ": " + std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  constexpr std::string_view blank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blank);
  if (begin == std::string::npos) return failure(error_kind::configuration, path + " is empty; it must hold a URI");
  text = text.substr(begin, text.find_last_not_of(blank) - begin + 1);
  if (text.size() > uri_bytes_max || text.find_first_of("\r\n") != std::string::npos) {
    return failure(error_kind::configuration, path + " must hold one URI, on one line");
  }
  return text;
}

result<std::string> checked(std::string uri, const std::string& from) {
  if (uri.starts_with("mongodb://") || uri.starts_with("mongodb+srv://")) return uri;
  return failure(error_kind::configuration, "the URI from " + from + " must begin with mongodb:// or mongodb+srv://");
}

result<std::string> checked_file(const std::string& path) {
  SLUICE_TRY(std::string uri, read_uri_file(path));
  return checked(std::move(uri), path);
}

}  // namespace

result<std::string> find_uri(const uri_places& places, const environment& variables) {
  if (places.given) return checked(*places.given, places.flag);
  if (places.file) return checked_file(*places.file);
  if (auto variable = variables(places.variable); variable && !variable->empty()) {
    return checked(std::move(*variable), places.variable);
  }
  if (places.configured) return checked(*places.configured, "the configuration file");
  if (places.configured_file) return checked_file(*places.configured_file);
  return failure(error_kind::configuration, std::string(places.flag) +
                                                " is missing: give the URI there, in a file, or in " + places.variable +
                                                " (see --help)");
}

}  // namespace sluice::tools
