// The judge: reads two deployments with libmongoc alone and says whether they hold the same, byte by byte. Must never
// share code with the engine, or a fault of the engine could hide itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/lab/mongo.hpp"

namespace sluice::lab {

struct compare_options {
  std::string source_uri;
  std::string destination_uri;
  std::vector<std::string> include = {};  // "database" or "database.collection"; empty: everything
  std::vector<std::string> exclude = {};
  /// What the destination calls "database" or "database.collection" of the source; a collection's own goes first.
  std::map<std::string, std::string> renamed = {};
};

/// One namespace, for the table that people read.
struct compared_namespace {
  std::string name;
  std::string kind;  // "collection", "capped", "clustered", "timeseries", "view", …
  std::uint64_t source_documents = 0;
  std::uint64_t destination_documents = 0;
  std::uint64_t bytes = 0;  // of the source's documents
  std::uint64_t indexes = 0;
  std::uint64_t differences = 0;
};

struct comparison {
  static constexpr std::size_t shown_differences_max = 20;

  std::vector<std::string> differences;  // in words, the first twenty
  std::uint64_t difference_count = 0;
  std::uint64_t collections = 0;  // views and time-series collections included
  std::uint64_t documents = 0;    // read from the source
  std::uint64_t bytes = 0;
  std::uint64_t indexes = 0;
  std::vector<compared_namespace> namespaces;

  [[nodiscard]] bool equal() const noexcept { return difference_count == 0; }
  /// All shown differences, one a line: for test messages.
  [[nodiscard]] std::string text() const;
  void note(std::string difference);
};

/// Compares databases, collections and views with all options but the UUID, indexes with all options, and every
/// document byte by byte: by `_id`, of capped collections also the natural order, of time-series collections the
/// buckets. Leaves out admin, local, config and the metadata of migration programs. Throws when a side cannot be read.
[[nodiscard]] comparison compare(const compare_options& options);

/// True for databases that hold no user data.
[[nodiscard]] bool is_internal_database(std::string_view name);
/// Drops every database with user data.
void drop_user_data(client& connection);

}  // namespace sluice::lab
