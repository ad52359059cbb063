// Which collections are compared, and how far each of them is. No clock, no servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/cluster/catalog.hpp"
#include "engine/plan/partition.hpp"

namespace sluice::verify {

/// A piece of a collection that is read from both sides at once.
struct part {
  std::uint32_t collection = 0;  // by its number
  std::uint32_t round = 0;
  plan::partition what;
};

/// How the applier calls a collection.
struct told_of {
  std::vector<std::byte> source_uuid;
  std::string destination_data_ns;
};

class roll {
 public:
  /// Whether the collection is one of those of the last update.
  [[nodiscard]] bool knows(const cluster::collection_info& as) const;
  /// The catalog of the source as it is now, under the names that its collections have on the destination. What is new
  /// waits to be compared; what only has another name stays as it is, with the sizes that it was first given. Returns
  /// the numbers of those that are gone.
  [[nodiscard]] std::vector<std::uint32_t> update(cluster::catalog now);

  /// One that waits, the largest first: to be cut into parts. Nothing: none waits.
  [[nodiscard]] std::optional<std::uint32_t> waiting() const;
  /// Valid until the next update.
  [[nodiscard]] const cluster::collection_info* info(std::uint32_t collection) const;
  /// As they are now.
  void set_sizes(std::uint32_t collection, const cluster::collection_info& from);
  /// From here on its changes count, though no part of it has been given out.
  void begin(std::uint32_t collection);
  /// Into these parts. It may have gone, or begun anew, meanwhile.
  void give_parts(std::uint32_t collection, std::vector<plan::partition> parts);
  [[nodiscard]] std::optional<part> next_part();
  void put_back(part one);
  void done(const part& one);
  /// It has to be compared anew; nobody knows how large it is by now.
  void again(std::uint32_t collection);

  /// If it has begun to be compared. By its UUID, since a name may mean another collection by now; by its name where
  /// nobody knows that UUID. One that was not listed yet is compared later, and nothing of it is missed.
  [[nodiscard]] std::optional<std::uint32_t> begun(const told_of& collection) const;

  [[nodiscard]] std::size_t collections() const noexcept { return all_.size(); }
  [[nodiscard]] std::size_t compared() const noexcept;
  /// Everything of the first catalog was compared once, or is gone.
  [[nodiscard]] bool first_pass() const noexcept;
  [[nodiscard]] std::int64_t documents_estimate() const noexcept;
  [[nodiscard]] std::int64_t bytes() const noexcept;
  /// Of collections that were not compared as a whole yet; very many where a size is not known.
  [[nodiscard]] std::int64_t bytes_left() const noexcept;

 private:
  enum class state : std::uint8_t { waiting, begun, compared };
  struct entry {
    cluster::collection_info info;
    state now = state::waiting;
    std::uint32_t round = 0;
    std::size_t parts_left = 0;
    bool first = false;    // of the first catalog, and never compared as a whole
    bool unsized = false;  // its sizes are those of long ago
  };
  static void set_compared(entry& one) {
    one.now = state::compared;
    one.first = false;
  }
  [[nodiscard]] static bool is(const entry& one, const cluster::collection_info& as);

  std::map<std::uint32_t, entry> all_;
  std::map<std::string, std::uint32_t, std::less<>> by_destination_;
  std::map<std::vector<std::byte>, std::uint32_t> by_uuid_;
  std::deque<part> parts_;
  std::uint32_t next_number_ = 1;
  bool listed_ = false;
};

}  // namespace sluice::verify
