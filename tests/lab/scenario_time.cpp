#include "tests/lab/scenario_time.hpp"

#include <cstdlib>
#include <string>

#include "tests/lab/child_process.hpp"

namespace sluice::lab {

std::chrono::seconds scenario_time() {
  const char* const given = std::getenv("SLUICE_LONG_SECONDS");
  if (given == nullptr || *given == '\0') return std::chrono::seconds(4);
  const long seconds = std::strtol(given, nullptr, 10);
  if (seconds <= 0) throw failure(std::string("SLUICE_LONG_SECONDS is no number of seconds: ") + given);
  return std::chrono::seconds(seconds);
}

std::chrono::seconds catch_up_time() {
  return std::chrono::seconds(120) + 2 * scenario_time();
}

int random_kills() {
  return scenario_time() < std::chrono::seconds(60) ? 5 : 20;
}

}  // namespace sluice::lab
