#include "engine/index/unique_conversion.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/runtime/failure_point.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::index {

namespace {

constexpr std::int32_t index_not_found = 27;
constexpr std::int32_t cannot_convert_index_to_unique = 359;

bson::document coll_mod(const cutover_step& step, std::string_view field, bool value, bool dry_run) {
  bson::builder command;
  command.append("collMod", step.ns.collection).open_document("index").append("name", step.index);
  command.append(field, value).close();
  if (dry_run) command.append("dryRun", true);
  return command.finish();
}

task<result<std::vector<unique_violation>>> attempt(cutover_side& destination, cutover_step step,
                                                    bson::document command) {
  std::vector<unique_violation> found;
  auto done = co_await destination.change(step.ns.database, std::move(command));
  if (done) co_return found;
  const auto& cause = done.error();
  const bool violated = cause.kind == error_kind::server && (cause.server_code == cannot_convert_index_to_unique ||
                                                             cause.server_code == wire::duplicate_key);
  if (!violated) co_return cause;
  found.push_back({.ns = step.ns, .index = step.index, .message = cause.message});
  co_return found;
}

}  // namespace

task<result<std::vector<unique_violation>>> prepare_unique(cutover_side& destination,
                                                           std::vector<cutover_step> converts) {
  std::vector<unique_violation> all;
  for (const auto& step : converts) {
    bson::document prepare = coll_mod(step, "prepareUnique", true, false);
    SLUICE_CO_TRYV(co_await destination.change(step.ns.database, std::move(prepare)));
    runtime::failure_point("cutover_prepared");
    bson::document search = coll_mod(step, "unique", true, true);
    SLUICE_CO_TRY(auto found, co_await attempt(destination, step, std::move(search)));
    std::ranges::move(found, std::back_inserter(all));
  }
  if (!all.empty()) {
    SLUICE_CO_TRYV(co_await take_back_prepared(destination, converts));
  }
  co_return all;
}

task<result<>> take_back_prepared(cutover_side& destination, std::vector<cutover_step> converts) {
  for (const auto& step : converts) {
    bson::document take_back = coll_mod(step, "prepareUnique", false, false);
    SLUICE_CO_TRYV(co_await destination.change(step.ns.database, std::move(take_back)));
  }
  co_return ok();
}

task<result<std::vector<unique_violation>>> convert_unique(cutover_side& destination, cutover_step step) {
  bson::document convert = coll_mod(step, "unique", true, false);
  auto done = co_await attempt(destination, step, std::move(convert));
  co_return done;
}

namespace {

task<result<std::vector<unique_violation>>> replace_index(cutover_side& destination, cutover_step step,
                                                          bson::document spec) {
  bson::builder drop_it;
  drop_it.append("dropIndexes", step.ns.collection).append("index", step.index);
  bson::document drop = drop_it.finish();
  auto dropped = co_await destination.change(step.ns.database, std::move(drop));
  if (!dropped && dropped.error().server_code != index_not_found) co_return dropped.error();
  bson::builder build_it;
  build_it.append("createIndexes", step.ns.collection).open_array("indexes").push(spec).close();
  build_it.append("commitQuorum", "majority");
  bson::document build = build_it.finish();
  auto built = co_await attempt(destination, step, std::move(build));
  co_return built;
}

bson::document made_unique(const bson::document& weaker) {
  bson::builder spec;
  spec.append_all(weaker).append("unique", true);
  return spec.finish();
}

}  // namespace

task<result<std::vector<unique_violation>>> rebuild_unique(cutover_side& destination,
                                                           std::vector<cutover_step> converts,
                                                           std::vector<bson::document> weaker) {
  std::vector<unique_violation> all;
  std::size_t tried = 0;
  while (tried < converts.size() && all.empty()) {
    cutover_step step = converts[tried];
    bson::document spec = made_unique(weaker[tried]);
    ++tried;
    SLUICE_CO_TRY(all, co_await replace_index(destination, std::move(step), std::move(spec)));
    runtime::failure_point("cutover_prepared");
  }
  for (std::size_t i = 0; i < tried && !all.empty(); ++i) {
    cutover_step step = converts[i];
    bson::document spec = weaker[i];
    SLUICE_CO_TRYV(co_await replace_index(destination, std::move(step), std::move(spec)));
  }
  co_return all;
}

task<result<std::vector<unique_violation>>> build_late(cutover_side& destination, cutover_step step) {
  bson::document build = step.command;
  auto done = co_await attempt(destination, step, std::move(build));
  co_return done;
}

}  // namespace sluice::index
