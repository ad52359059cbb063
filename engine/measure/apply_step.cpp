#include <atomic>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include "engine/capture/start_time.hpp"
#include "engine/measure/change_mix.hpp"
#include "engine/measure/local_folder.hpp"
#include "engine/measure/meter.hpp"
#include "engine/measure/steps.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/apply_side.hpp"
#include "engine/session/capture_side.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::measure {

namespace {

constexpr auto look_interval = std::chrono::milliseconds(20);

task<result<std::int64_t>> run_all(wire::connection& on, std::string database, std::vector<change_command> commands,
                                   steady::time_point deadline) {
  std::int64_t changes = 0;
  for (change_command& one : commands) {
    if (steady::now() > deadline) break;
    SLUICE_CO_TRY(const auto answer, co_await on.run(database, std::move(one.command)));
    if (answer.body.find("writeErrors"))
      co_return failure(error_kind::server, "the source refused a change of the mix");
    changes += one.changes;
  }
  co_return changes;
}

/// Capture and applier between the two sides, over what lies between two moments of the source's oplog.
class replay {
 public:
  replay(bench& on, capture::capture_way way, bson::timestamp from, bson::timestamp goal, apply::collection_map map,
         apply_figures& into)
      : on_(on), way_(way), from_(from), goal_(goal), map_(std::move(map)), into_(into), captured_(counters_) {}

  task<result<>> run() {
    folder_ = new_local_folder(on_.database);
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed);
    if (failed) co_return failure(error_kind::storage, folder_.string() + ": " + failed.message());
    capture::spool_options options;
    options.folder = folder_ / "spool";
    options.run = on_.database;
    auto opened = co_await captured_.open(std::move(options), from_);
    result<> outcome = ok();
    if (opened.has_error()) {
      outcome = opened.error();
      co_await captured_.close();
    } else {
      outcome = co_await follow();
      auto removed = co_await captured_.remove();
      (void)removed;
    }
    std::filesystem::remove_all(folder_, failed);
    co_return outcome;
  }

 private:
  task<result<>> follow() {
    co_await captured_.keep_on_disk(false);
    const cluster::namespace_filter filter{.include = {on_.database + "." + std::string(changes_collection)},
                                           .exclude = {}};
    session::apply_side::job job{on_.source, on_.destination, map_, {}, {}};
    job.options.reading.filter = filter;
    job.options.reading.applied = from_;
    job.options.reading.spill_folder = folder_;
    job.options.writing = {.connections = on_.connections, .patience = on_.settings.patience, .may_write = {}};
    job.options.consistent_from = from_;
    job.checkpoint = [this](apply::checkpoint_request asked) { return store(std::move(asked)); };
    session::apply_side applying(on_.control, std::move(job), captured_, applied_, position_);

    const auto before = co_await on_.cpu();
    runtime::cancel_scope scope;
    auto with_the_bench = on_.scope.on_cancel([&scope] { scope.cancel(); });
    runtime::task_group group(on_.control, scope);
    capture::capture_job capturing{
        .source = on_.source, .filter = filter, .way = way_, .from = from_, .patience = on_.settings.patience};
    const auto began = steady::now();
    bool reached = false;
    auto apply = [&]() -> task<result<>> {
      SLUICE_CO_TRY(const auto end, co_await applying.run(scope));
      if (end == apply::apply_end::torn) co_return failure(error_kind::server, "the destination held an election");
      reached = true;
      into_.applied.seconds = std::chrono::duration<double>(steady::now() - began).count();
      scope.cancel();  // capture is of no more use
      co_return ok();
    };
    group.spawn(captured_.follow(std::move(capturing), scope));
    group.spawn(apply());
    group.spawn(look(applying, scope, began));
    auto outcome = co_await group.join();
    co_await applying.close();
    const auto after = co_await on_.cpu();
    into_.applied.cpu = difference(before, after);
    into_.applied.documents = applied_.changes;
    into_.applied.bytes = counters_.bytes;
    if (on_.scope.cancelled()) co_return failure(error_kind::cancelled, "the bench was cancelled");
    if (reached) co_return ok();
    if (out_of_time_) {  // what was applied until then counts
      into_.applied.seconds = std::chrono::duration<double>(steady::now() - began).count();
      co_return ok();
    }
    co_return outcome;
  }

  /// Sets the goal until the applier has it, takes points of the throughput, and ends what takes too long.
  task<result<>> look(session::apply_side& applying, runtime::cancel_scope& scope, steady::time_point began) {
    std::int64_t known = 0;
    double last = 0;
    for (;;) {
      const bool waited = co_await runtime::sleep_for(look_interval, scope);
      const double now = std::chrono::duration<double>(steady::now() - began).count();
      const std::int64_t changes = applied_.changes;
      if (!waited || now - last >= 0.1) {
        if (now > last) into_.applied.series.push_back({now, static_cast<double>(changes - known) / (now - last)});
        known = changes;
        last = now;
      }
      if (!waited) co_return ok();
      co_await applying.stop_at(goal_);
      if (steady::now() - began > on_.settings.step_time) {
        out_of_time_ = true;
        scope.cancel();
      }
    }
  }

  /// As durable as a session's: one majority write.
  task<result<apply::checkpoint_verdict>> store(apply::checkpoint_request asked) {
    bson::builder update;
    update.append("update", "marker").open_array("updates").open_document("0");
    update.open_document("q").append("_id", "applied").close();
    update.open_document("u").open_document("$set").append("at", asked.applied).close().close();
    update.append("upsert", true).close().close().open_document("writeConcern").append("w", "majority").close();
    bson::document command = update.finish();
    SLUICE_CO_TRY(const auto answer, co_await on_.to_destination->run(on_.database, std::move(command)));
    const bool same = !asked.term.known() || wire::term_of_reply(answer.body) == asked.term;
    co_return same ? apply::checkpoint_verdict::durable : apply::checkpoint_verdict::torn;
  }

  bench& on_;
  capture::capture_way way_;
  bson::timestamp from_;
  bson::timestamp goal_;
  apply::collection_map map_;
  apply_figures& into_;
  std::filesystem::path folder_;
  capture::capture_counters counters_;
  apply::apply_counters applied_;
  apply::apply_position position_;
  session::capture_side captured_;
  bool out_of_time_ = false;
};

}  // namespace

task<result<apply_figures>> measure_apply(bench& on) {
  apply_figures figures;
  figures.applied.name = "apply";
  if (on.settings.changes == 0) figures.applied.skipped = "not asked for (--changes 0)";
  if (on.settings.source_is_loopback || on.settings.destination_is_loopback) {
    figures.applied.skipped = "the loopback server takes no changes";
  }
  if (on.source.kind == cluster::deployment_kind::sharded) {
    figures.applied.skipped = "the source is a sharded cluster, whose changes Sluice cannot follow";
  }
  if (!figures.applied.skipped.empty()) co_return figures;
  const auto way = co_await capture::choose_way(*on.to_source, capture::capture_way::automatic);
  if (way.has_error()) {
    figures.applied.skipped = way.error().message;
    co_return figures;
  }
  figures.captured_through = capture::to_string(way.value());

  const change_mix mix(on.settings.data, on.settings.changes);
  constexpr auto whenever = steady::time_point::max();
  for (wire::connection* side : {on.to_source.get(), on.to_destination.get()}) {
    auto seeds = mix.seed_commands(changes_collection);
    SLUICE_CO_TRYV(co_await run_all(*side, on.database, std::move(seeds), whenever));
  }
  // As a session knows what it has copied.
  const cluster::namespace_filter filter{.include = {on.database + "." + std::string(changes_collection)},
                                         .exclude = {}};
  SLUICE_CO_TRY(const auto catalog, co_await cluster::read_catalog(*on.to_source, filter, false));
  SLUICE_CO_TRY(const bson::timestamp from, co_await capture::append_fence(*on.to_source));
  auto commands = mix.commands(changes_collection);
  const auto began = steady::now();
  const auto deadline = began + on.settings.step_time;
  SLUICE_CO_TRY(const auto changes, co_await run_all(*on.to_source, on.database, std::move(commands), deadline));
  (void)changes;
  figures.source_seconds = std::chrono::duration<double>(steady::now() - began).count();
  SLUICE_CO_TRY(const bson::timestamp goal, co_await capture::append_fence(*on.to_source));
  replay over(on, way.value(), from, goal, apply::map_of(catalog), figures);
  SLUICE_CO_TRYV(co_await over.run());
  co_return figures;
}

}  // namespace sluice::measure
