#include "tests/lab/browser.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lab/mongod_process.hpp"

namespace sluice::lab {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(60);  // a browser on a busy machine
// Where chromium has its debugging pipe.
constexpr int commands_fd = 3;
constexpr int answers_fd = 4;

std::string decoded(std::string_view base64) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : base64) {
    static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = letters.find(c);
    if (value == std::string_view::npos) break;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    if ((count += 6) >= 8) bytes += static_cast<char>(bits >> static_cast<unsigned>(count -= 8) & 0xffU);
  }
  return bytes;
}

std::string json_string(std::string_view text) {
  return "\"" + json_escaped(text) + "\"";
}

[[noreturn]] void become_chromium(const std::filesystem::path& place, int commands, int answers) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);
  const int log = ::open((place / "chromium.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  // Both first out of the way of the numbers that they are to have.
  const int commands_aside = ::fcntl(commands, F_DUPFD, 10);
  const int answers_aside = ::fcntl(answers, F_DUPFD, 10);
  ::dup2(commands_aside, commands_fd);
  ::dup2(answers_aside, answers_fd);
  ::close_range(answers_fd + 1, ~0U, 0);
  const std::string profile = "--user-data-dir=" + (place / "profile").string();
  const std::array<const char*, 13> arguments{"chromium",
                                              "--headless",
                                              "--no-sandbox",
                                              "--disable-gpu",
                                              "--disable-quic",
                                              "--no-first-run",
                                              "--disable-background-networking",
                                              "--disable-component-update",
                                              "--disable-sync",
                                              "--remote-debugging-pipe",
                                              profile.c_str(),
                                              "about:blank",
                                              nullptr};
  ::execvp(arguments[0], const_cast<char* const*>(arguments.data()));
  ::_exit(127);
}

}  // namespace

browser::browser() {
  std::string name = (lab_directory() / "browser-XXXXXX").string();
  std::filesystem::create_directories(lab_directory());
  if (::mkdtemp(name.data()) == nullptr) throw failure("no directory for the browser: " + name);
  place_ = name;
  std::array<int, 2> commands{}, answers{};
  if (::pipe2(commands.data(), O_CLOEXEC) != 0 || ::pipe2(answers.data(), O_CLOEXEC) != 0) throw failure("no pipe");
  pid_ = ::fork();
  if (pid_ == 0) become_chromium(place_, commands[0], answers[1]);
  ::close(commands[0]);
  ::close(answers[1]);
  to_ = commands[1];
  from_ = answers[0];
  std::signal(SIGPIPE, SIG_IGN);  // a browser that has gone is told of by name
  const document targets = command("Target.createTarget", R"({"url":"about:blank"})", false);
  const document attached = command(
      "Target.attachToTarget", R"({"flatten":true,"targetId":)" + json_string(targets.text("targetId")) + "}", false);
  session_ = attached.text("sessionId");
  for (const char* domain : {"Page.enable", "Runtime.enable", "Log.enable"}) command(domain);
}

browser::~browser() {
  ::close(to_);
  ::close(from_);
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(place_, ignored);
}

document browser::next_message(clock::time_point deadline) {
  for (;;) {
    if (const std::size_t end = unread_.find('\0'); end != std::string::npos) {
      document message = document::json(unread_.substr(0, end));
      unread_.erase(0, end + 1);
      return message;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
    pollfd readable{from_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) == 0) {
      throw failure("the browser does not answer: " + tail_of(place_ / "chromium.log", 5));
    }
    std::array<char, 65536> bytes{};
    const ssize_t got = ::read(from_, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      throw failure("the browser has gone (tools/bootstrap installs chromium): " + tail_of(place_ / "chromium.log", 5));
    }
    unread_.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

void browser::note(const document& event) {
  const std::string method = event.text("method");
  if (method == "Page.loadEventFired") loaded_ = true;
  if (method == "Runtime.exceptionThrown") {
    complaints_.push_back("exception: " + event.text("params.exceptionDetails.text") + " " +
                          event.text("params.exceptionDetails.exception.description"));
  }
  const std::string type = event.text("params.type");
  if (method == "Runtime.consoleAPICalled" && (type == "error" || type == "warning")) {
    complaints_.push_back("console: " + event.text("params.args.0.value"));
  }
  const std::string level = event.text("params.entry.level");
  if (method == "Log.entryAdded" && (level == "error" || level == "warning")) {
    complaints_.push_back("browser: " + event.text("params.entry.text") + " " + event.text("params.entry.url"));
  }
}

document browser::command(const std::string& method, const std::string& parameters, bool of_page) {
  const std::int64_t number = ++number_;
  std::string message = R"({"id":)" + std::to_string(number) + R"(,"method":)" + json_string(method);
  if (of_page) message += R"(,"sessionId":)" + json_string(session_);
  message += R"(,"params":)" + parameters + "}";
  message += '\0';
  for (std::string_view rest = message; !rest.empty();) {
    const ssize_t sent = ::write(to_, rest.data(), rest.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) throw failure("the browser has gone: " + tail_of(place_ / "chromium.log", 5));
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  const auto deadline = clock::now() + patience;
  for (;;) {
    const document answer = next_message(deadline);
    if (answer.integer("id") != number) {
      note(answer);
      continue;
    }
    if (answer.has("error")) throw failure(method + ": " + answer.text("error.message"));
    return answer.child("result");
  }
}

void browser::open(const std::string& url) {
  loaded_ = false;
  complaints_.clear();
  command("Page.navigate", R"({"url":)" + json_string(url) + "}");
  for (const auto deadline = clock::now() + patience; !loaded_;) note(next_message(deadline));
}

void browser::look_through(int width, int height, bool dark) {
  command("Emulation.setDeviceMetricsOverride",
          std::string(R"({"deviceScaleFactor":1,"mobile":)") + (width < 600 ? "true" : "false") + R"(,"width":)" +
              std::to_string(width) + R"(,"height":)" + std::to_string(height) + "}");
  command("Emulation.setEmulatedMedia", std::string(R"({"features":[{"name":"prefers-color-scheme","value":")") +
                                            (dark ? "dark" : "light") + R"("}]})");
}

std::string browser::evaluate(const std::string& expression) {
  const document told =
      command("Runtime.evaluate", R"({"awaitPromise":true,"returnByValue":true,"expression":)" +
                                      json_string("Promise.resolve(" + expression + ").then(String)") + "}");
  if (told.has("exceptionDetails")) throw failure(expression + ": " + to_text(*told.get()));
  return told.text("result.value");
}

void browser::press(const std::string& key) {
  const int code = key == "Tab" ? 9 : key == "Enter" ? 13 : key == "Escape" ? 27 : key[0];
  const std::string text = key == "Enter" ? R"(,"text":"\r")" : key == " " ? R"(,"text":" ")" : "";
  const std::string same = R"("key":)" + json_string(key) + R"(,"windowsVirtualKeyCode":)" + std::to_string(code);
  command("Input.dispatchKeyEvent", R"({"type":"keyDown",)" + same + text + "}");
  command("Input.dispatchKeyEvent", R"({"type":"keyUp",)" + same + "}");
}

void browser::type(const std::string& text) {
  command("Input.insertText", R"({"text":)" + json_string(text) + "}");
}

void browser::picture(const std::filesystem::path& file) {
  const document taken = command("Page.captureScreenshot", R"({"format":"png","captureBeyondViewport":true})");
  std::ofstream(file, std::ios::binary) << decoded(taken.text("data"));
}

std::vector<std::string> browser::complaints() {
  evaluate("0");  // whatever came before it has arrived now
  return complaints_;
}

}  // namespace sluice::lab
