#include "engine/session/copy_board.hpp"

#include <algorithm>
#include <string>

#include "engine/runtime/log.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::session {

namespace {

constexpr auto rate_window = std::chrono::seconds(10);

}  // namespace

void copy_board::set_state(state now) {
  const std::scoped_lock lock(mutex_);
  told_.now = now;
}

void copy_board::set_phase(phase at) {
  const std::scoped_lock lock(mutex_);
  if (told_.at == at) return;
  told_.at = at;
  log(log_level::info, "session", "Starting " + std::string(to_string(at)) + " phase");
}

void copy_board::set_names(std::string source, std::string destination) {
  const std::scoped_lock lock(mutex_);
  told_.source_name = std::move(source);
  told_.destination_name = std::move(destination);
}

void copy_board::set_reach(reach source, reach destination, std::chrono::seconds retry_horizon) {
  const std::scoped_lock lock(mutex_);
  told_.source_ping_ms = source.ping_ms;
  told_.destination_ping_ms = destination.ping_ms;
  told_.source_silent_seconds = source.silent_seconds;
  told_.destination_silent_seconds = destination.silent_seconds;
  told_.retry_horizon_seconds = retry_horizon.count();
}

void copy_board::set_destination_written() {
  const std::scoped_lock lock(mutex_);
  told_.destination_written = true;
}

void copy_board::set_totals_unknown() {
  const std::scoped_lock lock(mutex_);
  told_.totals_unknown = true;
}

void copy_board::set_failure(error cause) {
  const std::scoped_lock lock(mutex_);
  told_.failure = std::move(cause);
  told_.now = state::failed;
}

void copy_board::add_warning(std::string text) {
  const std::scoped_lock lock(mutex_);
  told_.warnings.push_back(std::move(text));
}

void copy_board::set_passing_warnings(std::vector<std::string> texts) {
  const std::scoped_lock lock(mutex_);
  passing_warnings_ = std::move(texts);
}

void copy_board::set_follow(follow_progress follow) {
  const std::scoped_lock lock(mutex_);
  told_.follow = std::move(follow);
}

void copy_board::set_waiting_for(std::string what) {
  const std::scoped_lock lock(mutex_);
  told_.pausing = std::move(what);
}

void copy_board::set_can_write() {
  const std::scoped_lock lock(mutex_);
  told_.can_write = true;
}

void copy_board::set_accounts(accounts::account_report report) {
  const std::scoped_lock lock(mutex_);
  told_.accounts = std::move(report);
}

void copy_board::set_verification(std::optional<verify::verify_figures> figures) {
  const std::scoped_lock lock(mutex_);
  told_.verification = std::move(figures);
}

void copy_board::clear() {
  begin_again();
  const std::scoped_lock lock(mutex_);
  const state now = told_.now;
  told_ = progress{};
  told_.now = now;
  passing_warnings_.clear();
}

void copy_board::begin_again() {
  const std::scoped_lock lock(mutex_);
  planned_.clear();
  points_.clear();
  counters.clear();
  builds.clear();
  refused.clear();
}

void copy_board::publish_catalog(const cluster::catalog& catalog) {
  const std::scoped_lock lock(mutex_);
  planned_.clear();
  for (const auto& info : catalog.collections) {
    if (info.kind == cluster::collection_kind::view) continue;
    planned_.push_back({info.ns.to_string(), info.renamed_to ? info.renamed_to->to_string() : "",
                        counters.at(info.ns).get(), builds.at(info.ns).get(), info.documents, info.data_bytes,
                        static_cast<std::int32_t>(info.indexes.size())});
  }
}

void copy_board::sample() {
  const std::scoped_lock lock(mutex_);
  std::int64_t bytes = 0;
  for (const planned& one : planned_) bytes += one.copied->bytes.load(std::memory_order_relaxed);
  told_.host = host_.read();
  const auto now = std::chrono::steady_clock::now();
  points_.emplace_back(now, bytes);
  while (points_.size() > 2 && now - points_.front().first > rate_window) points_.pop_front();
}

progress copy_board::snapshot(bool with_collections) const {
  const std::scoped_lock lock(mutex_);
  progress taken = told_;
  taken.warnings.insert(taken.warnings.end(), passing_warnings_.begin(), passing_warnings_.end());
  add_collections(taken, with_collections);
  if (taken.at == phase::collection_copy && points_.size() > 1) {
    const std::chrono::duration<double> time = points_.back().first - points_.front().first;
    const auto moved = static_cast<double>(points_.back().second - points_.front().second);
    if (time.count() > 0) taken.copy_bytes_per_second = std::max(0.0, moved / time.count());
    if (taken.copy_bytes_per_second > 0 && !taken.totals_unknown) {
      const auto left = static_cast<double>(taken.bytes_total - taken.bytes_copied);
      taken.seconds_to_complete = static_cast<std::int64_t>(left / taken.copy_bytes_per_second) + 1;
    }
  }
  taken.copying = copy::add_up(measured);
  index_commands.add_to(taken.index_commands);
  source_pings.add_to(taken.source_pings);
  destination_pings.add_to(taken.destination_pings);
  taken.retries = wire::retries_so_far();
  if (taken.at == phase::copy_completed) taken.seconds_to_complete = 0;
  return taken;
}

void copy_board::add_collections(progress& to, bool with_collections) const {
  if (!planned_.empty()) to.bytes_total = 0;
  for (const planned& one : planned_) {
    collection_progress p;
    p.ns = one.ns;
    p.destination_ns = one.destination_ns;
    p.documents_copied = one.copied->documents.load(std::memory_order_relaxed);
    p.bytes_copied = one.copied->bytes.load(std::memory_order_relaxed);
    p.copied = one.copied->partitions_left.load(std::memory_order_relaxed) == 0;
    // Estimates end where the truth is known.
    p.documents_total = p.copied ? p.documents_copied : std::max(one.documents, p.documents_copied);
    p.bytes_total = p.copied ? p.bytes_copied : std::max(one.bytes, p.bytes_copied);
    p.indexes_total = one.copied->gone ? 0 : one.indexes;
    p.indexes_built = one.copied->gone ? 0 : one.built->built.load(std::memory_order_relaxed);
    if (p.indexes_built < p.indexes_total) {
      p.index_build_fraction = one.built->fraction_permille.load(std::memory_order_relaxed) / 1000.0;
    }
    to.documents_total += p.documents_total;
    to.documents_copied += p.documents_copied;
    to.bytes_total += p.bytes_total;
    to.bytes_copied += p.bytes_copied;
    to.duplicates_skipped += one.copied->duplicates.load(std::memory_order_relaxed);
    to.collections_total += 1;
    to.collections_copied += p.copied ? 1 : 0;
    to.indexes_total += p.indexes_total;
    to.indexes_built += p.indexes_built;
    to.collections_indexed += p.indexes_total > 0 && p.indexes_built == p.indexes_total ? 1 : 0;
    if (with_collections) to.collections.push_back(std::move(p));
  }
}

state copy_board::current_state() const {
  const std::scoped_lock lock(mutex_);
  return told_.now;
}

}  // namespace sluice::session
