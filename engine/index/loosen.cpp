#include "engine/index/loosen.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/cluster/index_spec.hpp"
#include "engine/index/cutover_side.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::index {

namespace {

using cluster::collection_info;
using cluster::collection_kind;

/// As create_command() bounds a capped collection while it is followed.
constexpr std::int64_t capped_bytes_meanwhile = std::int64_t{1} << 50U;
constexpr std::int64_t capped_documents_meanwhile = std::numeric_limits<std::int32_t>::max();

bool is_unique(const cluster::index_spec& one) {
  return one.spec.view().find("unique").to_bool().value_or(false);
}

bool has_twin(const collection_info& of, const cluster::index_spec& one) {
  return std::ranges::any_of(of.indexes, [&one](const cluster::index_spec& other) {
    return other.name != one.name && !is_unique(other) && cluster::indexes_collide(other.spec, one.spec);
  });
}

void loosen_index(const collection_info& of, const cluster::index_spec& one, std::vector<cutover_step>& steps) {
  if (is_unique(one)) {
    bson::builder command;
    if (has_twin(of, one)) {
      command.append("dropIndexes", of.ns.collection).append("index", one.name);
      steps.push_back({cutover_action::drop_index, of.ns, one.name, command.finish()});
      return;
    }
    command.append("collMod", of.ns.collection).open_document("index").append("name", one.name);
    command.append("forceNonUnique", true).close();
    steps.push_back({cutover_action::change_index, of.ns, one.name, command.finish()});
  }
  const auto expiry = one.spec.view().find("expireAfterSeconds");
  if (expiry && expiry.to_int64() != cluster::index_asleep_seconds) {
    bson::builder command;
    command.append("collMod", of.ns.collection).open_document("index").append("name", one.name);
    command.append("expireAfterSeconds", cluster::index_asleep_seconds).close();
    steps.push_back({cutover_action::change_index, of.ns, one.name, command.finish()});
  }
}

void loosen_options(const collection_info& of, std::vector<cutover_step>& steps) {
  const auto options = of.options.view();
  if (of.kind == collection_kind::capped) {
    if (options.find("size").to_int64().value_or(0) >= capped_bytes_meanwhile) return;
    bson::builder command;
    command.append("collMod", of.ns.collection).append("cappedSize", capped_bytes_meanwhile);
    // Without a bound there is none to lift, and a server goes on showing the one that lifts it.
    const auto max = options.find("max").to_int64().value_or(0);
    if (max > 0 && max < capped_documents_meanwhile) command.append("cappedMax", capped_documents_meanwhile);
    steps.push_back({cutover_action::change_options, of.ns, {}, command.finish()});
    return;
  }
  if (of.kind == collection_kind::plain || !options.find("expireAfterSeconds")) return;
  bson::builder command;
  command.append("collMod", of.ns.collection).append("expireAfterSeconds", "off");
  steps.push_back({cutover_action::change_options, of.ns, {}, command.finish()});
}

}  // namespace

std::vector<cutover_step> plan_loosening(const cluster::catalog& of) {
  std::vector<cutover_step> steps;
  for (const auto& info : of.collections) {
    if (info.kind == collection_kind::view) continue;
    for (const auto& one : info.indexes) loosen_index(info, one, steps);
    loosen_options(info, steps);
  }
  return steps;
}

task<result<>> loosen(loosen_job job, runtime::cancel_scope& scope) {
  cutover_side destination(std::move(job.destination), job.patience, scope, std::move(job.may_write));
  cluster::namespace_filter filter = job.filter;
  SLUICE_CO_TRY(const auto present, co_await destination.read(std::move(filter), false));
  const auto steps = plan_loosening(present);
  for (const auto& step : steps) {
    bson::document command(step.command.view());
    auto done = co_await destination.change(step.ns.database, std::move(command));
    if (done.has_error()) {
      error cause = done.error();
      cause.message = step.to_string() + ": " + cause.message;
      co_return cause;
    }
  }
  log(log_level::info, "index", "The destination's catalog is fit for being followed",
      {{"steps", static_cast<std::int64_t>(steps.size())}});
  co_return ok();
}

}  // namespace sluice::index
