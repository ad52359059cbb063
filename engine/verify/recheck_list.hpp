// The documents that have to be looked at again on both sides: those that were not the same at first sight, and those
// that have changed since. Decides when one is looked at, and when it is different for good. No clock, no servers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bson/document.hpp"

namespace sluice::verify {

/// A document as one look has found it.
struct digest {
  std::uint64_t high = 0, low = 0;  // of its bytes
  bool there = false;
  friend bool operator==(const digest&, const digest&) = default;
};

/// One look at both sides.
struct look {
  digest source, destination;
  bson::timestamp source_time;  // no later than this the source was so
  bson::timestamp applied;      // up to here the destination had the source's changes before it was read
};

class recheck_list {
 public:
  using clock = std::chrono::steady_clock;

  struct limits {
    std::size_t documents_max = 100'000;
    /// A document that has changed is left alone for a while: it may change again.
    std::chrono::milliseconds rest{1000};
    /// Between two looks at one that was different.
    std::chrono::milliseconds again{200};
    /// Between looks at one that is different for good: somebody may repair it.
    std::chrono::milliseconds repaired{5000};
  };

  recheck_list() = default;
  explicit recheck_list(limits bounds) : limits_(bounds) {}

  /// A document of a collection (by the caller's number for it) that is in doubt or has changed; `id` is {_id: ...}.
  /// One that waits already keeps its turn. False: there is no room, and it was not taken.
  [[nodiscard]] bool add(std::uint32_t collection, bson::document_view id, clock::time_point now);

  struct batch {
    std::uint32_t collection = 0;
    std::vector<bson::document> ids;
  };
  /// Up to `most` documents of one collection whose turn it is; each has to be answered or put back.
  [[nodiscard]] std::optional<batch> take(clock::time_point now, std::size_t most);

  enum class verdict : std::uint8_t {
    same,       // it is no longer in the list
    undecided,  // it will be looked at again
    different,  // for good, for the first time: the source was the same twice, and all of its changes are there
    still_different,
    repaired,  // it was different for good, and is the same now
    gone,      // its collection was forgotten while it was looked at
  };
  verdict answer(std::uint32_t collection, bson::document_view id, const look& seen, clock::time_point now);
  /// It could not be looked at.
  void put_back(const batch& what, clock::time_point now);

  /// How many of the collection were different for good.
  std::size_t forget(std::uint32_t collection);
  /// Everything's turn is now, and no document is left alone any longer: nothing changes any more.
  void hurry(clock::time_point now);
  void at_leisure() { hurried_ = false; }

  [[nodiscard]] std::size_t size() const noexcept { return documents_; }
  /// Those of them that are different for good.
  [[nodiscard]] std::size_t different() const noexcept { return different_; }
  [[nodiscard]] std::size_t undecided() const noexcept { return documents_ - different_; }
  [[nodiscard]] bool crowded() const noexcept { return documents_ > limits_.documents_max / 2; }
  /// For how long the document whose turn is next has been in doubt; zero when none is.
  [[nodiscard]] std::chrono::seconds lag(clock::time_point now) const;

 private:
  struct entry {
    clock::time_point since;
    bson::timestamp source_time;
    digest source;
    bool taken = false;    // somebody looks at it
    bool changed = false;  // while somebody looked at it
    bool seen = false;     // source and source_time are those of the last look
    bool different = false;
  };
  using entries = std::unordered_map<std::string, entry>;
  struct collection_entries {
    entries all;
    std::set<std::pair<clock::time_point, const std::string*>> turns;  // of those that nobody looks at
  };
  static void schedule(collection_entries& in, entries::iterator at, clock::time_point due);

  limits limits_;
  std::map<std::uint32_t, collection_entries> collections_;
  std::size_t documents_ = 0;
  std::size_t different_ = 0;
  bool hurried_ = false;
};

}  // namespace sluice::verify
