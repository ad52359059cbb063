// One collection's indexes compared: which to drop, build, convert, hide and wake.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "bson/compare.hpp"
#include "engine/cluster/shard_key.hpp"
#include "engine/index/cutover_plan.hpp"

namespace sluice::index {

namespace {

using cluster::collection_info;
using cluster::index_spec;

/// What collMod can change; everything else makes it another index.
constexpr std::array<std::string_view, 4> changeable{"unique", "prepareUnique", "hidden", "expireAfterSeconds"};

bool is_changeable(std::string_view name) {
  return std::ranges::find(changeable, name) != changeable.end();
}

bool flag(bson::document_view spec, std::string_view name) {
  const auto field = spec.find(name);
  return field && field.to_bool().value_or(false);
}

/// An index's key is compared in its order and with its names, options in any order.
bool same_shape(bson::document_view a, bson::document_view b) {
  std::size_t fields = 0;
  for (const auto field : a) {
    if (is_changeable(field.key())) continue;
    ++fields;
    const auto other = b.find(field.key());
    if (!other || bson::compare_values(field, other) != 0) return false;
  }
  for (const auto field : b)
    if (!is_changeable(field.key())) --fields;
  return fields == 0;
}

bson::document asleep(bson::document_view spec) {
  bson::builder out;
  for (const auto field : spec) {
    if (field.key() == "expireAfterSeconds") {
      out.append(field.key(), cluster::index_asleep_seconds);
    } else {
      out.append(field);
    }
  }
  return out.finish();
}

/// What the indexes of one side are in createIndexes' words, which hide how old versions wrote them.
std::vector<index_spec> as_created(const collection_info& info, const cluster::index_policy& policy) {
  std::vector<index_spec> all;
  cluster::index_policy final_form = policy;
  final_form.defer_unique_and_ttl = false;
  for (const auto& each : info.indexes)
    if (auto spec = cluster::index_for_sync(each.spec, info.has_collation(), final_form))
      all.push_back({.name = each.name, .spec = *std::move(spec)});
  return all;
}

const index_spec* named(const std::vector<index_spec>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &index_spec::name);
  return found == all.end() ? nullptr : &*found;
}

/// Everything after the index of this shape is there (`present`), not unique and asleep or as it is.
class finisher {
 public:
  finisher(const collection_info& of, cutover_plan& into) : of_(of), into_(into) {}

  void finish(const index_spec& wanted, bson::document_view present) {
    const auto spec = wanted.spec.view();
    if (flag(spec, "unique") && !flag(present, "unique")) {
      add(cutover_action::convert_unique, wanted.name, change(wanted.name, "unique", true));
    } else if (!flag(spec, "unique") && flag(spec, "prepareUnique") != flag(present, "prepareUnique")) {
      add(cutover_action::change_index, wanted.name, change(wanted.name, "prepareUnique", flag(spec, "prepareUnique")));
    }
    if (flag(spec, "hidden") != flag(present, "hidden"))
      add(cutover_action::change_index, wanted.name, change(wanted.name, "hidden", flag(spec, "hidden")));
    wake(wanted, present);
  }

  void wake(const index_spec& wanted, bson::document_view present) {
    const auto expiry = wanted.spec.view().find("expireAfterSeconds");
    if (!expiry) return;
    const auto now = present.find("expireAfterSeconds");
    if (now && now.to_int64() == expiry.to_int64()) return;
    bson::builder command;
    command.append("collMod", of_.ns.collection).open_document("index").append("name", wanted.name);
    command.append(expiry).close();
    add(cutover_action::wake_ttl, wanted.name, command.finish());
  }

  void drop(const std::string& name) {
    bson::builder command;
    command.append("dropIndexes", of_.ns.collection).append("index", name);
    add(cutover_action::drop_index, name, command.finish());
  }

  void add(cutover_action action, std::string name, bson::document command) {
    into_.steps.push_back({action, of_.ns, std::move(name), std::move(command)});
  }

 private:
  bson::document change(const std::string& name, std::string_view field, bool value) const {
    bson::builder command;
    command.append("collMod", of_.ns.collection).open_document("index").append("name", name);
    command.append(field, value).close();
    return command.finish();
  }

  const collection_info& of_;
  cutover_plan& into_;
};

/// As a kept or built one, none of two may be unique yet: they would be one index for the server.
bool in_the_way(const std::vector<const index_spec*>& taken, const index_spec& wanted) {
  return std::ranges::any_of(
      taken, [&](const index_spec* other) { return cluster::indexes_collide(other->spec, wanted.spec); });
}

/// collMod makes an index unique, but not the other way; it gives an expiry, but takes none away.
bool can_become(const index_spec& present, const index_spec& wanted) {
  if (!same_shape(present.spec, wanted.spec)) return false;
  if (flag(present.spec, "unique") && !flag(wanted.spec, "unique")) return false;
  return !present.spec.view().find("expireAfterSeconds") || wanted.spec.view().find("expireAfterSeconds");
}

index_spec under_name(const index_spec& of, const std::string& name) {
  bson::builder spec;
  for (const auto field : of.spec.view()) {
    if (field.key() == "name") {
      spec.append("name", std::string_view(name));
    } else {
      spec.append(field);
    }
  }
  return {.name = name, .spec = spec.finish()};
}

bool carries_shard_key(const index_spec& index, const collection_info& of) {
  return !of.shard_key.view().empty() && cluster::supports_key(index.spec, of.shard_key);
}

}  // namespace

void plan_indexes(const collection_info& source, const collection_info& destination,
                  const cluster::index_policy& policy, cutover_plan& into) {
  // Somebody who asked for no indexes may have made some by hand.
  if (policy.never) return;
  const auto wanted = as_created(source, policy);
  const auto present = as_created(destination, policy);
  finisher plan(source, into);

  std::vector<const index_spec*> taken;
  std::vector<const index_spec*> missing;
  for (const auto& index : wanted) {
    const auto* there = named(present, index.name);
    if (there != nullptr && can_become(*there, index)) {
      taken.push_back(&index);
      plan.finish(index, there->spec);
    } else {
      missing.push_back(&index);
    }
  }
  for (const auto& index : present) {
    const auto* asked = named(wanted, index.name);
    // Made for the shard key; the source needs none. One of another name that would be the same index is this one:
    // servers have no two of a kind, and keep the last that carries the key (since 6.0).
    if (asked == nullptr && carries_shard_key(index, destination)) {
      const auto same = std::ranges::find_if(
          missing, [&](const auto* one) { return can_become(index, under_name(*one, index.name)); });
      if (same == missing.end()) continue;
      taken.push_back(*same);
      plan.finish(under_name(**same, index.name), index.spec);
      missing.erase(same);
      continue;
    }
    if (asked == nullptr || !can_become(index, *asked)) plan.drop(index.name);
  }
  // Plain ones first: of two that collide it is the unique one that can wait.
  std::stable_partition(missing.begin(), missing.end(),
                        [](const index_spec* index) { return !flag(index->spec, "unique"); });
  for (const auto* index : missing) {
    if (in_the_way(taken, *index)) {
      bson::builder command;
      command.append("createIndexes", source.ns.collection).open_array("indexes");
      command.push(asleep(index->spec)).close().append("commitQuorum", "majority");
      plan.add(cutover_action::build_late, index->name, command.finish());
      plan.wake(*index, asleep(index->spec));
      continue;
    }
    taken.push_back(index);
    const auto weaker = cluster::index_for_sync(index->spec, source.has_collation(), {});
    plan.add(cutover_action::build_index, index->name, *weaker);
    plan.finish(*index, *weaker);
  }
}

}  // namespace sluice::index
