#include "engine/session/namespace_choice.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"

namespace sluice::session {

namespace {

/// What is turned around is all of it, under its own names.
result<> check_whole(const sync_settings& settings, const cluster::migration_scope& chosen) {
  const auto refused = [](const std::string& with) {
    return failure(error_kind::configuration,
                   "a run that may be reversed is one of whole deployments: \"reversible\" "
                   "cannot be combined with " +
                       with);
  };
  if (!chosen.filter.is_everything()) return refused("includeNamespaces or excludeNamespaces");
  if (!chosen.names.is_identity()) return refused("namespaceRemap");
  if (!chosen.documents.is_everything()) return refused("documentFilter");
  if (settings.beside_others) return refused("preExistingDestinationData");
  if (settings.build_indexes == index_building::never) return refused("buildIndexes: never");
  return ok();
}

}  // namespace

result<cluster::migration_scope> choose_namespaces(const copy_settings& settings) {
  cluster::migration_scope chosen;
  SLUICE_TRY(chosen.filter, cluster::parse_filter(settings.include, settings.exclude));
  SLUICE_TRY(chosen.names, cluster::namespace_map::of(settings.remaps));
  chosen.documents = settings.documents;
  if (settings.sharding) chosen.sharding = *settings.sharding;
  const auto of_collection = [](const cluster::remap& one) { return one.from.find('.') != std::string::npos; };
  if (settings.users && std::ranges::any_of(settings.remaps, of_collection)) {
    return failure(
        error_kind::configuration,
        "users and roles cannot come over (--users) where single collections get other names: what they may "
        "do in a whole database cannot be said for a part of it; remap whole databases, or leave --users out");
  }
  return chosen;
}

result<cluster::migration_scope> choose_namespaces(const sync_settings& settings) {
  SLUICE_TRY(auto chosen, choose_namespaces(settings.copy));
  if (settings.block_writes == write_blocking::source_and_destination && !chosen.filter.is_everything()) {
    return failure(error_kind::configuration,
                   "a source of which only a part is migrated cannot refuse its writes, which would be those to the "
                   "other part, too: choose destinationOnly or none, and stop the applications yourself");
  }
  if (settings.reversible) {
    SLUICE_TRYV(check_whole(settings, chosen));
  }
  chosen.beside_others = settings.beside_others;
  if (!settings.beside_others) return chosen;
  if (chosen.filter.is_everything()) {
    return failure(error_kind::configuration,
                   "a destination that holds data of others takes a part of a source only: say with includeNamespaces "
                   "or excludeNamespaces (--include, --exclude) which one");
  }
  if (settings.block_writes.value_or(write_blocking::none) != write_blocking::none) {
    return failure(error_kind::configuration,
                   "a destination that holds data of others goes on taking their writes: leave "
                   "enableUserWriteBlocking (--block-writes) out, or choose none");
  }
  return chosen;
}

result<> check_sharding(const cluster::deployment& source, const cluster::deployment& destination,
                        const std::optional<cluster::sharding_choice>& sharding) {
  using cluster::deployment_kind;
  if (sharding && destination.kind == deployment_kind::replica_set) {
    return failure(
        error_kind::configuration,
        "\"sharding\" (--sharding) says how a sharded cluster distributes collections, and the destination " +
            destination.name() + " is a replica set: leave it out");
  }
  if (sharding && source.kind == deployment_kind::sharded) {
    return failure(error_kind::configuration, "\"sharding\" (--sharding) is for a source that is a replica set: of " +
                                                  source.name() +
                                                  ", a sharded cluster, the shard keys are taken over; leave it out");
  }
  if (!sharding && source.kind == deployment_kind::replica_set && destination.kind == deployment_kind::sharded) {
    return failure(error_kind::configuration,
                   "the destination " + destination.name() + " is a sharded cluster, and the source " + source.name() +
                       " a replica set, which has no shard keys: say with \"sharding\" (--sharding) which collections "
                       "are to be sharded by which key, {\"shardingEntries\": []} for none");
  }
  return ok();
}

result<std::vector<std::string>> find_idle_shard_keys(const cluster::sharding_choice& sharding,
                                                      const cluster::namespace_filter& filter,
                                                      const std::vector<cluster::namespace_name>& names) {
  std::vector<std::string> sentences;
  if (sharding.ignore_unused) return sentences;
  const std::set<cluster::namespace_name> held(names.begin(), names.end());
  for (const auto& entry : sharding.entries) {
    SLUICE_TRY(const bool covered, filter.covers(entry.ns));
    if (covered && held.contains(entry.ns)) continue;
    const std::string why = covered ? "the source does not hold it now; make sure that its name is spelled as there"
                                    : "it is not among what is migrated; include it, or leave its entry out";
    sentences.push_back("the shard key of " + entry.ns.to_string() + " is used for nothing: " + why);
  }
  return sentences;
}

task<result<std::vector<std::string>>> find_idle_rules(wire::connection& source, cluster::migration_scope chosen,
                                                       std::optional<cluster::sharding_choice> sharding) {
  std::vector<std::string> sentences;
  if (chosen.filter.is_everything() && chosen.names.is_identity() && !sharding) co_return sentences;
  SLUICE_CO_TRY(const auto names, co_await cluster::read_names(source));
  SLUICE_CO_TRY(const auto idle, cluster::rules_without_effect(chosen.filter, names));
  for (const std::string& rule : idle) {
    sentences.push_back("the filter " + rule +
                        " matches nothing that the source holds now; make sure that its names are spelled as there");
  }
  SLUICE_CO_TRY(const auto unmoved, cluster::remaps_without_effect(chosen, names));
  for (const std::string& rule : unmoved) {
    sentences.push_back("nothing that the source holds now and that is migrated is remapped by " + rule +
                        "; make sure that its name is spelled as there");
  }
  if (sharding) {
    SLUICE_CO_TRY(auto idle_keys, find_idle_shard_keys(*sharding, chosen.filter, names));
    std::ranges::move(idle_keys, std::back_inserter(sentences));
  }
  co_return sentences;
}

}  // namespace sluice::session
