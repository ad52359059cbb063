#include "engine/session/spool_place.hpp"

#include <cstdlib>
#include <string_view>
#include <system_error>

#include "engine/runtime/log.hpp"

namespace sluice::session {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t identity_digits = 12;  // of hex: enough for a name, short enough for a path

}  // namespace

fs::path default_spool_dir() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return fs::path(state) / "sluice" / "spool";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return fs::path(home) / ".local" / "state" / "sluice" / "spool";
  }
  return fs::path("sluice-spool");
}

result<fs::path> spool_folder_of(const fs::path& dir, const std::string& source_identity,
                                 const std::string& destination_identity, const std::string& run) {
  const fs::path pair =
      dir / (source_identity.substr(0, identity_digits) + "-" + destination_identity.substr(0, identity_digits));
  std::error_code failed;
  fs::create_directories(pair, failed);
  if (failed) {
    return failure(error_kind::storage, "the spool's folder " + pair.string() + " cannot be made: " + failed.message() +
                                            "; choose another one with --spool-dir");
  }
  for (fs::directory_iterator at(pair, failed), end; !failed && at != end; at.increment(failed)) {
    if (at->path().filename() == run) continue;
    log(log_level::info, "session", "Removing the spool of an earlier run", {{"folder", at->path().string()}});
    std::error_code ignored;
    fs::remove_all(at->path(), ignored);
  }
  return pair / run;
}

}  // namespace sluice::session
