// The comparison of whole catalogs: what is missing, what is too many, views.
#include "engine/index/cutover_plan.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "bson/compare.hpp"

namespace sluice::index {

namespace {

using cluster::collection_info;
using cluster::collection_kind;

std::string_view to_string(collection_kind kind) noexcept {
  switch (kind) {
    case collection_kind::plain:
      return "a plain collection";
    case collection_kind::capped:
      return "a capped collection";
    case collection_kind::clustered:
      return "a clustered collection";
    case collection_kind::timeseries:
      return "a time-series collection";
    case collection_kind::view:
      return "a view";
  }
  return {};
}

bool same_field(bson::document_view a, bson::document_view b, std::string_view name) {
  const auto left = a.find(name);
  const auto right = b.find(name);
  if (!left || !right) return !left && !right;
  return bson::compare_values(left, right) == 0;
}

void drop_view(const collection_info& view, cutover_plan& into) {
  bson::builder command;
  command.append("drop", view.ns.collection);
  into.steps.push_back({cutover_action::drop_view, view.ns, {}, command.finish()});
}

void create_view(const collection_info& view, cutover_plan& into) {
  into.steps.push_back({cutover_action::create_view, view.ns, {}, cluster::create_command(view, false)});
}

void plan_view(const collection_info& source, const collection_info& destination, cutover_plan& into) {
  const bool same =
      std::ranges::all_of(std::initializer_list<std::string_view>{"viewOn", "pipeline", "collation"},
                          [&](auto name) { return same_field(source.options, destination.options, name); });
  if (same) return;
  // Not by collMod: definitions of before and of after could make a cycle together.
  drop_view(destination, into);
  create_view(source, into);
}

void plan_pair(const collection_info& source, const collection_info& destination, const cluster::index_policy& policy,
               cutover_plan& into) {
  if (source.kind != destination.kind) {
    into.obstacles.push_back(source.ns.to_string() + " is " + std::string(to_string(source.kind)) +
                             " on the source and " + std::string(to_string(destination.kind)) + " on the destination");
    return;
  }
  if (source.kind == collection_kind::view) {
    plan_view(source, destination, into);
    return;
  }
  if (!same_field(source.options, destination.options, "collation")) {
    into.obstacles.push_back(source.ns.to_string() + " has another collation on the destination than on the source");
    return;
  }
  plan_indexes(source, destination, policy, into);
  plan_options(source, destination, into);
}

}  // namespace

std::string_view to_string(cutover_action action) noexcept {
  switch (action) {
    case cutover_action::drop_view:
      return "drop_view";
    case cutover_action::drop_index:
      return "drop_index";
    case cutover_action::build_index:
      return "build_index";
    case cutover_action::convert_unique:
      return "convert_unique";
    case cutover_action::build_late:
      return "build_late";
    case cutover_action::change_index:
      return "change_index";
    case cutover_action::change_options:
      return "change_options";
    case cutover_action::restore_capped:
      return "restore_capped";
    case cutover_action::create_view:
      return "create_view";
    case cutover_action::wake_ttl:
      return "wake_ttl";
  }
  return {};
}

std::string cutover_step::to_string() const {
  std::string words = std::string(index::to_string(action)) + " " + ns.to_string();
  if (!index.empty()) words += ", index " + index;
  return words;
}

cutover_plan plan_cutover(const cluster::catalog& source, const cluster::catalog& destination,
                          const cluster::index_policy& policy) {
  std::map<cluster::namespace_name, const collection_info*> there;
  for (const auto& info : destination.collections) there.emplace(info.ns, &info);
  cutover_plan plan;
  for (const auto& info : source.collections) {
    const auto found = there.find(info.ns);
    if (found != there.end()) {
      plan_pair(info, *found->second, policy, plan);
      there.erase(found);
    } else if (info.kind == collection_kind::view) {
      create_view(info, plan);
    } else {
      plan.obstacles.push_back(info.ns.to_string() + " is missing on the destination");
    }
  }
  for (const auto& [ns, info] : there) {
    if (info->kind == collection_kind::view) {
      drop_view(*info, plan);
    } else {
      plan.obstacles.push_back(ns.to_string() + " is on the destination, but not on the source");
    }
  }
  std::ranges::stable_sort(plan.steps, {}, &cutover_step::action);
  return plan;
}

}  // namespace sluice::index
