#include "engine/index/cutover.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/index/capped_restore.hpp"
#include "engine/index/cutover_side.hpp"
#include "engine/index/unique_conversion.hpp"
#include "engine/index/unwritten.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::index {

namespace {

constexpr std::int32_t index_not_found = 27;

/// Done already, by this command before its answer was lost.
bool is_done(const cutover_step& step, const error& cause) {
  if (cause.kind != error_kind::server) return false;
  switch (step.action) {
    case cutover_action::drop_view:
      return cause.server_code == wire::namespace_not_found;
    case cutover_action::drop_index:
      return cause.server_code == index_not_found;
    case cutover_action::create_view:
      return cause.server_code == wire::namespace_exists;
    default:
      return false;
  }
}

/// What the server says about the thing itself goes into the report; all else ends the commit, which may be repeated.
bool is_about_the_step(const error& cause) {
  return cause.kind == error_kind::server && !wire::is_retryable(cause) && cause.server_code != wire::unauthorized &&
         cause.server_code != wire::out_of_disk_space && cause.server_code != wire::user_writes_blocked;
}

bool is_sharded(const cluster::deployment& side) noexcept {
  return side.kind == cluster::deployment_kind::sharded;
}

class cutover {
 public:
  cutover(cutover_job job, progress_by_namespace& builds, cutover_progress& progress, runtime::cancel_scope& scope)
      : job_(std::move(job)),
        builds_(builds),
        progress_(progress),
        scope_(scope),
        source_(job_.source, job_.patience, scope),
        destination_(job_.destination, job_.patience, scope, job_.may_write) {}

  task<result<cutover_report>> run() {
    SLUICE_CO_TRY(auto source, co_await read_source());
    SLUICE_CO_TRY(auto present, co_await read_destination());
    if (job_.tells_by_name) {
      SLUICE_CO_TRY(const auto made, co_await make_unwritten(source_, destination_, source, present, job_.scope));
      if (made > 0) {
        SLUICE_CO_TRY(present, co_await read_destination());
      }
    }
    const auto wanted = cluster::as_on_destination(std::move(source));
    auto plan = plan_cutover(wanted, present, job_.policy);
    report_.obstacles = std::move(plan.obstacles);
    if (!report_.obstacles.empty()) co_return std::move(report_);
    steps_ = std::move(plan.steps);
    progress_.steps = static_cast<std::int32_t>(steps_.size());
    progress_.done = 0;

    SLUICE_CO_TRYV(co_await each(cutover_action::drop_view));
    SLUICE_CO_TRYV(co_await each(cutover_action::drop_index));
    SLUICE_CO_TRYV(co_await build(wanted));
    SLUICE_CO_TRYV(co_await make_unique(wanted));
    if (!report_.violations.empty()) co_return std::move(report_);
    for (const auto action : {cutover_action::change_index, cutover_action::change_options,
                              cutover_action::restore_capped, cutover_action::create_view}) {
      SLUICE_CO_TRYV(co_await each(action));
    }
    if (!report_.left.empty()) co_return std::move(report_);
    SLUICE_CO_TRYV(co_await each(cutover_action::wake_ttl));
    SLUICE_CO_TRYV(co_await compare_again());
    co_return std::move(report_);
  }

 private:
  /// What is to be on the destination, still under the source's names.
  task<result<cluster::catalog>> read_source() {
    const bool with_shard_keys = is_sharded(job_.source) && is_sharded(job_.destination);
    SLUICE_CO_TRY(auto found, co_await source_.read(job_.scope.filter, with_shard_keys));
    SLUICE_CO_TRYV(cluster::narrow(found, job_.scope));
    co_return found;
  }
  task<result<cluster::catalog>> read_destination() {
    auto filter = job_.scope.filter_of_destination();
    SLUICE_CO_TRY(auto found, co_await destination_.read(std::move(filter), is_sharded(job_.destination)));
    cluster::leave_out_others(found, job_.scope);
    co_return found;
  }

  [[nodiscard]] std::vector<cutover_step> steps_of(cutover_action action) const {
    std::vector<cutover_step> some;
    std::ranges::copy_if(steps_, std::back_inserter(some),
                         [action](const cutover_step& step) { return step.action == action; });
    return some;
  }

  [[nodiscard]] result<> finished(const cutover_step& step) {
    ++report_.steps_done;
    ++progress_.done;
    const std::string words = step.to_string();
    log(log_level::info, "index", "A step of the cutover is done", {{"step", words}});
    if (job_.after_step) job_.after_step(step);
    runtime::failure_point("cutover_step");
    if (scope_.cancelled()) return failure(error_kind::cancelled, "cancelled during the cutover");
    return ok();
  }

  void leave(const cutover_step& step, const error& cause) {
    report_.left.push_back(step.to_string() + ": " + cause.message);
  }

  task<result<>> each(cutover_action action) {
    const auto some = steps_of(action);
    for (const auto& step : some) {
      if (action == cutover_action::restore_capped) {
        SLUICE_CO_TRYV(co_await delete_overwritten(source_, destination_, step.ns, job_.scope));
      }
      bson::document command = step.command;
      auto done = co_await destination_.change(step.ns.database, std::move(command));
      if (!done && !is_done(step, done.error())) {
        if (!is_about_the_step(done.error())) co_return done.error();
        leave(step, done.error());
        continue;
      }
      SLUICE_CO_TRYV(finished(step));
    }
    co_return ok();
  }

  /// One createIndexes a collection, the largest first, as after the copy.
  task<result<>> build(const cluster::catalog& wanted) {
    const auto some = steps_of(cutover_action::build_index);
    if (some.empty()) co_return ok();
    std::vector<std::unique_ptr<cluster::collection_info>> owned;
    for (const auto& step : some) {
      if (owned.empty() || owned.back()->ns != step.ns) {
        const auto of = std::ranges::find(wanted.collections, step.ns, &cluster::collection_info::ns);
        owned.push_back(std::make_unique<cluster::collection_info>(*of));
        owned.back()->indexes.clear();
      }
      owned.back()->indexes.push_back({.name = step.index, .spec = step.command});
    }
    std::vector<const cluster::collection_info*> collections;
    for (const auto& one : owned) collections.push_back(one.get());
    const cluster::index_policy as_given{.defer_unique_and_ttl = false, .per_command = job_.policy.per_command};
    SLUICE_CO_TRY(auto failed, co_await build_indexes(job_.destination, std::move(collections), as_given, builds_,
                                                      scope_, job_.patience, job_.may_write));
    for (const auto& step : some) {
      const auto ns = step.ns.to_string();
      const auto refused =
          std::ranges::find_if(failed, [&](const failed_index& one) { return one.ns == ns && one.name == step.index; });
      if (refused != failed.end()) {
        leave(step, failure(error_kind::server, refused->message));
        continue;
      }
      SLUICE_CO_TRYV(finished(step));
    }
    co_return ok();
  }

  [[nodiscard]] bool was_left(const cutover_step& convert) const {
    const auto words = cutover_step{cutover_action::build_index, convert.ns, convert.index, {}}.to_string();
    return std::ranges::any_of(report_.left, [&](const std::string& line) { return line.starts_with(words + ":"); });
  }

  /// Before 6.0 an index cannot become unique: it is built anew.
  task<result<>> rebuild_unique(const cluster::catalog& wanted, std::vector<cutover_step> converts) {
    std::vector<bson::document> weaker;
    for (const auto& step : converts) {
      const auto of = std::ranges::find(wanted.collections, step.ns, &cluster::collection_info::ns);
      const auto index = std::ranges::find(of->indexes, step.index, &cluster::index_spec::name);
      weaker.push_back(*cluster::index_for_sync(index->spec, of->has_collation(), {}));
    }
    SLUICE_CO_TRY(report_.violations, co_await index::rebuild_unique(destination_, converts, std::move(weaker)));
    if (!report_.violations.empty()) co_return ok();
    for (const auto& step : converts) {
      SLUICE_CO_TRYV(finished(step));
    }
    co_return ok();
  }

  task<result<>> make_unique(const cluster::catalog& wanted) {
    auto converts = steps_of(cutover_action::convert_unique);
    std::erase_if(converts, [this](const cutover_step& step) { return was_left(step); });
    if (!job_.destination.can.prepare_unique) {
      SLUICE_CO_TRYV(co_await rebuild_unique(wanted, std::exchange(converts, {})));
      if (!report_.violations.empty()) co_return ok();
    }
    SLUICE_CO_TRY(report_.violations, co_await prepare_unique(destination_, converts));
    if (!report_.violations.empty()) co_return ok();

    // Unique ones beside plain ones before anything is converted: whether they can be is known only afterwards. Plain
    // ones beside unique ones once those are.
    auto late = steps_of(cutover_action::build_late);
    const auto plain = std::stable_partition(late.begin(), late.end(), [](const cutover_step& step) {
      return bool(step.command.view().at("indexes", "0", "unique"));
    });
    std::vector<cutover_step> built;
    for (auto step = late.begin(); step != plain; ++step) {
      auto made = co_await build_late(destination_, *step);
      if (!made && !is_about_the_step(made.error())) co_return made.error();
      if (!made) {
        leave(*step, made.error());
        continue;
      }
      std::ranges::move(made.value(), std::back_inserter(report_.violations));
      if (report_.violations.empty()) built.push_back(*step);
      if (!report_.violations.empty()) break;
      SLUICE_CO_TRYV(finished(*step));
    }
    if (!report_.violations.empty()) {
      SLUICE_CO_TRYV(co_await take_back_prepared(destination_, converts));
      SLUICE_CO_TRYV(co_await drop_again(built));
      co_return ok();
    }
    for (const auto& step : converts) {
      SLUICE_CO_TRY(auto found, co_await convert_unique(destination_, step));
      std::ranges::move(found, std::back_inserter(report_.violations));
      if (!report_.violations.empty()) co_return ok();
      SLUICE_CO_TRYV(finished(step));
    }
    for (auto step = plain; step != late.end(); ++step) {
      auto made = co_await build_late(destination_, *step);
      if (!made && !is_about_the_step(made.error())) co_return made.error();
      if (!made) {
        leave(*step, made.error());
        continue;
      }
      SLUICE_CO_TRYV(finished(*step));
    }
    co_return ok();
  }

  task<result<>> drop_again(std::vector<cutover_step> built) {
    for (const auto& step : built) {
      bson::builder command;
      command.append("dropIndexes", step.ns.collection).append("index", step.index);
      bson::document drop = command.finish();
      auto dropped = co_await destination_.change(step.ns.database, std::move(drop));
      if (!dropped && dropped.error().server_code != index_not_found) co_return dropped;
    }
    co_return ok();
  }

  /// The proof; and what no command could bring about is named instead of being tried for ever.
  task<result<>> compare_again() {
    SLUICE_CO_TRY(auto source, co_await read_source());
    SLUICE_CO_TRY(const auto present, co_await read_destination());
    const auto wanted = cluster::as_on_destination(std::move(source));
    auto plan = plan_cutover(wanted, present, job_.policy);
    report_.obstacles = std::move(plan.obstacles);
    for (const auto& step : plan.steps)
      report_.left.push_back(step.to_string() + ": the catalogs still differ; change it by hand and commit again");
    co_return ok();
  }

  cutover_job job_;
  progress_by_namespace& builds_;
  cutover_progress& progress_;
  runtime::cancel_scope& scope_;
  cutover_side source_;
  cutover_side destination_;
  std::vector<cutover_step> steps_;
  cutover_report report_;
};

}  // namespace

task<result<cutover_report>> cut_over(cutover_job job, progress_by_namespace& builds, cutover_progress& progress,
                                      runtime::cancel_scope& scope) {
  cutover all(std::move(job), builds, progress, scope);
  co_return co_await all.run();
}

}  // namespace sluice::index
