// When a checkpoint is due, what it covers, and whether an election has torn what it should cover. A plain machine:
// never a socket or a clock of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::apply {

/// What must become durable together: called on the applier's lane about once a second and after each catalog change.
struct checkpoint_request {
  bson::timestamp applied;
  bson::timestamp resume_from;
  /// In which everything since the last one was acknowledged with w: 1. Unknown: nothing was (or through a mongos,
  /// where no term can be known), so that no term has to be looked at.
  wire::write_term term;
  std::vector<bson::document> mapped;            // collection_map entries to store
  std::vector<std::vector<std::byte>> unmapped;  // UUIDs of those to remove
  /// A catalog change follows, and what came before it must never be written again, even if this process dies and the
  /// destination elects: whoever finds the position then has to see that it is durable, without having got the reply.
  bool confirmed = false;
};
enum class checkpoint_verdict : std::uint8_t {
  durable,
  torn,  // the destination's term changed since: what was written after the last durable one may be gone
};

class checkpointing {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  checkpointing(std::chrono::milliseconds every, bson::timestamp applied, time_point now)
      : every_(every), applied_(applied), resume_from_(applied), durable_(applied), last_(now) {}

  /// A window of this term (or of several) is acknowledged.
  void acknowledged(const wire::write_term& term, bool mixed);
  /// Everything up to `applied` is on the destination.
  void moved(bson::timestamp applied, bson::timestamp resume_from);
  void catalog_changed(std::vector<bson::document> mapped, std::vector<std::vector<std::byte>> unmapped);

  /// When the next one should be made; nothing while one is under way, or when there is nothing to say. What only the
  /// passing of time has moved is stored ten times more seldom.
  [[nodiscard]] std::optional<time_point> due_at() const;
  [[nodiscard]] bool anything_to_say() const;
  [[nodiscard]] checkpoint_request take(time_point now);
  /// The same, with checkpoint_request::confirmed; not needed while is_confirmed().
  [[nodiscard]] checkpoint_request take_confirmed(time_point now);
  [[nodiscard]] bool is_confirmed() const { return confirmed_ && !anything_to_say(); }
  void answered(checkpoint_verdict verdict);

  [[nodiscard]] bool torn() const noexcept { return torn_; }
  [[nodiscard]] bool under_way() const noexcept { return under_way_.has_value(); }
  [[nodiscard]] bson::timestamp applied() const noexcept { return applied_; }
  [[nodiscard]] bson::timestamp durable() const noexcept { return durable_; }

 private:
  struct places {
    bson::timestamp applied;
    bson::timestamp resume_from;
    friend bool operator==(const places&, const places&) = default;
  };

  std::chrono::milliseconds every_;
  bson::timestamp applied_;
  bson::timestamp resume_from_;
  bson::timestamp durable_;
  time_point last_;
  std::optional<places> told_;       // by the last request
  std::optional<places> under_way_;  // by the one that is not answered yet
  bool wrote_ = false;               // since the last request
  wire::write_term term_;            // of what was written since
  std::vector<bson::document> mapped_;
  std::vector<std::vector<std::byte>> unmapped_;
  bool torn_ = false;
  bool confirmed_ = false;  // what was told last
};

}  // namespace sluice::apply
