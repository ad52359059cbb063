// A client that keeps changing data, as an application would: for whatever has to hold while the source is in use.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::lab {

struct writer_options {
  std::chrono::milliseconds duration{10'000};
  std::uint64_t seed = 1;
  std::string database = "written";
  std::uint32_t collections = 4;
  bool endures = false;  // goes on after a failed command, as through an election; what came of it is not known
  const std::atomic<bool>* stop = nullptr;      // ends it before its time
  std::atomic<std::uint64_t>* steps = nullptr;  // counted up with each command
};

struct written {
  std::uint64_t inserts = 0;
  std::uint64_t updates = 0;
  std::uint64_t replaces = 0;
  std::uint64_t deletes = 0;
};

/// Inserts, updates with several operators, replaces and deletes, for so long. The seed gives the sequence, not its
/// length.
written write_for(const std::string& uri, const writer_options& options);

}  // namespace sluice::lab
