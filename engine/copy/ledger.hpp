// The ledger: which partition is where, and which of it a failover of the destination can no longer take away.
// A plain machine without sockets or clocks; the copier feeds it from the control lane.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bson/document.hpp"
#include "engine/plan/partition.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::copy {

/// Where the copy of a partition stands; stored beside it in the checkpoint.
struct position {
  std::optional<bson::document> behind;  // natural: resume token; by_id: {_id: last}. Nothing: at the beginning
  std::int64_t documents = 0;
  std::int64_t bytes = 0;
  bool done = false;
};
[[nodiscard]] position position_from(bson::document_view stored);
[[nodiscard]] bson::document to_fields(const position& p);

/// A partition handed to a worker. `torn` is set by the ledger when what the worker wrote may have been rolled back:
/// it then stops and the partition is handed out again from its last durable position.
struct assignment {
  std::size_t index = 0;
  const plan::partition* what = nullptr;
  position from;
  std::shared_ptr<std::atomic<bool>> torn;
};

class ledger {
 public:
  struct entry {
    plan::partition what;
    position durable;
  };
  /// Largest first, as far as they are not done.
  explicit ledger(std::vector<entry> entries);

  /// The next partition to copy; nothing when none is waiting.
  [[nodiscard]] std::optional<assignment> take();
  [[nodiscard]] bool all_done() const noexcept { return done_ == partitions_.size(); }
  [[nodiscard]] std::size_t done() const noexcept { return done_; }
  /// Whether a partition is written and only waits for its fence.
  [[nodiscard]] bool has_unfenced() const noexcept;

  /// Everything up to `at` was acknowledged in `term`. `at.done`: the partition is written, it waits for its fence.
  /// Ignored from a worker whose assignment was torn meanwhile (`mine` tells them apart).
  void advanced(const assignment& mine, position at, wire::write_term term);
  /// The worker gives the partition back (an election, an error to be retried): from the durable position again.
  void returned(const assignment& mine);
  /// The collection is gone from the source: nothing of it is left to do.
  void gone(const cluster::namespace_name& ns);
  /// Takes every partition of the collection out, torn for whoever copies it, and puts others in their place.
  void replace(const cluster::namespace_name& ns, std::vector<entry> fresh);

  /// One line for the checkpoint: where a partition stands, and in which term all of it was acknowledged (unknown:
  /// nothing was written since the last durable position).
  struct change {
    std::size_t index;
    std::string id;
    position at;
    wire::write_term term;
  };
  /// What a fencing write should hold now. Followed by settle() with the term of that write's reply.
  [[nodiscard]] std::vector<change> collect();
  /// Positions that were acknowledged in `fence` are durable; the others may be lost and are torn: their durable
  /// position is part of the next collect(). Returns how many partitions were torn.
  std::size_t settle(const std::vector<change>& written, wire::write_term fence);

  [[nodiscard]] const plan::partition& at(std::size_t index) const { return *partitions_[index].what; }
  [[nodiscard]] bool is_done(std::size_t index) const { return partitions_[index].state == status::done; }
  [[nodiscard]] std::size_t size() const noexcept { return partitions_.size(); }

 private:
  enum class status : std::uint8_t { waiting, copying, written, done };
  struct tracked {
    std::unique_ptr<plan::partition> what;  // stays where it is while workers read it
    position durable;
    position reached;
    wire::write_term term;  // of every write since `durable`
    bool dirty = false;     // the checkpoint does not know `reached` yet
    bool mixed = false;     // writes since `durable` were acknowledged in more than one term
    status state = status::waiting;
    std::shared_ptr<std::atomic<bool>> torn;
  };
  void tear(tracked& p);
  void back_to_durable(std::size_t index);
  [[nodiscard]] tracked* holder(const assignment& mine);
  void enqueue(std::size_t index);

  std::vector<tracked> partitions_;
  std::deque<std::size_t> waiting_;
  std::vector<std::unique_ptr<plan::partition>> retired_;  // replaced, but a worker may still look at them
  std::size_t done_ = 0;
};

}  // namespace sluice::copy
