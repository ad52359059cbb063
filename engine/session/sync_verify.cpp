// Comparing both sides of a live sync while it runs.
#include <algorithm>
#include <utility>

#include "engine/plan/partitioner.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/session/sync_run.hpp"

namespace sluice::session {

namespace {

/// Further behind than that most of what is read differs, and has to be read again.
constexpr std::int64_t compared_lag_seconds_max = 10;
/// Two windows of changes: one is filled while the other is written.
constexpr std::size_t windows_memory_bytes = 64 * limits::mib;
/// What following takes of the operator's memory.
constexpr std::size_t following_memory_bytes =
    limits::memory_reserved_bytes + limits::capture_memory_bytes + windows_memory_bytes;
/// The largest batch of either side.
constexpr std::size_t reader_memory_bytes = 2 * limits::lane_memory_min_bytes;
constexpr std::size_t readers_max = 8;

bson::timestamp unpacked(std::uint64_t at) {
  return {static_cast<std::uint32_t>(at >> 32U), static_cast<std::uint32_t>(at)};
}

std::uint32_t readers_within(std::size_t memory_bytes) {
  const std::size_t left = memory_bytes - std::min(memory_bytes, following_memory_bytes);
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(left / reader_memory_bytes, 1, readers_max));
}

}  // namespace

/// On the verifier's lane.
bool sync_run::is_close_behind() const {
  if (desk_.now() != state::running || !position_.consistent) return false;
  const std::uint64_t newest = std::max(captured_.source_newest.load(), captured_.seen_until.load());
  const std::int64_t behind =
      static_cast<std::int64_t>(newest >> 32U) - static_cast<std::int64_t>(position_.applied.load() >> 32U);
  return behind <= compared_lag_seconds_max;
}

void sync_run::begin_verifying() {
  if (verifying_) return;
  verify::verifier::job job{.source = between_.source,
                            .destination = between_.destination,
                            .scope = choice_,
                            .patience = settings_.copy.retry_time,
                            .readers = readers_within(settings_.copy.memory_bytes),
                            .batch_bytes = limits::batch_bytes_target,
                            .may_look = [this] { return is_close_behind(); },
                            .applied = [this] { return unpacked(position_.applied.load()); }};
  verifying_ = std::make_unique<verify_side>(control_, std::move(job));
}

}  // namespace sluice::session
