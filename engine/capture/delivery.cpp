#include "engine/capture/delivery.hpp"

#include <memory>
#include <utility>

#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::capture {

task<result<>> delivery::push(change_chunk chunk) {
  const auto entries = static_cast<std::int64_t>(chunk.count);
  const auto bytes = static_cast<std::int64_t>(chunk.entries.size());
  const auto seen_until = as_number(chunk.seen_until);
  auto shared = std::make_shared<const change_chunk>(std::move(chunk));
  SLUICE_CO_TRYV(co_await offer(std::move(shared)));
  counters_.entries.fetch_add(entries, std::memory_order_relaxed);
  counters_.bytes.fetch_add(bytes, std::memory_order_relaxed);
  counters_.seen_until.store(seen_until, std::memory_order_relaxed);
  co_return ok();
}

task<result<>> delivery::offer(shared_chunk chunk) {
  wire::backoff waits;
  bool refused = false;
  for (;;) {
    auto taken = co_await into_.push(chunk);
    if (taken) {
      if (refused) log(log_level::info, "capture", "The spool takes changes again");
      co_return ok();
    }
    if (taken.error().kind != error_kind::storage) co_return taken;
    if (!std::exchange(refused, true)) {
      log(log_level::error, "capture", "The spool does not take changes; they are offered until it does",
          {{"cause", taken.error().message}});
    }
    const bool slept = co_await runtime::sleep_for(waits.next(), scope_);
    if (!slept) co_return failure(error_kind::cancelled, "capture was cancelled while the spool took nothing");
  }
}

void delivery::newest(bson::timestamp told) noexcept {
  const auto number = as_number(told);
  // Written by this lane alone.
  if (number > counters_.source_newest.load(std::memory_order_relaxed))
    counters_.source_newest.store(number, std::memory_order_relaxed);
}

void delivery::left_out(std::int64_t entries) noexcept {
  counters_.filtered.fetch_add(entries, std::memory_order_relaxed);
}

}  // namespace sluice::capture
