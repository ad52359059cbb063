#include "tools/client_command.hpp"

#include <chrono>
#include <ostream>
#include <string>
#include <thread>

#include "tools/status_text.hpp"

namespace sluice::tools {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(500);
constexpr std::string_view progress_path = "/api/v1/progress";

struct call_text {
  std::string_view path;
  std::string_view wanted;    // the state that --wait waits for
  std::string_view accepted;  // what is said without --wait
};

call_text text_of(client_call call) {
  switch (call) {
    case client_call::status:
      break;
    case client_call::pause:
      return {"/api/v1/pause", "PAUSED", "pausing; it is PAUSED once what is captured so far is applied"};
    case client_call::resume:
      return {"/api/v1/resume", "RUNNING", "resumed"};
    case client_call::commit:
      return {"/api/v1/commit", "COMMITTED", "committing; the destination may be written to once \"can write\" is yes"};
    case client_call::reverse:
      return {"/api/v1/reverse", "RUNNING", "reversing; it is RUNNING once changes go the other way"};
  }
  return {};
}

/// Whether the wanted state may still come.
bool may_come(client_call call, std::string_view state) {
  if (state == "INITIALIZING") return true;
  switch (call) {
    case client_call::status:
      return false;
    case client_call::pause:
      return state == "RUNNING";
    case client_call::resume:
      return state == "PAUSED";
    case client_call::commit:
      return state == "COMMITTING";
    case client_call::reverse:
      return state == "REVERSING";
  }
  return false;
}

class client {
 public:
  client(const client_options& options, const client_calls& server, std::ostream& out, std::ostream& err)
      : options_(options), server_(server), out_(out), err_(err) {}

  exit_code status() {
    const auto reply = ask("GET", progress_path);
    if (!reply) return failed_with_;
    if (options_.json) {
      out_ << reply->body << "\n";
      return exit_code::everything_is_there;
    }
    const std::string text = status_text(reply->body);
    if (text.empty()) return no_progress();
    out_ << text;
    return exit_code::everything_is_there;
  }

  exit_code tell_and_wait() {
    const call_text text = text_of(options_.call);
    const auto reply = ask("POST", text.path);
    if (!reply) return failed_with_;
    if (options_.wait) return wait_for(text.wanted);
    if (options_.json) {
      out_ << reply->body << "\n";
    } else {
      out_ << text.accepted << "\n";
    }
    return exit_code::everything_is_there;
  }

 private:
  exit_code wait_for(std::string_view wanted) {
    for (;;) {
      const auto reply = ask("GET", progress_path);
      if (!reply) return exit_code::failed;
      const auto told = parse_progress(reply->body);
      if (!told) return no_progress();
      if (told->state == wanted) {
        out_ << (options_.json ? reply->body : std::string(wanted)) << "\n";
        return exit_code::everything_is_there;
      }
      if (!may_come(options_.call, told->state)) {
        if (options_.json) out_ << reply->body << "\n";
        return given_up(*told, wanted);
      }
      say_if_new(*told);
      server_.wait();
    }
  }

  exit_code given_up(const told_progress& told, std::string_view wanted) {
    const std::string& why = !told.error.empty() ? told.error : told.last_warning;
    err_ << "sluice: the run is " << told.state << " and not on its way to " << wanted
         << (why.empty() ? std::string("; see `sluice status`") : ": " + why) << "\n";
    return exit_code::failed;
  }

  void say_if_new(const told_progress& told) {
    std::string now = told.state;
    if (!told.info.empty()) now += ", " + told.info;
    if (!told.waiting_for.empty()) now += ", waiting for: " + told.waiting_for;
    if (now != said_) err_ << now << std::endl;
    said_ = std::move(now);
  }

  exit_code no_progress() {
    err_ << "sluice: what answers is no sluice: its progress cannot be read; check --port or --url\n";
    return exit_code::failed;
  }

  /// The answer, if it is a good one; else what was wrong has been said.
  std::optional<api_reply> ask(std::string_view method, std::string_view path) {
    auto reply = server_.call(method, path);
    if (!reply) {
      err_ << "sluice: " << reply.error().message << "\n";
      failed_with_ = exit_code::failed;
      return std::nullopt;
    }
    const unsigned status = reply.value().status;
    if (status == 200) return std::move(reply).value();
    if (options_.json) out_ << reply.value().body << "\n";
    err_ << "sluice: " << refusal_text(status, reply.value().body) << "\n";
    failed_with_ = status >= 400 && status < 500 ? exit_code::refused : exit_code::failed;
    return std::nullopt;
  }

  const client_options& options_;
  const client_calls& server_;
  std::ostream& out_;
  std::ostream& err_;
  exit_code failed_with_ = exit_code::failed;
  std::string said_;
};

}  // namespace

client_calls calls_to(const api_address& address) {
  return {[address](std::string_view method, std::string_view path) { return call_api(address, method, path); },
          [] { std::this_thread::sleep_for(poll_interval); }};
}

exit_code run_client(const client_options& options, const client_calls& server, std::ostream& out, std::ostream& err) {
  client asking(options, server, out, err);
  return options.call == client_call::status ? asking.status() : asking.tell_and_wait();
}

}  // namespace sluice::tools
