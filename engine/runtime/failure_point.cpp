#include "engine/runtime/failure_point.hpp"

#if defined(SLUICE_FAILURE_POINTS)

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>

#include <unistd.h>

namespace sluice::runtime {

namespace {

struct request {
  std::string name;
  int nth = 1;
};

request read_request() {
  const char* text = std::getenv("SLUICE_KILL_AT");
  if (text == nullptr) return {};
  const std::string_view whole(text);
  const auto colon = whole.find(':');
  request wanted{std::string(whole.substr(0, colon)), 1};
  if (colon != std::string_view::npos) std::from_chars(text + colon + 1, text + whole.size(), wanted.nth);
  return wanted;
}

}  // namespace

void failure_point(std::string_view name) {
  static const request wanted = read_request();
  static std::atomic<int> visits{0};
  if (name == wanted.name && ++visits == wanted.nth) ::kill(::getpid(), SIGKILL);
}

}  // namespace sluice::runtime

#endif
