#include "tools/service_notice.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <pthread.h>

#include "engine/runtime/log.hpp"
#include "tools/redaction.hpp"
#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 1s;     // a change of state is told at the latest after it
constexpr auto figures_interval = 5s;  // what only differs in its figures
constexpr std::size_t status_columns_max = 300;

/// What a change of is told at once: everything before the figures.
std::string_view head_of(std::string_view status) {
  return status.substr(0, status.find(','));
}

std::string figures(const session::progress& now) {
  using session::phase;
  switch (now.at) {
    case phase::collection_copy: {
      if (now.totals_unknown) return ", " + bytes_text(static_cast<double>(now.bytes_copied));
      const auto total = std::max({now.bytes_total, now.bytes_copied, std::int64_t{1}});
      return fmt::format(", {} % of {}", 100 * now.bytes_copied / total, bytes_text(static_cast<double>(total)));
    }
    case phase::index_build:
      return fmt::format(", {} of {} indexes", now.indexes_built, now.indexes_total);
    case phase::change_application:
    case phase::committing:
      return now.follow.lag_seconds ? fmt::format(", {} s behind", *now.follow.lag_seconds) : "";
    default:
      return "";
  }
}

}  // namespace

std::string service_status(const session::progress& now) {
  using session::state;
  std::string text(to_string(now.now));
  if (now.failure) {
    text += ": " + redacted(now.failure->message);
  } else if (now.now != state::idle && now.now != state::initializing) {
    text += ": " + std::string(to_string(now.at)) + figures(now);
  }
  return cut_to(printable(text), status_columns_max);
}

service_notice::service_notice(const service_manager_wishes& wishes, snapshot_call snapshot)
    : manager_(wishes.socket.empty() ? nullptr : std::make_unique<service_manager>(wishes.socket)),
      beat_(wishes.watchdog.value_or(0us) / 2),
      snapshot_(std::move(snapshot)) {
  if (!manager_) return;
  told_ = service_status(snapshot_());
  told_at_ = clock::now();
  manager_->tell("READY=1\nSTATUS=" + told_);
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "sluice-notify");
    keep_telling();
  });
}

service_notice::~service_notice() {
  stopping();
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void service_notice::stopping() {
  const std::scoped_lock lock(mutex_);
  if (manager_ && !said_stopping_) manager_->tell("STOPPING=1");
  said_stopping_ = true;
}

void service_notice::keep_telling() {
  lanes_.ask();
  auto next_beat = clock::now() + beat_;
  auto next_look = clock::now() + look_interval;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_until(lock, beat_ > 0s ? std::min(next_beat, next_look) : next_look, [this] { return ended_; });
    if (ended_) return;
    lock.unlock();
    const auto now = clock::now();
    if (beat_ > 0s && now >= next_beat) {
      give_sign_of_life();
      next_beat = now + beat_;
    } else if (now >= next_look) {
      if (!hangs_) tell_status(service_status(snapshot_()));
      next_look = now + look_interval;
    }
    lock.lock();
  }
}

void service_notice::give_sign_of_life() {
  const std::vector<std::string> silent = lanes_.silent();
  hangs_ = !silent.empty();
  if (!hangs_) {
    manager_->tell("WATCHDOG=1");
    lanes_.ask();
    return;
  }
  // Not asked again: the question is still there. Said before it is logged, for the log may be what hangs.
  const std::string who = fmt::format("{}", fmt::join(silent, ", "));
  manager_->tell("STATUS=hangs: " + who);
  if (told_ != who) log(log_level::error, "serve", "A thread does not come round; no sign of life", {{"lanes", who}});
  told_ = who;
}

void service_notice::tell_status(std::string status) {
  const bool at_once = head_of(status) != head_of(told_);
  if (status == told_ || (!at_once && clock::now() < told_at_ + figures_interval)) return;
  manager_->tell("STATUS=" + status);
  told_ = std::move(status);
  told_at_ = clock::now();
}

}  // namespace sluice::tools
