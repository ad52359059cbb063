// Starting, watching and ending programs. Must never leave one behind.
#include "tests/lab/child_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <random>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::lab {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string why() {
  return std::strerror(errno);
}

exit_status decode(int status) {
  if (WIFSIGNALED(status)) {
    return {.code = 0, .signal = WTERMSIG(status)};
  }
  return {.code = WEXITSTATUS(status), .signal = 0};
}

// Between fork and exec: only calls that are safe when other threads of the parent held locks at the fork.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {  // the parent died before the line above
    ::_exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::close_range(3, ~0U, 0);
  ::execve(arguments[0], arguments, environment);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts) {
    result.push_back(text.data());
  }
  result.push_back(nullptr);
  return result;
}

}  // namespace

child_process::child_process(const options& how) {
  std::vector<std::string> arguments = how.command;
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  for (const auto& setting : how.environment) {
    const std::string prefix = setting.first + "=";
    std::erase_if(environment, [&](const std::string& entry) { return entry.starts_with(prefix); });
    environment.push_back(prefix + setting.second);
  }
  auto argument_pointers = pointers(arguments);
  auto environment_pointers = pointers(environment);

  const std::string path = how.output.empty() ? "/dev/null" : how.output.string();
  const int output = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0) {
    throw failure("cannot write the output of " + how.command.at(0) + " to " + path + ": " + why());
  }
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    become(argument_pointers.data(), environment_pointers.data(), output, parent);
  }
  ::close(output);
  if (pid_ < 0) {
    throw failure("cannot fork for " + how.command.at(0) + ": " + why());
  }
  ::setpgid(pid_, pid_);  // in both processes: whoever comes first
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd_ < 0) {
    const std::string cause = why();
    kill();
    throw failure("cannot watch " + how.command.at(0) + " (pidfd_open: " + cause + ")");
  }
}

child_process::~child_process() {
  kill();
  if (pidfd_ >= 0) {
    ::close(pidfd_);
  }
}

void child_process::signal(int number) const {
  if (!ended_ && ::kill(-pid_, number) != 0) {
    ::kill(pid_, number);
  }
}

std::optional<exit_status> child_process::poll_exit(milliseconds limit) {
  if (ended_) {
    return ended_;
  }
  const auto deadline = steady_clock::now() + limit;
  while (pidfd_ >= 0) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    pollfd watched{.fd = pidfd_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::max(left, milliseconds{0}).count()));
    if (ready > 0) {
      break;
    }
    if (ready == 0) {
      return std::nullopt;
    }
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = decode(status);
  return ended_;
}

exit_status child_process::terminate(milliseconds grace) {
  signal(SIGCONT);
  signal(SIGTERM);
  if (auto status = poll_exit(grace)) {
    return *status;
  }
  return kill();
}

exit_status child_process::kill() {
  if (!ended_ && pid_ > 0) {
    signal(SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    ended_ = decode(status);
  }
  return ended_.value_or(exit_status{});
}

double child_process::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto after_name = text.rfind(')');
  if (after_name == std::string::npos) {
    return 0;
  }
  std::istringstream fields(text.substr(after_name + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) {  // numbered as in proc(5); the name is field 2
    fields >> skipped;
  }
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t child_process::peak_memory_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) {
      return std::stoull(line.substr(6)) * 1024;
    }
  }
  return 0;
}

void run_program(const std::vector<std::string>& command, const std::filesystem::path& output) {
  child_process child({.command = command, .output = output});
  const auto status = child.poll_exit(std::chrono::minutes{1});
  if (!status || !status->success()) {
    throw failure(command.at(0) + " failed: " + tail_of(output, 5));
  }
}

std::string tail_of(const std::filesystem::path& file, std::size_t lines) {
  std::ifstream stream(file);
  std::deque<std::string> last;
  for (std::string line; std::getline(stream, line);) {
    last.push_back(line.substr(0, 500));
    if (last.size() > lines) {
      last.pop_front();
    }
  }
  std::string text;
  for (const auto& line : last) {
    text += "\n  " + line;
  }
  return text;
}

std::uint16_t free_port() {
  std::random_device random;
  std::uniform_int_distribution<int> choose(20000, 32000);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const auto port = static_cast<std::uint16_t>(choose(random));
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool taken = ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0;
    ::close(probe);
    if (!taken) {
      return port;
    }
  }
  throw failure("no free TCP port between 20000 and 32000");
}

bool eventually(const std::function<bool()>& condition, milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (!condition()) {
    if (steady_clock::now() >= deadline) {
      return false;
    }
    ::poll(nullptr, 0, 20);  // how often to look again, not how long to hope
  }
  return true;
}

}  // namespace sluice::lab
