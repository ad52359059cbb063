// What other users see of this process, looked at as they would: in /proc.
#include "tools/process_privacy.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::tools {
namespace {

/// In a process of its own, for there is no way back. Whether `check` was true there.
bool in_a_child(const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string read_all(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(process_privacy, nobody_may_dump_or_trace_the_process) {
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
  EXPECT_TRUE(in_a_child([] {
    forbid_memory_dumps();
    rlimit core{};
    ::getrlimit(RLIMIT_CORE, &core);
    return ::prctl(PR_GET_DUMPABLE) == 0 && core.rlim_cur == 0 && core.rlim_max == 0;
  }));
}

TEST(process_privacy, arguments_lose_their_secrets_in_place) {
  std::string uri = "mongodb://user:hunter2@host:27017/?replicaSet=rs";
  std::string joined = "--destination=mongodb://user:x@h";  // shorter than what replaces the password
  std::string odd = "mongo://user:hunter2@host";            // no URI at all, but given as one
  std::string harmless = "--drop";
  std::vector<char*> arguments{uri.data(), joined.data(), odd.data(), harmless.data()};
  const std::array<std::string, 2> secrets{uri, odd};
  hide_arguments(arguments, secrets);
  EXPECT_STREQ(uri.c_str(), "mongodb://user:***@host:27017/?replicaSet=rs");
  EXPECT_EQ(uri.find("hunter2"), std::string::npos);
  EXPECT_EQ(joined, "--destination=mongodb://user:***");
  EXPECT_EQ(odd.find("hunter2"), std::string::npos);
  EXPECT_EQ(harmless, "--drop");
}

TEST(process_privacy, the_kernel_no_longer_shows_a_removed_variable) {
  // A variable of the first environment: only those are in /proc/PID/environ.
  EXPECT_TRUE(in_a_child([] {
    const char* const name = "PATH";
    const std::string before = std::getenv(name);
    if (read_all("/proc/self/environ").find(before) == std::string::npos) return false;
    hide_environment_variable(name);
    return std::getenv(name) == nullptr && read_all("/proc/self/environ").find("PATH=" + before) == std::string::npos;
  }));
}

}  // namespace
}  // namespace sluice::tools
