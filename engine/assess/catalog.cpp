#include "engine/assess/catalog.hpp"

#include "engine/cluster/query_settings.hpp"
#include "engine/measure/verdict.hpp"

namespace sluice::assess {

namespace {

using measure::size_text;

constexpr heading here = heading::catalog;
constexpr check_name catalog_read{"catalog.read", here};
constexpr check_name size{"catalog.size", here};
constexpr check_name largest{"catalog.largest", here};
constexpr check_name not_copyable{"catalog.notCopyable", here};
constexpr check_name choice{"catalog.choice", here};
constexpr check_name idle{"catalog.idleFilter", here};
constexpr check_name twins{"catalog.twinIndexes", here};
constexpr check_name unique{"catalog.uniqueIndexes", here};
constexpr check_name ttl{"catalog.ttl", here};
constexpr check_name many{"catalog.manyIndexes", here};
constexpr check_name capped{"catalog.capped", here};
constexpr check_name clustered{"catalog.clustered", here};
constexpr check_name timeseries{"catalog.timeseries", here};
constexpr check_name views{"catalog.views", here};
constexpr check_name views_on_missing{"catalog.viewsOnMissing", here};
constexpr check_name options{"catalog.unknownOptions", here};
constexpr check_name search{"catalog.searchIndexes", here};
constexpr check_name query_settings{"catalog.querySettings", here};
constexpr check_name in_the_way{"catalog.inTheWay", here};
constexpr check_name leftover{"catalog.unfinishedRun", here};
constexpr check_name shard_keys{"catalog.shardKeys", here};
constexpr check_name zones{"catalog.zones", here};

std::vector<figure> count_of(const named& of) {
  return {{"count", static_cast<double>(of.count)}};
}

std::string documents_text(double documents) {
  return counted(static_cast<std::int64_t>(documents), "document", "documents");
}

/// "3 (a.b, a.c, a.d)", with the rest counted.
std::string with_names(const named& of, std::string_view one, std::string_view several) {
  std::string text = counted(of.count, one, several) + " (";
  const std::size_t shown = std::min<std::size_t>(of.names.size(), 5);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + of.names[i];
  if (of.count > static_cast<std::int64_t>(shown)) {
    text += " and " + std::to_string(of.count - static_cast<std::int64_t>(shown)) + " more";
  }
  return text + ")";
}

void judge_size(const catalog_facts& facts, findings& to) {
  const std::vector<figure> figures{{"databases", static_cast<double>(facts.databases)},
                                    {"collections", static_cast<double>(facts.collections)},
                                    {"sized", static_cast<double>(facts.sized)},
                                    {"indexed", static_cast<double>(facts.indexed)},
                                    {"documents", facts.documents},
                                    {"bytes", facts.bytes},
                                    {"indexes", static_cast<double>(facts.indexes)},
                                    {"uniqueIndexes", static_cast<double>(facts.unique_indexes)}};
  std::string what = counted(facts.collections, "collection", "collections") + " in " +
                     counted(facts.databases, "database", "databases") + ", " + size_text(facts.bytes) + " in " +
                     documents_text(facts.documents) + ", " + counted(facts.indexes, "index", "indexes") +
                     " beside those of _id";
  if (facts.sized < facts.collections || facts.indexed < facts.collections) {
    what += "; there was time for the sizes of " + std::to_string(facts.sized) + " and the indexes of " +
            std::to_string(facts.indexed) + ", the largest first";
  }
  to.push_back(fine(size, "source", what, figures));
  for (const collection_size& one : facts.largest) {
    to.push_back(fine(largest, one.ns, size_text(one.bytes) + " in " + documents_text(one.documents),
                      {{"bytes", one.bytes}, {"documents", one.documents}}));
  }
}

void judge_obstacles(const catalog_facts& facts, findings& to) {
  for (const std::string& sentence : facts.not_copyable.names) {
    to.push_back(problem(not_copyable, "source", sentence, "leave it out with --exclude, or change it on the source"));
  }
  if (!facts.refused_choice.empty()) {
    to.push_back(problem(choice, "source", facts.refused_choice, "choose otherwise: --include, --exclude, --remap"));
  }
  for (const std::string& sentence : facts.idle_rules) {
    to.push_back(warning(idle, "source", sentence, "spell it as the source does"));
  }
  if (facts.is_sharded && facts.timeseries.count > 0) {
    to.push_back(problem(timeseries, "source",
                         with_names(facts.timeseries, "time-series collection", "time-series collections") +
                             ": of a sharded cluster what is written to them cannot be followed",
                         "leave them out with --exclude, and copy them by themselves with sluice copy",
                         count_of(facts.timeseries)));
  }
  if (facts.unknown_options.count > 0) {
    to.push_back(warning(
        options, "source",
        with_names(facts.unknown_options, "option that Sluice does not know", "options that Sluice does not know") +
            ": handed on as they are; the destination may refuse them",
        "create one such collection on the destination to see, and drop it again", count_of(facts.unknown_options)));
  }
  if (facts.search_indexes.count > 0) {
    to.push_back(warning(
        search, "source",
        with_names(facts.search_indexes, "collection with search indexes", "collections with search indexes") +
            ", which are not migrated",
        "note their definitions, and create them on the destination after the commit", count_of(facts.search_indexes)));
  }
  if (!facts.query_settings_problem.empty()) {
    to.push_back(not_known(
        query_settings, "source",
        "whether there are persistent settings of queries, which are not migrated: " + facts.query_settings_problem,
        "grant the action querySettings on the cluster, or look yourself"));
  } else if (facts.query_settings > 0) {
    to.push_back(warning(query_settings, "source", cluster::tell_query_settings_stay(facts.query_settings),
                         cluster::keep_query_settings, {{"count", static_cast<double>(facts.query_settings)}}));
  }
  if (facts.views_on_missing.count > 0) {
    to.push_back(warning(
        views_on_missing, "source",
        with_names(facts.views_on_missing, "view of what does not come along", "views of what does not come along") +
            ": empty on the destination",
        "include what they are made of, or leave them out", count_of(facts.views_on_missing)));
  }
}

void judge_indexes(const catalog_facts& facts, findings& to) {
  if (facts.twins.count > 0) {
    to.push_back(warning(twins, "source",
                         with_names(facts.twins, "pair of indexes on one key, one of them unique",
                                    "pairs of indexes on one key, one of them unique") +
                             ": the unique one is built at the commit only, which takes longer by that",
                         "drop the one that is not unique, if nobody hints at it by name", count_of(facts.twins)));
  }
  if (facts.many_indexes.count > 0) {
    to.push_back(warning(many, "source",
                         with_names(facts.many_indexes, "collection at the servers' limit of 64 indexes",
                                    "collections at the servers' limit of 64 indexes") +
                             ": one more during the migration fails there",
                         "drop what nobody uses ($indexStats)", count_of(facts.many_indexes)));
  }
  if (facts.unique_indexes > 0) {
    to.push_back(fine(unique, "source",
                      counted(facts.unique_indexes, "unique index", "unique indexes") +
                          ": not yet unique on the destination until the commit",
                      {{"count", static_cast<double>(facts.unique_indexes)}}));
  }
  if (facts.ttl.count > 0 && facts.nothing_sleeps) {
    to.push_back(problem(ttl, "source",
                         with_names(facts.ttl, "TTL index", "TTL indexes") +
                             ": asleep until the commit, for which a sharded destination must be of 6.0 or newer",
                         "leave their collections out with --exclude, or raise the destination", count_of(facts.ttl)));
  } else if (facts.ttl.count > 0) {
    to.push_back(
        fine(ttl, "source",
             with_names(facts.ttl, "TTL index", "TTL indexes") + ": asleep on the destination until the commit",
             count_of(facts.ttl)));
  }
}

void judge_kinds(const catalog_facts& facts, findings& to) {
  if (facts.capped.count > 0 && facts.nothing_sleeps) {
    to.push_back(
        problem(capped, "source",
                with_names(facts.capped, "capped collection", "capped collections") +
                    ": without their bounds until the commit, for which a sharded destination must be of 6.0 or newer",
                "leave them out with --exclude, or raise the destination", count_of(facts.capped)));
  } else if (facts.capped.count > 0) {
    to.push_back(fine(capped, "source",
                      with_names(facts.capped, "capped collection", "capped collections") +
                          ": without their bounds until the commit, so that they may grow meanwhile",
                      count_of(facts.capped)));
  }
  if (facts.clustered.count > 0) {
    to.push_back(fine(clustered, "source", with_names(facts.clustered, "clustered collection", "clustered collections"),
                      count_of(facts.clustered)));
  }
  if (facts.timeseries.count > 0 && !facts.is_sharded) {
    to.push_back(fine(timeseries, "source",
                      with_names(facts.timeseries, "time-series collection", "time-series collections") +
                          ": copied with their buckets",
                      count_of(facts.timeseries)));
  }
  if (facts.views.count > 0) {
    to.push_back(fine(views, "source", with_names(facts.views, "view", "views"), count_of(facts.views)));
  }
}

}  // namespace

findings judge_catalog(const catalog_facts& facts) {
  if (!facts.problem.empty()) {
    return {problem(catalog_read, "source", "its collections cannot be listed: " + facts.problem,
                    "grant what the message names")};
  }
  findings found;
  judge_size(facts, found);
  judge_obstacles(facts, found);
  judge_indexes(facts, found);
  judge_kinds(facts, found);
  return found;
}

findings judge_sharding(const sharding_facts& facts) {
  if (!facts.problem.empty()) {
    return {problem(shard_keys, "source", facts.problem, "grant what the message names")};
  }
  findings found;
  for (const std::string& sentence : facts.refused.names) {
    found.push_back(problem(shard_keys, "source", sentence,
                            "put it right as the sentence says, or leave the collection out with --exclude"));
  }
  if (facts.unread > 0) {
    found.push_back(warning(shard_keys, "source",
                            "there was no time for the indexes of " +
                                counted(facts.unread, "collection that is", "collections that are") +
                                " to be sharded: whether they can be is not known",
                            "assess again with fewer of them (--include); a start looks at all of them"));
  }
  if (!found.empty()) return found;
  if (facts.sharded == 0) {
    return {fine(shard_keys, "source", "no collection is to be sharded: each goes where its database lives")};
  }
  return {fine(shard_keys, "source",
               counted(facts.sharded, "collection is", "collections are") +
                   " to be sharded, each by a key that it can be sharded by",
               {{"count", static_cast<double>(facts.sharded)}})};
}

findings judge_destination(const destination_facts& facts) {
  if (!facts.problem.empty()) return {not_known(in_the_way, "destination", facts.problem)};
  findings found;
  if (!facts.name_clash.empty()) {
    found.push_back(problem({"catalog.nameClash", here}, "destination", facts.name_clash,
                            "drop that database, or choose another name with --remap"));
  }
  if (!facts.zones_problem.empty()) found.push_back(not_known(zones, "destination", facts.zones_problem));
  if (facts.zoned.count > 0) {
    found.push_back(
        problem(zones, "destination",
                "has zones for " + with_names(facts.zoned, "namespace that is to come", "namespaces that are to come") +
                    ": their ranges would decide where chunks begin, and on which shards",
                "take the ranges away with sh.removeRangeFromZone() (sh.status() lists them), and give them again with "
                "sh.updateZoneKeyRange() after the commit",
                count_of(facts.zoned)));
  }
  if (facts.unfinished_run) {
    found.push_back(
        warning(leftover, "destination",
                "holds the checkpoint of a run of Sluice: the same run goes on with it, another one is refused",
                "start the same run to go on, or begin anew with --reset (after dropping what it has copied)"));
    return found;  // what is there may be what that run has copied
  }
  if (facts.in_the_way.count > 0) {
    found.push_back(problem(
        in_the_way, "destination",
        "already holds " + with_names(facts.in_the_way, "namespace that is to come", "namespaces that are to come"),
        "drop them, or leave them out with --exclude", count_of(facts.in_the_way)));
  } else {
    found.push_back(fine(in_the_way, "destination", "holds nothing of what is to come"));
  }
  return found;
}

}  // namespace sluice::assess
