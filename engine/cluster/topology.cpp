#include "engine/cluster/topology.hpp"

#include <algorithm>
#include <utility>

namespace sluice::cluster {

topology::topology(std::vector<wire::host_port> seeds, std::string set_name, bool direct,
                   std::optional<bson::object_id> newest_election)
    : set_name_(std::move(set_name)),
      set_name_given_(!set_name_.empty()),
      direct_(direct),
      newest_election_(newest_election) {
  for (auto& seed : seeds) (void)of(seed);
}

topology::host& topology::of(const wire::host_port& at) {
  const auto found = std::ranges::find(hosts_, at, &host::at);
  if (found != hosts_.end()) return *found;
  return hosts_.emplace_back(host{.at = at, .cause = {}});
}

std::vector<wire::host_port> topology::take_askable() {
  std::vector<wire::host_port> askable;
  for (auto& each : hosts_) {
    if (each.now != step::askable) continue;
    each.now = step::asked;
    askable.push_back(each.at);
  }
  return askable;
}

void topology::ask_again() {
  for (auto& each : hosts_) {
    if (each.now == step::answered) each.now = step::askable;
  }
}

void topology::learn(const std::vector<std::string>& names) {
  if (direct_) return;
  for (const auto& name : names) {
    if (const auto parsed = wire::parse_host_port(name)) (void)of(parsed.value());
  }
}

void topology::failed(const wire::host_port& at, error cause) {
  auto& from = of(at);
  from.now = step::answered;
  from.permanent = cause.kind == error_kind::configuration || cause.kind == error_kind::authentication;
  from.cause = std::move(cause);
}

void topology::heard(const wire::host_port& at, const hello_reply& said) {
  bool permanent = false;
  auto cause = judge_reply(of(at), said, permanent);
  {
    auto& from = of(at);
    from.now = step::answered;
    from.reached = true;
    from.permanent = permanent;
    from.cause = cause;
  }
  if (permanent) return;  // not ours: nor are the members that it names
  if (!said.is_mongos) learn(said.members);
  if (!cause) take_primary(of(at), said);
}

std::optional<error> topology::judge_reply(const host& from, const hello_reply& said, bool& permanent) {
  const auto name = from.at.to_string();
  const auto not_ours = [&](std::string words) {
    permanent = true;
    return failure(error_kind::configuration, name + " " + std::move(words));
  };
  const auto not_now = [&](std::string words) { return failure(error_kind::timeout, name + " " + std::move(words)); };

  if (said.is_mongos) {
    if (!set_name_given_) return {};
    return not_ours("is a mongos, but the URI asks for the replica set \"" + set_name_ + "\": remove replicaSet");
  }
  if (said.is_uninitiated) return not_now("is not a member of an initiated replica set yet: run rs.initiate() on it");
  if (said.set_name.empty())
    return not_ours("is a standalone server, which keeps no oplog: start it with --replSet and run rs.initiate()");
  if (said.is_config_server)
    return not_ours("is a config server of a sharded cluster: give the address of a mongos instead");
  if (set_name_.empty()) set_name_ = said.set_name;
  if (said.set_name != set_name_) {
    return not_ours("belongs to the replica set \"" + said.set_name + "\", " +
                    (set_name_given_ ? "but the URI asks for \"" : "but another host of the URI belongs to \"") +
                    set_name_ + "\": correct the URI");
  }
  if (said.is_writable_primary) {
    if (said.election && newest_election_ && is_older_election(*said.election, *newest_election_))
      return not_now("takes itself for the primary, but a newer one has been elected");
    return {};
  }
  if (said.is_arbiter) return not_now("is an arbiter");
  if (!said.is_secondary) return not_now("is a member that is starting or recovering");
  if (direct_) return not_now("is a secondary, and directConnection=true forbids to look for the primary");
  if (!said.primary.empty()) return not_now("is a secondary that takes " + said.primary + " for the primary");
  return not_now("is a secondary that knows of no primary: an election is going on, or the majority is down");
}

void topology::take_primary(const host& from, const hello_reply& said) {
  sharded_ = said.is_mongos;
  primary_ = from.at;
  if (said.election) newest_election_ = said.election;
  members_.clear();
  if (sharded_) return;
  for (const auto& name : said.members) {
    if (auto parsed = wire::parse_host_port(name)) members_.push_back(std::move(parsed.value()));
  }
}

std::vector<wire::host_port> topology::members() const {
  std::vector<wire::host_port> all;
  if (sharded_) {
    for (const auto& each : hosts_) all.push_back(each.at);
    return all;
  }
  if (direct_) return {*primary_};
  all = members_;
  // A seed that is an alias (a forwarded port, another name) stays known: the set's own names may not be reachable.
  if (std::ranges::find(all, *primary_) == all.end()) all.insert(all.begin(), *primary_);
  return all;
}

topology::verdict topology::judge() const noexcept {
  if (primary_) return verdict::found;
  if (std::ranges::any_of(hosts_, [](const host& h) { return h.now != step::answered; })) return verdict::pending;
  // Arbiters know no users and refuse every login, so one refusal does not count while another member takes us.
  const bool refused =
      std::ranges::any_of(hosts_, [](const host& h) { return h.cause && h.cause->kind == error_kind::authentication; });
  const bool taken = std::ranges::any_of(hosts_, [](const host& h) { return h.reached; });
  if (refused && !taken) return verdict::hopeless;
  return std::ranges::all_of(hosts_, &host::permanent) ? verdict::hopeless : verdict::nobody;
}

error topology::explain(std::string_view whose, std::chrono::steady_clock::duration searched_for) const {
  error why{.kind = error_kind::network, .message = std::string(whose)};
  const bool hopeless = judge() == verdict::hopeless;
  why.message += set_name_.empty() ? ": no replica set" : ": no primary of the replica set \"" + set_name_ + "\"";
  why.message += " found";
  if (!hopeless) {
    const auto seconds = std::chrono::round<std::chrono::seconds>(searched_for).count();
    why.message += " within " + std::to_string(seconds) + " s";
  }
  std::optional<error_kind> kind;
  for (const auto& each : hosts_) {
    const auto name = each.at.to_string();
    const std::string words = each.cause ? each.cause->message : name + " has not answered";
    why.message += (&each == &hosts_.front() ? ": " : "; ") + (words.starts_with(name) ? words : name + ": " + words);
    if (each.reached && !each.permanent && !hopeless) kind = error_kind::timeout;
    if (!each.cause) continue;
    const bool counts = hopeless ? each.permanent : !kind.has_value();
    if (counts && !(kind == error_kind::authentication)) kind = each.cause->kind;
  }
  why.kind = kind.value_or(error_kind::timeout);
  return why;
}

}  // namespace sluice::cluster
