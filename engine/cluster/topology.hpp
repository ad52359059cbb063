// The search for a primary as a plain machine: fed with what each host answered, it says whom to ask next, whether the
// primary is found, and why there is none. Must never touch a socket or a clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cluster/hello_reply.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::cluster {

///   topology search(seeds, "rs0", false);
///   for (auto& host : search.take_askable()) ask(host);   // then heard(host, reply) or failed(host, error)
///   while (search.judge() == topology::verdict::pending) ...
class topology {
 public:
  /// `set_name` is the one demanded, empty to take the set of the first member that answers. `direct` stays with the
  /// seeds: member lists are not followed. `newest_election` is of the newest primary ever seen: older ones are stale.
  topology(std::vector<wire::host_port> seeds, std::string set_name, bool direct,
           std::optional<bson::object_id> newest_election = {});

  /// The hosts to ask now; each counts as being asked until heard() or failed() tells.
  [[nodiscard]] std::vector<wire::host_port> take_askable();
  void heard(const wire::host_port& host, const hello_reply& said);
  void failed(const wire::host_port& host, error cause);
  /// Hosts that have answered may be asked again (after a pause; those that still owe an answer are left alone).
  void ask_again();

  enum class verdict {
    pending,  // somebody is to be asked or owes an answer
    found,    // primary() or a mongos
    nobody,   // all have answered, there is no primary now; asking again later may help
    hopeless  // waiting will not help: see explain()
  };
  [[nodiscard]] verdict judge() const noexcept;

  /// These are for `found`. `primary` is the address that was asked and answered, even where the set has another name
  /// for it; `members` are the set's, with that address among them. Behind mongos: the seeds.
  [[nodiscard]] const wire::host_port& primary() const noexcept { return *primary_; }
  [[nodiscard]] std::vector<wire::host_port> members() const;
  [[nodiscard]] bool is_sharded() const noexcept { return sharded_; }
  [[nodiscard]] const std::string& set_name() const noexcept { return set_name_; }
  [[nodiscard]] const std::optional<bson::object_id>& newest_election() const noexcept { return newest_election_; }

  /// Why there is no primary: one sentence with each host's last cause. `whose` begins it ("source"). The kind is that
  /// of what cannot be waited for; else timeout if members were reached, else how the hosts could not be reached.
  [[nodiscard]] error explain(std::string_view whose, std::chrono::steady_clock::duration searched_for) const;

 private:
  enum class step { askable, asked, answered };
  struct host {
    wire::host_port at;
    step now = step::askable;
    std::optional<error> cause;  // why it is not the primary; the last one
    bool permanent = false;      // the cause stays as long as nobody reconfigures
    bool reached = false;        // it took our credentials and answered, at least once
  };

  [[nodiscard]] host& of(const wire::host_port& at);
  void learn(const std::vector<std::string>& names);
  [[nodiscard]] std::optional<error> judge_reply(const host& from, const hello_reply& said, bool& permanent);
  void take_primary(const host& from, const hello_reply& said);

  std::vector<host> hosts_;
  std::vector<wire::host_port> members_;
  std::string set_name_;
  bool set_name_given_;
  bool direct_;
  bool sharded_ = false;
  std::optional<wire::host_port> primary_;
  std::optional<bson::object_id> newest_election_;
};

}  // namespace sluice::cluster
