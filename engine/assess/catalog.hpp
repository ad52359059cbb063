// What is in the source that a migration has to know, and what is on the destination already. Judges; asks nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/assess/findings.hpp"

namespace sluice::assess {

/// How many there are, and the first of them by name.
struct named {
  static constexpr std::size_t kept_max = 50;
  std::int64_t count = 0;
  std::vector<std::string> names;
  void add(std::string name) {
    ++count;
    if (names.size() < kept_max) names.push_back(std::move(name));
  }
};

struct collection_size {
  std::string ns;
  double bytes = 0;
  double documents = 0;
};

struct catalog_facts {
  std::string problem;      // why the catalog could not be read; empty: it was
  bool is_sharded = false;  // the source
  /// The destination cannot let bounds and expiries sleep (a sharded cluster before 6.0).
  bool nothing_sleeps = false;
  std::int64_t databases = 0;
  std::int64_t collections = 0;  // without views
  std::int64_t sized = 0;        // of them: whose sizes were read in time
  std::int64_t indexed = 0;      // of them: whose indexes were read in time, the largest first
  double documents = 0;
  double bytes = 0;          // of uncompressed documents
  std::int64_t indexes = 0;  // without those of _id
  std::int64_t unique_indexes = 0;
  double index_entries = 0;  // one for each document and index
  std::vector<collection_size> largest;
  named views, views_on_missing, capped, clustered, timeseries, ttl, twins, many_indexes, not_copyable, unknown_options,
      search_indexes;
  std::int64_t query_settings = 0;      // of the cluster, persistent
  std::string query_settings_problem;   // why they could not be counted
  std::vector<std::string> idle_rules;  // sentences about filters and remaps that match nothing
  std::string refused_choice;           // why what was chosen cannot be migrated, as a start would say
};

/// What becomes of shard keys on a destination that is a sharded cluster.
struct sharding_facts {
  std::string problem;       // why they could not be read; empty: they were
  std::int64_t sharded = 0;  // collections that have one
  std::int64_t unread = 0;   // of them: whose indexes were not read in time
  named refused;             // sentences about collections that cannot be sharded by theirs, as a start would say
};

struct destination_facts {
  std::string problem;
  named in_the_way;              // namespaces that are to come and are there
  named zoned;                   // namespaces that are to come and have zones
  std::string zones_problem;     // why zones could not be read
  std::string name_clash;        // a database that differs by case only
  bool unfinished_run = false;   // a checkpoint of Sluice
  std::int64_t collections = 0;  // of anybody
};

[[nodiscard]] findings judge_catalog(const catalog_facts& facts);
[[nodiscard]] findings judge_sharding(const sharding_facts& facts);
[[nodiscard]] findings judge_destination(const destination_facts& facts);

}  // namespace sluice::assess
