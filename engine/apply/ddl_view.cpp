// Views: rows of `<db>.system.views` on the source, `create`, `collMod` and `drop` on the destination.
#include <utility>

#include "bson/compare.hpp"
#include "engine/apply/ddl.hpp"
#include "engine/cluster/command_cursor.hpp"
#include "engine/cluster/view_definition.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::apply {

namespace {

/// What a definition of before meets among the views of later: cycles, depths and collations that are none on the
/// source, a database whose name differs in case. The view's own later entries, or the commit, put it right.
bool clashes_with_later_views(const error& cause) {
  constexpr std::int32_t graph_contains_cycle = 5;
  constexpr std::int32_t view_depth_limit_exceeded = 165;
  constexpr std::int32_t option_not_supported_on_view = 167;
  constexpr std::int32_t invalid_view_definition = 182;
  constexpr std::int32_t database_differ_case = 13297;
  return cause.kind == error_kind::server &&
         (cause.server_code == database_differ_case || cause.server_code == graph_contains_cycle ||
          cause.server_code == view_depth_limit_exceeded || cause.server_code == option_not_supported_on_view ||
          cause.server_code == invalid_view_definition);
}

bool is_view(bson::document_view listed) {
  const auto type = listed.find("type");
  return type && type.as_string() == "view";
}

bool same_field(bson::document_view a, bson::document_view b, std::string_view name) {
  const auto left = a.find(name);
  const auto right = b.find(name);
  if (!left || !right) return !left && !right;
  return bson::compare_values(left, right) == 0;
}

bson::document drop_command(const std::string& collection) {
  bson::builder command;
  command.append("drop", collection);
  return command.finish();
}

}  // namespace

task<result<>> ddl::apply_view(const capture::change& what, ddl_effects& effects) {
  SLUICE_CO_TRY(auto entry, read_view_entry(what));
  SLUICE_CO_TRY(const bool ours, takes(entry.ns));
  if (entry.of_timeseries || !ours || migrated_.beside_others) co_return ok();
  if (!entry.removed) {
    if (!entry.options.view().find("viewOn")) {
      std::vector<std::byte> by_name;
      SLUICE_CO_TRY(auto current, co_await read_source(entry.ns, std::move(by_name)));
      if (!current || current->kind != cluster::collection_kind::view) co_return ok();
      entry.options = std::move(current->options);
    }
    co_return co_await make_view(entry.ns, std::move(entry.options), effects);
  }
  // A collection or a time-series of that name is another matter: its own entries tell.
  const auto destination = migrated_.names.destination_of(entry.ns);
  SLUICE_CO_TRY(const auto there, co_await described(destination));
  if (!there || !is_view(*there)) co_return ok();
  bson::document drop_it = drop_command(destination.collection);
  auto dropped = co_await run(destination.database, std::move(drop_it));
  if (dropped.has_error() && dropped.error().server_code != wire::namespace_not_found) co_return dropped;
  co_return ok();
}

task<result<>> ddl::make_view(cluster::namespace_name view, bson::document options, ddl_effects& effects) {
  if (migrated_.beside_others) co_return ok();
  SLUICE_CO_TRYV(check_place_of(view));
  SLUICE_CO_TRY(options, cluster::view_on_destination(migrated_.names, view, options));
  const auto ns = migrated_.names.destination_of(view);
  SLUICE_CO_TRY(const auto there, co_await described(ns));
  bson::builder command;
  if (there && !is_view(*there)) co_return ok();  // of later: this view is gone by then
  if (there) {
    const auto old = there->view().find("options").as_document().value_or(bson::document_view());
    // Views keep their collation for life.
    if (same_field(old, options, "collation")) {
      command.append("collMod", ns.collection);
      command.append(options.view().find("viewOn"));
      if (const auto pipeline = options.view().find("pipeline")) command.append(pipeline);
    } else {
      bson::document drop_it = drop_command(ns.collection);
      SLUICE_CO_TRYV(co_await run(ns.database, std::move(drop_it)));
    }
  }
  if (command.size_bytes() <= bson::document().bytes().size()) {
    command.append("create", ns.collection).append_all(options);
  }
  bson::document sent = command.finish();
  auto made = co_await run(ns.database, std::move(sent));
  if (made.has_error() && clashes_with_later_views(made.error())) {
    log(log_level::warn, "apply", "A view is left out for now",
        {{"ns", ns.to_string()}, {"cause", made.error().message}});
    effects.rebuild_plan = true;
    co_return ok();
  }
  co_return made;
}

task<result<>> ddl::drop_views(std::string database) {
  if (migrated_.beside_others) co_return ok();
  for (const auto& there : migrated_.names.destinations_of(database)) {
    SLUICE_CO_TRYV(co_await drop_views_in(there, database));
  }
  co_return ok();
}

task<result<>> ddl::drop_views_in(std::string database, std::string of) {
  std::vector<std::string> names;
  on_connection list = [&](wire::connection& to) -> task<result<>> {
    names.clear();
    bson::builder command;
    command.append("listCollections", 1).open_document("filter").append("type", "view").close();
    bson::document views = command.finish();
    SLUICE_CO_TRY(const auto listed, co_await cluster::run_cursor(to, database, std::move(views)));
    for (const auto& each : listed.documents)
      if (const auto name = each.view().find("name").as_string()) names.emplace_back(*name);
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await at(destination_, std::move(list)));
  for (const auto& name : names) {
    const auto source = migrated_.names.source_of({database, name});
    if (!source || source->database != of) continue;
    SLUICE_CO_TRY(const bool ours, takes(*source));
    if (!ours) continue;
    bson::document drop_it = drop_command(name);
    auto dropped = co_await run(database, std::move(drop_it));
    if (dropped.has_error() && dropped.error().server_code != wire::namespace_not_found) co_return dropped;
  }
  co_return ok();
}

}  // namespace sluice::apply
