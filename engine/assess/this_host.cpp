#include "engine/assess/this_host.hpp"

#include <algorithm>

#include "engine/measure/verdict.hpp"

namespace sluice::assess {

namespace {

using measure::size_text;

constexpr check_name files{"thisHost.files", heading::this_host};
constexpr check_name kernel{"thisHost.io", heading::this_host};
constexpr check_name memory{"thisHost.memory", heading::this_host};
constexpr check_name cores{"thisHost.cores", heading::this_host};
constexpr check_name spool{"thisHost.spool", heading::this_host};

/// Connections of both sides, segments of the spool, HTTP clients.
constexpr std::uint64_t open_files_wanted = 1024;
/// So much of a spool's disk and there is nothing to speak of.
constexpr double spool_bytes_min = 1e9;

finding judge_files(const this_host_facts& facts) {
  const std::string what = std::to_string(facts.open_files_max) + " open files are allowed (ulimit -n)";
  const std::vector<figure> figures{{"openFilesMax", static_cast<double>(facts.open_files_max)}};
  if (facts.open_files_max >= open_files_wanted) return fine(files, "this host", what, figures);
  return warning(files, "this host", what + ", and many lanes and connections want more",
                 "ulimit -n 4096, or LimitNOFILE=4096 in a systemd unit", figures);
}

finding judge_io(const this_host_facts& facts) {
  const std::string on = "Linux " + facts.kernel + ", waits with " + facts.backend;
  if (facts.backend != "epoll" || facts.why_epoll.empty()) return fine(kernel, "this host", on);
  return warning(kernel, "this host", on + ", which costs more CPU: " + facts.why_epoll,
                 "nothing has to be done; a kernel of 5.11 or newer and a container profile that allows io_uring make "
                 "it cheaper");
}

finding judge_memory(const this_host_facts& facts, std::size_t wanted) {
  const auto bytes = static_cast<double>(wanted);
  std::vector<figure> figures{{"wantedBytes", bytes}};
  if (facts.memory_available_bytes) figures.push_back({"availableBytes", *facts.memory_available_bytes});
  if (facts.memory_limit_bytes) figures.push_back({"limitBytes", *facts.memory_limit_bytes});
  const std::string takes = "Sluice takes up to " + size_text(bytes);
  if (facts.memory_limit_bytes && *facts.memory_limit_bytes < bytes) {
    return problem(memory, "this host",
                   takes + ", but its control group (container, unit) may have only " +
                       size_text(*facts.memory_limit_bytes) + ": the kernel would kill it",
                   "raise the limit, or lower --memory-mb", figures);
  }
  if (facts.memory_available_bytes && *facts.memory_available_bytes < bytes) {
    return warning(memory, "this host",
                   takes + ", and only " + size_text(*facts.memory_available_bytes) + " are available now",
                   "end what else takes memory, or lower --memory-mb", figures);
  }
  const double least = std::min(facts.memory_available_bytes.value_or(bytes), facts.memory_limit_bytes.value_or(1e18));
  return fine(memory, "this host", takes + " of " + size_text(least), figures);
}

finding judge_cores(const this_host_facts& facts) {
  const std::string what = counted(facts.cores, "core", "cores");
  const std::vector<figure> figures{{"cores", static_cast<double>(facts.cores)}};
  if (facts.cores != 1) return fine(cores, "this host", what, figures);
  return warning(cores, "this host", what + ": reading, writing and capturing share it",
                 "run Sluice with two cores or more", figures);
}

finding judge_spool(const this_host_facts& facts) {
  if (!facts.spool_problem.empty()) {
    return problem(spool, "this host", "changes are to wait in " + facts.spool_dir + ": " + facts.spool_problem,
                   "choose another folder with --spool-dir");
  }
  const std::vector<figure> figures{{"freeBytes", facts.spool_free_bytes}};
  const std::string what = size_text(facts.spool_free_bytes) + " free for changes that wait in " + facts.spool_dir;
  if (facts.spool_free_bytes >= spool_bytes_min) return fine(spool, "this host", what, figures);
  return warning(spool, "this host", what, "put it on a larger disk with --spool-dir", figures);
}

}  // namespace

findings judge_this_host(const this_host_facts& facts, const this_host_demand& needs) {
  findings found;
  found.push_back(judge_io(facts));
  found.push_back(judge_cores(facts));
  found.push_back(judge_memory(facts, needs.memory_bytes));
  found.push_back(judge_files(facts));
  if (needs.spools) found.push_back(judge_spool(facts));
  return found;
}

}  // namespace sluice::assess
