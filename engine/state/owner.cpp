#include "engine/state/owner.hpp"

#include <array>
#include <fstream>
#include <random>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

namespace sluice::state {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Field 22 of /proc/<pid>/stat; the command name before it may hold spaces and parentheses. -1: no such process.
std::int64_t start_ticks(std::int64_t pid) {
  const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
  const auto after_name = line.rfind(')');
  if (after_name == std::string::npos) return -1;
  std::istringstream rest(line.substr(after_name + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) rest >> field;
  return field.empty() ? -1 : std::stoll(field);
}

std::string pid_namespace() {
  struct stat found {};
  return ::stat("/proc/self/ns/pid", &found) == 0 ? std::to_string(found.st_ino) : std::string();
}

}  // namespace

process_identity this_process() {
  process_identity self;
  std::random_device random;
  std::ostringstream token;
  for (int i = 0; i < 4; ++i) token << std::hex << random();
  self.token = token.str();
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  self.host = name.data();
  self.machine = first_line("/proc/sys/kernel/random/boot_id") + "/" + pid_namespace();
  self.pid = ::getpid();
  self.started = start_ticks(self.pid);
  return self;
}

bool is_gone(const process_identity& other, const process_identity& self) {
  // This very process: it runs one copy at a time, so the one that wrote this has ended.
  if (other.machine == self.machine && other.pid == self.pid && other.started == self.started) return true;
  return other.machine == self.machine && start_ticks(other.pid) != other.started;
}

}  // namespace sluice::state
