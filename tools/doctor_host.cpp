#include "tools/doctor_host.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

/// What holds no names of others' processes, mounts or users.
constexpr std::array files{"etc/os-release",      "proc/version",      "proc/sys/kernel/io_uring_disabled",
                           "proc/self/limits",    "proc/self/cgroup",  "proc/meminfo",
                           "proc/loadavg",        "proc/pressure/cpu", "proc/pressure/io",
                           "proc/pressure/memory"};
constexpr std::array group_files{"cpu.max",       "cpu.stat",       "memory.max",      "memory.high",
                                 "memory.events", "memory.current", "memory.swap.max", "pids.max"};

/// Of control groups, version 2: the own one, which in a container is the mount itself.
fs::path own_group(const fs::path& root) {
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::/")) return fs::path("sys/fs/cgroup") / line.substr(4);
  }
  return "sys/fs/cgroup";
}

std::string file_text(const fs::path& root, const fs::path& file) {
  std::string text = "\n== /" + file.string() + "\n";
  errno = 0;
  std::ifstream in(root / file, std::ios::binary);
  std::ostringstream content;
  if (in && in.peek() != std::ifstream::traits_type::eof()) content << in.rdbuf();
  if (content.str().empty())
    return text + (errno == 0 ? "(empty)" : std::string("(") + std::strerror(errno) + ")") + "\n";
  text += content.str();
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

std::string mebibytes(const std::optional<double>& bytes) {
  if (!bytes) return "not told";
  return std::to_string(static_cast<long long>(*bytes / (1024.0 * 1024.0))) + " MiB";
}

}  // namespace

std::string host_text(const assess::this_host_facts& facts, const fs::path& root) {
  std::ostringstream out;
  out << "kernel            " << facts.kernel << "\n"
      << "waits with        " << facts.backend << (facts.why_epoll.empty() ? "" : ": " + facts.why_epoll) << "\n"
      << "cores             " << facts.cores << "\n"
      << "open files        " << facts.open_files_max << "\n"
      << "memory available  " << mebibytes(facts.memory_available_bytes) << "\n"
      << "memory limit      " << mebibytes(facts.memory_limit_bytes) << "\n"
      << "spool             " << facts.spool_dir << "\n"
      << "spool free        " << (facts.spool_problem.empty() ? mebibytes(facts.spool_free_bytes) : facts.spool_problem)
      << "\n"
      << "\nAs this process sees them; a server that runs as a service or in a container may have other limits.\n";
  for (const char* const file : files) out << file_text(root, file);
  const fs::path group = own_group(root);
  for (const char* const file : group_files) out << file_text(root, group / file);
  return out.str();
}

}  // namespace sluice::tools
