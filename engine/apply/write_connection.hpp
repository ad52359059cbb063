// One of the writer's connections: sends a command until a primary has acknowledged it, over elections and lost
// connections. Decides nothing about what a refusal means.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/apply/write_command.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/write_permission.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::apply {

struct apply_counters;

/// The cluster time of the last document that a writer's connections took to another shard, which all of them share. A
/// mongos answers when that is decided, and a read that does not ask for a time may come in between the shards' own
/// commits and find the document on none of them (5.0.4).
struct causal_time {
  bson::timestamp seen;
  void hear(bson::document_view reply) noexcept;
};

/// Lives on one lane; one call at a time. Everything ends when `scope` is cancelled.
class write_connection {
 public:
  /// `comment` goes with every command and is this connection's alone: a command whose connection was lost is found
  /// by it (see settle()).
  write_connection(cluster::deployment destination, std::string comment, std::chrono::milliseconds patience,
                   state::write_permission may_write, causal_time& times, apply_counters& counters,
                   runtime::cancel_scope& scope)
      : destination_(std::move(destination)),
        comment_(std::move(comment)),
        patience_(patience),
        may_write_(std::move(may_write)),
        times_(times),
        counters_(counters),
        scope_(scope) {}

  struct acknowledged {
    write_reply reply;
    /// It was sent more than once: what it found may be its own doing.
    bool resent = false;
  };
  /// Sends what is left of the piece after encoder().left_out(). Errors: what the server says to the command as a
  /// whole, with the namespace; network and such after `patience`.
  [[nodiscard]] task<result<acknowledged>> send(write_piece piece);
  /// One update or remove whose document is named with the whole value of its shard key. As a retryable write, since
  /// only in one a mongos takes a document to the shard of a new value. Answers and errors as those of send().
  [[nodiscard]] task<result<acknowledged>> send_with_key(cluster::namespace_name ns, bson::document query,
                                                         document_write write);
  /// Of the piece sent last.
  [[nodiscard]] const write_encoder& encoder() const noexcept { return encoder_; }

  /// Which of these `_id`s are there now, as documents {_id}.
  [[nodiscard]] task<result<std::vector<bson::document>>> find_ids(cluster::namespace_name ns,
                                                                   std::vector<bson::element_view> ids);
  /// The documents with this `_id`, of which there may be one on each shard: the fields of `key` of each.
  [[nodiscard]] task<result<std::vector<bson::document>>> find_keys(cluster::namespace_name ns, bson::element_view id,
                                                                    bson::document_view key);

 private:
  [[nodiscard]] task<result<>> open();
  [[nodiscard]] task<result<>> settle();
  [[nodiscard]] task<result<bool>> is_being_passed_on();
  [[nodiscard]] task<result<write_reply>> send_once(const cluster::namespace_name& ns);
  [[nodiscard]] task<result<std::vector<bson::document>>> find(const std::string& database, bson::document command);
  [[nodiscard]] bson::document session_id();
  /// `ns` outlives it.
  [[nodiscard]] wire::on_retry reports_of(const cluster::namespace_name& ns);

  cluster::deployment destination_;
  std::string comment_;
  std::chrono::milliseconds patience_;
  state::write_permission may_write_;
  causal_time& times_;
  apply_counters& counters_;
  runtime::cancel_scope& scope_;
  std::unique_ptr<wire::connection> connection_{};
  std::vector<std::byte> session_{};  // made when it is first wanted
  std::int64_t transaction_number_ = 0;
  bool unsettled_ = false;  // a command was sent and its answer never came: it may still be running
  write_encoder encoder_;
};

}  // namespace sluice::apply
