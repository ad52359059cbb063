// What a live sync shows of itself, looked at a few times a second.
#include <algorithm>
#include <utility>

#include "engine/runtime/sleep.hpp"
#include "engine/session/sync_run.hpp"

namespace sluice::session {

namespace {

constexpr auto telling_interval = std::chrono::milliseconds(250);
constexpr auto oplog_interval = std::chrono::minutes(1);
/// Documents are named in a warning until it is about so long.
constexpr std::size_t named_bytes_max = 500;

bson::timestamp unpacked(std::uint64_t at) {
  return {static_cast<std::uint32_t>(at >> 32U), static_cast<std::uint32_t>(at)};
}

std::string words_of(const cluster::deployment& side, const cluster::outage::told& away) {
  const auto seconds = [](std::chrono::steady_clock::duration time) {
    return std::to_string(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(time).count())) + " s";
  };
  const auto now = std::chrono::steady_clock::now();
  return "no primary of the " + std::string(to_string(side.as)) + " has been reached for " + seconds(now - away.since) +
         "; it is looked for during another " + seconds(away.until - now) + " (--retry-minutes): " + away.cause;
}

/// What the comparison of both sides has found.
void add_warnings(const verify::verify_figures& told, std::vector<std::string>& warnings) {
  if (!told.fault.empty()) {
    warnings.push_back("the verification cannot go on: " + told.fault +
                       "; put that right and restart this process, which then compares anew, or restart it with "
                       "--disableVerification");
  }
  if (told.different == 0) return;
  std::string text = std::to_string(told.different) + " documents are not the same on both sides";
  for (const auto& one : told.differences) {
    text += (&one == &told.differences.front() ? ": " : ", ") + one.ns + " " + one.id_json + " " + one.what;
    if (text.size() > named_bytes_max) break;
  }
  warnings.push_back(text + "; the log names them. Repair them, and they are looked at again");
}

}  // namespace

task<result<>> sync_run::keep_telling(runtime::cancel_scope& until) {
  for (;;) {
    tell();
    if (settings_.commit_when_caught_up && desk_.now() == state::running) {
      progress now = board_.snapshot(false);
      now.now = state::running;
      if (commit_obstacle(now).empty()) {
        const auto asked = desk_.commit({});
        (void)asked;  // somebody else may have been quicker
      }
    }
    const bool go_on = co_await runtime::sleep_for(telling_interval, until);
    if (!go_on) co_return ok();
  }
}

task<result<>> sync_run::keep_looking_at_oplog(runtime::cancel_scope& until) {
  std::unique_ptr<wire::connection> from;
  for (;;) {
    if (way_ == capture::capture_way::oplog) {
      if (!from || !from->is_open()) {
        cluster::deployment known = between_.source;
        auto opened = co_await cluster::connect_primary(known, until, std::chrono::milliseconds(0));
        if (opened) from = std::move(opened).value();
      }
      if (from && from->is_open()) {
        const auto window = co_await capture::read_oplog_window(*from);
        if (window) oplog_first_ = window.value().first;
      }
    }
    const auto pause = oplog_first_ ? oplog_interval : std::chrono::seconds(1);
    const bool go_on = co_await runtime::sleep_for(pause, until);
    if (!go_on) co_return ok();
  }
}

void sync_run::tell() {
  board_.set_passing_warnings(passing_warnings());
  std::optional<verify::verify_figures> compared;
  if (settings_.verify) compared = verifying_ ? verifying_->told() : verify::verify_figures{};
  board_.set_verification(std::move(compared));
  if (captured_.seen_until == 0 && !applying_) return;
  follow_progress told;
  told.captured_by = to_string(way_);
  told.captured_entries = captured_.entries;
  told.events_applied = applied_.changes + applied_.commands;
  told.inserts = applied_.inserts;
  told.updates = applied_.updates;
  told.replaces = applied_.replaces;
  told.deletes = applied_.deletes;
  told.commands = applied_.commands;
  told.windows = applied_.windows;
  told.violations = applied_.violations;
  applied_.window_latency.add_to(told.window_latency);
  applied_.window_changes.add_to(told.window_changes);
  applied_.write_latency.add_to(told.write_latency);
  captured_.reads.add_to(told.read_latency);
  told.captured_bytes = captured_.bytes;
  told.consistent = applying_ && position_.consistent;
  if (capturing_ != nullptr) {
    const auto usage = capturing_->usage();
    told.spool_disk_bytes = usage.disk_bytes;
    told.spool_memory_bytes = usage.memory_bytes;
  }
  follow_sample sample;
  sample.at = std::chrono::steady_clock::now();
  sample.seen_until = unpacked(captured_.seen_until);
  sample.source_newest = unpacked(captured_.source_newest);
  if (applying_ && position_.applied != 0) sample.applied = unpacked(position_.applied);
  sample.changes = told.events_applied;
  sample.commands = told.commands;
  sample.oplog_first = oplog_first_;
  figures_.add(sample, told);
  board_.set_follow(std::move(told));
}

std::vector<std::string> sync_run::passing_warnings() const {
  std::vector<std::string> warnings = commit_complaints_;
  for (const cluster::deployment* side : {&between_.source, &between_.destination}) {
    if (const auto away = side->unreached->now()) warnings.push_back(words_of(*side, *away));
  }
  if (capturing_ != nullptr) {
    const auto usage = capturing_->usage();
    if (usage.full) {
      warnings.push_back("the spool is full, so that capturing waits; raise --spool-gb, or mind the source's oplog");
    }
    if (!usage.fault.empty()) {
      warnings.push_back("the spool cannot be written to, so that capturing waits: " + usage.fault);
    }
  }
  if (verifying_) add_warnings(verifying_->told(), warnings);
  if (applied_.violations > 0) {
    warnings.push_back(
        std::to_string(applied_.violations) +
        " documents of the destination were not what the source's changes expect: somebody else may have "
        "written to it; the log names them");
  }
  return warnings;
}

}  // namespace sluice::session
