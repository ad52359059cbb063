// A client that does everything at once: each update operator, transactions, and changes of the catalog, at random.
// Must never wait for anything; what a server refuses (half of it collides with something) counts as not done.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::lab {

struct storm_options {
  std::chrono::milliseconds duration{10'000};
  std::chrono::microseconds pause{0};  // between two commands
  std::uint64_t commands = 0;          // ends it before its time; 0: no bound
  std::uint64_t seed = 1;
  std::string database = "storm";  // and <database>_side, which comes and goes
  /// One command in so many changes the catalog; 0: none does.
  std::uint32_t catalog_every = 25;
  bool transactions = true;
  bool only_plain = false;  // no capped and no time-series collections, no TTL: not every destination can take them
  /// Inserts, updates and deletes are sent as commands of up to so many statements, of random number and kinds.
  std::uint32_t statements_max = 1;
  const std::atomic<bool>* stop = nullptr;
  std::atomic<std::uint64_t>* steps = nullptr;
  std::atomic<std::uint64_t>* catalog_changes = nullptr;
};

struct storm_done {
  std::uint64_t commands = 0;  // that the server took
  std::uint64_t changes = 0;   // of documents that they came to, without those of aborted transactions, $out and $merge
  std::uint64_t refused = 0;
  std::uint64_t transactions = 0;  // committed or aborted
  std::uint64_t catalog_changes = 0;
};

/// The seed gives the sequence, not its length.
storm_done storm_for(const std::string& uri, const storm_options& options);

}  // namespace sluice::lab
