// From files of the kernel; no server is asked.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include <sched.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/assess/this_host.hpp"

namespace sluice::assess {

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  return text.str();
}

std::optional<double> number_in(const fs::path& file) {
  std::istringstream in(text_of(file));
  double value = 0;
  if (!(in >> value)) return {};  // also "max"
  return value;
}

std::optional<double> available_memory(const fs::path& root) {
  std::istringstream lines(text_of(root / "proc/meminfo"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    double kib = 0;
    if (words >> name >> kib && name == "MemAvailable:") return kib * 1024;
  }
  return {};
}

/// Of version 2 the own group and all above it count; of version 1 the file is at the mount's own place in a container.
std::optional<double> group_memory(const fs::path& root) {
  std::optional<double> least;
  const auto take = [&least](const fs::path& file) {
    const auto bytes = number_in(file);
    // Version 1 says "no limit" with a number near 2^63.
    if (bytes && *bytes < 1e18) least = std::min(least.value_or(*bytes), *bytes);
  };
  const fs::path mounted = root / "sys/fs/cgroup";
  std::istringstream lines(text_of(root / "proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t second = line.find(':', line.find(':') + 1);
    if (second == std::string::npos) continue;
    const bool version_2 = line.starts_with("0::");
    if (!version_2 && line.find(":memory:") == std::string::npos) continue;
    const fs::path base = version_2 ? mounted : mounted / "memory";
    const char* const name = version_2 ? "memory.max" : "memory.limit_in_bytes";
    fs::path own = fs::path(line.substr(second + 1)).relative_path();
    for (; !own.empty(); own = own.parent_path()) take(base / own / name);
    take(base / name);
  }
  return least;
}

std::uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  return static_cast<std::uint32_t>(CPU_COUNT(&set));
}

void look_at_spool(const fs::path& wanted, this_host_facts& into) {
  into.spool_dir = wanted.string();
  std::error_code failed;
  fs::path there = fs::absolute(wanted, failed);
  while (!there.empty() && there != there.parent_path() && !fs::exists(there, failed)) there = there.parent_path();
  if (!fs::is_directory(there, failed)) {
    into.spool_problem = there.string() + " is no folder";
    return;
  }
  struct statvfs disk {};
  if (::statvfs(there.c_str(), &disk) != 0) {
    into.spool_problem = there.string() + ": " + std::strerror(errno);
    return;
  }
  into.spool_free_bytes = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  if (::access(there.c_str(), W_OK | X_OK) != 0) into.spool_problem = there.string() + ": " + std::strerror(errno);
}

}  // namespace

this_host_facts read_this_host(const fs::path& spool_dir, const fs::path& root) {
  this_host_facts facts;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) facts.open_files_max = files.rlim_cur;
  utsname system{};
  if (::uname(&system) == 0) facts.kernel = system.release;
  facts.cores = usable_cores();
  facts.memory_available_bytes = available_memory(root);
  facts.memory_limit_bytes = group_memory(root);
  look_at_spool(spool_dir, facts);
  return facts;
}

}  // namespace sluice::assess
