#include "engine/measure/local_folder.hpp"

#include <charconv>
#include <system_error>

#include <signal.h>
#include <unistd.h>

namespace sluice::measure {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "sluice-bench-";

fs::path place() {
  std::error_code failed;
  fs::path found = fs::temp_directory_path(failed);
  return failed ? fs::path("/tmp") : found;
}

/// The process in a folder's name; 0: it is no such folder.
pid_t process_of(std::string_view name) {
  if (!name.starts_with(prefix)) return 0;
  name.remove_prefix(prefix.size());
  pid_t process = 0;
  const auto end = std::from_chars(name.data(), name.data() + name.size(), process);
  return end.ec == std::errc() && end.ptr != name.data() + name.size() && *end.ptr == '-' ? process : 0;
}

}  // namespace

fs::path new_local_folder(const std::string& bench) {
  return place() / (std::string(prefix) + std::to_string(::getpid()) + "-" + bench);
}

void remove_local_leftovers() {
  std::error_code failed;
  for (fs::directory_iterator at(place(), failed), end; !failed && at != end; at.increment(failed)) {
    const pid_t process = process_of(at->path().filename().string());
    if (process <= 0 || ::kill(process, 0) == 0 || errno != ESRCH) continue;
    std::error_code ignored;  // another user's
    fs::remove_all(at->path(), ignored);
  }
}

}  // namespace sluice::measure
