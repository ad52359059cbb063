#include "tools/process_privacy.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sys/prctl.h>
#include <sys/resource.h>

#include "tools/redaction.hpp"

namespace sluice::tools {
namespace {

/// The kernel shows the bytes between the first and the last argument, whatever they hold; what is left over of a
/// shortened argument becomes zeros.
void overwrite(char* argument, std::string_view shown) {
  const std::size_t length = std::strlen(argument);
  const std::size_t kept = std::min(length, shown.size());
  std::memcpy(argument, shown.data(), kept);
  ::explicit_bzero(argument + kept, length - kept);
}

}  // namespace

void forbid_memory_dumps() noexcept {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void hide_arguments(std::span<char* const> arguments, std::span<const std::string> secrets) noexcept {
  for (char* const argument : arguments) {
    std::string shown = redacted(argument);
    for (const std::string& secret : secrets) {
      const bool is_uri = secret.starts_with("mongodb://") || secret.starts_with("mongodb+srv://");
      if (secret.empty() || is_uri) continue;  // a URI keeps its readable part
      if (const std::size_t at = shown.find(secret); at != std::string::npos) shown.replace(at, secret.size(), "***");
    }
    if (shown != argument) overwrite(argument, shown);
  }
}

void hide_environment_variable(const char* name) noexcept {
  if (char* const value = std::getenv(name)) {
    ::explicit_bzero(value, std::strlen(value));
    ::unsetenv(name);
  }
}

}  // namespace sluice::tools
