#include "tests/integration/typed_shell.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>

#include <sys/prctl.h>
#include <sys/wait.h>

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;

fs::path fresh_file(const fs::path& folder) {
  static std::atomic<unsigned> count = 0;
  return folder / ("typed-" + std::to_string(++count));
}

child_process::options as_script(const fs::path& output, const std::string& lines,
                                 const typed_shell::variables& environment) {
  // What the shell leaves behind is ours then: to be waited for, too.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const fs::path script = output.string() + ".sh";
  write_file(script, "cd " + output.parent_path().string() + "\n" + lines + "\n");
  return {.command = {"/bin/bash", "-euo", "pipefail", script}, .output = output, .environment = environment};
}

}  // namespace

std::string read_file(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_file(const fs::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

typed_shell::typed_shell(const fs::path& folder, const std::string& lines, const variables& environment)
    : output_(fresh_file(folder)), child_(as_script(output_, lines, environment)) {}

typed_shell::~typed_shell() {
  const pid_t group = child_.pid();
  if (running()) child_.kill();
  // While a child of ours is in the group, its number is nobody else's.
  while (::waitpid(-group, nullptr, WNOHANG) != -1) {
    ::kill(-group, SIGKILL);
    if (::waitpid(-group, nullptr, 0) == -1 && errno != EINTR) break;
  }
  fs::remove(output_);
  fs::remove(output_.string() + ".sh");
}

said typed_shell::wait(std::chrono::seconds limit) {
  const auto ended = child_.poll_exit(limit);
  if (!ended) child_.kill();
  std::string text = read_file(output_);
  while (text.ends_with('\n')) text.pop_back();
  return {ended.value_or(exit_status{.code = -1}), std::move(text)};
}

}  // namespace sluice::lab
