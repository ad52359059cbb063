#include <algorithm>

#include "engine/measure/meter.hpp"
#include "engine/measure/steps.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/copy_run.hpp"

namespace sluice::measure {

namespace {

using session::phase;

/// How often the copy's counters are looked at: the error of a second's measurement is then two per cent.
constexpr auto look_interval = std::chrono::milliseconds(20);

/// What is seen of a copy from outside, as an operator sees it.
struct watched {
  std::optional<steady::time_point> data_began, data_ended, indexes_ended;
  std::vector<std::pair<steady::time_point, std::int64_t>> bytes;
  std::int64_t documents = 0;
  cpu_reading before, after;
  bool ended_early = false;
};

class copy_watch {
 public:
  copy_watch(bench& on, session::copy_board& board, runtime::cancel_scope& copying, watched& seen)
      : on_(on), board_(board), copying_(copying), seen_(seen) {}

  task<result<>> run(runtime::cancel_scope& until, const std::function<void(std::int64_t)>& tell) {
    for (;;) {
      const bool last = until.cancelled();
      const session::progress now = board_.snapshot(false);
      const auto at = steady::now();
      if (!looked_) seen_.before = co_await on_.cpu();
      if (now.at >= phase::collection_copy && !seen_.data_began) {
        // What begins and ends between two looks took no longer than from one to the other.
        const bool over_already = now.at > phase::collection_copy && looked_;
        seen_.data_began = over_already ? *looked_ : at;
        if (!over_already) seen_.before = co_await on_.cpu();
      }
      looked_ = at;
      if (now.at == phase::collection_copy && seen_.data_began) {
        seen_.bytes.emplace_back(at, now.bytes_copied);
        seen_.documents = now.documents_copied;
        tell(now.bytes_copied);
        if (at - *seen_.data_began > on_.settings.step_time && !copying_.cancelled()) {
          seen_.ended_early = true;
          seen_.data_ended = at;
          seen_.after = co_await on_.cpu();
          copying_.cancel();
        }
      }
      if (now.at > phase::collection_copy && !seen_.data_ended) {
        seen_.data_ended = at;
        seen_.bytes.emplace_back(at, now.bytes_copied);
        seen_.documents = now.documents_copied;
        seen_.after = co_await on_.cpu();
      }
      if (now.at > phase::index_build && !seen_.indexes_ended) seen_.indexes_ended = at;
      if (last) co_return ok();
      const bool slept = co_await runtime::sleep_for(look_interval, until);
      (void)slept;
    }
  }

 private:
  bench& on_;
  session::copy_board& board_;
  runtime::cancel_scope& copying_;
  watched& seen_;
  std::optional<steady::time_point> looked_;
};

double seconds_between(steady::time_point from, steady::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// The counters by slices of time, long enough that each has several batches; they count a batch when it is
/// acknowledged.
std::vector<point> series_of(const watched& seen) {
  constexpr auto shortest = std::chrono::milliseconds(100);
  const auto slice = std::max<steady::duration>(shortest, (*seen.data_ended - *seen.data_began) / 24);
  std::vector<double> slices;
  std::int64_t known = 0;
  for (const auto& [at, bytes] : seen.bytes) {
    const auto number = static_cast<std::size_t>((at - *seen.data_began) / slice);
    if (number >= slices.size()) slices.resize(number + 1);
    slices[number] += static_cast<double>(bytes - known);
    known = bytes;
  }
  return measure::series_of(slices, std::chrono::duration<double>(slice).count(),
                            seconds_between(*seen.data_began, *seen.data_ended));
}

}  // namespace

task<result<copy_figures>> measure_copy(bench& on, std::function<void(std::int64_t)> tell) {
  session::copy_settings settings;
  settings.source_uri = on.settings.source_uri;
  settings.destination_uri = on.settings.destination_uri;
  // Where its documents lie is not what is measured: they go to the shard that the bench's database is given.
  using cluster::deployment_kind;
  if (on.source.kind == deployment_kind::replica_set && on.destination.kind == deployment_kind::sharded) {
    settings.sharding.emplace();
  }
  settings.include = {on.database + "." + std::string(documents_collection)};
  settings.memory_bytes = on.settings.memory_bytes;
  settings.lanes = on.lanes;
  settings.connections = on.connections;
  settings.retry_time = on.settings.patience;

  session::copy_board board;
  runtime::cancel_scope copying;
  auto with_the_bench = on.scope.on_cancel([&copying] { copying.cancel(); });
  session::copy_run run(on.control, settings, {}, board, copying);
  watched seen;
  copy_watch eyes(on, board, copying, seen);
  runtime::cancel_scope watching;
  runtime::task_group watch(on.control, watching);
  watch.spawn(eyes.run(watching, tell));
  auto outcome = co_await run.run();
  watching.cancel();
  SLUICE_CO_TRYV(co_await watch.join());
  if (outcome.has_error() && !seen.ended_early) co_return outcome.error();
  if (on.scope.cancelled()) co_return failure(error_kind::cancelled, "the bench was cancelled");
  if (!seen.data_began || !seen.data_ended || seen.bytes.empty()) {
    co_return failure(error_kind::protocol, "the copy ended before it could be looked at");
  }

  copy_figures figures;
  figures.copied.name = "copy";
  figures.copied.seconds = seconds_between(*seen.data_began, *seen.data_ended);
  figures.copied.bytes = seen.bytes.back().second;
  figures.copied.documents = seen.documents;
  figures.copied.series = series_of(seen);
  figures.copied.cpu = difference(seen.before, seen.after);
  figures.is_whole = !seen.ended_early;
  if (seen.indexes_ended) figures.index_seconds = seconds_between(*seen.data_ended, *seen.indexes_ended);
  co_return figures;
}

}  // namespace sluice::measure
