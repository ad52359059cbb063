#include "engine/assess/side.hpp"

#include <algorithm>
#include <utility>

#include "engine/assess/reading.hpp"
#include "engine/cluster/primary_search.hpp"
#include "engine/wire/srv.hpp"

namespace sluice::assess {

namespace {

/// An election takes about ten seconds; who assesses meanwhile is told so, and asks again.
constexpr auto search_time_max = std::chrono::milliseconds(4'000);

void append(findings& to, findings more) {
  std::ranges::move(more, std::back_inserter(to));
}

/// Members, and hosts of the URI that are none. An address of the URI may be another name of a member.
std::vector<known_host> all_hosts(std::vector<known_host> members, const std::vector<wire::host_port>& seeds,
                                  bool is_mongos) {
  for (const wire::host_port& seed : seeds) {
    const std::string address = seed.to_string();
    if (std::ranges::find(members, address, &known_host::address) != members.end()) continue;
    members.push_back({.address = address, .in_set = is_mongos});
  }
  return members;
}

task<result<wire::connection_string>> resolved(wire::connection_string uri) {
  if (!uri.is_srv()) co_return uri;
  co_return co_await wire::resolve_srv(uri);
}

/// Messages of engine/cluster begin with the side, which a finding has as its subject.
std::string without_name(const side& of, std::string message) {
  const std::string name = of.name() + ": ";
  return message.starts_with(name) ? message.substr(name.size()) : message;
}

/// Of a deployment that has no primary for us: which of its hosts are there.
task<result<>> look_at_seeds(side& of, wire::connection_string uri, error why, runtime::cancel_scope& scope) {
  of.found.push_back(unreachable(of.name(), without_name(of, std::move(why.message))));
  std::vector<known_host> seeds;
  for (const wire::host_port& seed : uri.hosts()) seeds.push_back({.address = seed.to_string()});
  auto hosts = co_await read_hosts(uri, std::move(seeds), "", scope);
  append(of.found, judge_hosts(of.name(), hosts));
  co_return ok();
}

}  // namespace

task<result<>> look_at(side& of, wire::connection_string given, runtime::cancel_scope& scope) {
  auto looked_up = co_await resolved(given);
  if (!looked_up) {
    of.found.push_back(unreachable(of.name(), looked_up.error().message));
    co_return ok();
  }
  const wire::connection_string uri = std::move(looked_up).value();
  cluster::search_options options{
      .whose = of.name(), .set_name = uri.replica_set(), .newest_election = {}, .patience = search_time_max};
  auto located = co_await cluster::search_primary(uri, std::move(options), scope);
  if (!located) {
    if (scope.cancelled()) co_return located.error();
    error why = located.error();
    co_return co_await look_at_seeds(of, uri, std::move(why), scope);
  }

  of.address = located.value().at.to_string();
  of.node = std::move(located.value().connection);
  const bool is_mongos = located.value().is_sharded;
  const std::string primary = is_mongos ? located.value().at.to_string() : located.value().hello.me;

  auto members = co_await read_members(*of.node);
  if (!is_mongos) append(of.found, judge_members(of.name(), kinds_of(members)));
  const std::vector<wire::host_port>& seeds = uri.hosts();
  auto hosts = all_hosts(std::move(members), seeds, is_mongos);
  auto reached = co_await read_hosts(uri, std::move(hosts), primary, scope);
  append(of.found, judge_hosts(of.name(), reached));
  const auto main = std::ranges::find(reached, primary, &host_facts::address);
  if (main != reached.end()) of.ping_ms = main->ping_ms;

  auto privileges = co_await read_privileges(*of.node, of.as);
  append(of.found, judge_privileges(of.name(), privileges));

  auto found = co_await cluster::discover(uri, of.as, scope);
  if (found) {
    of.known = std::move(found).value();
  } else if (scope.cancelled()) {
    co_return found.error();
  } else {
    of.found.push_back(problem({"versions.known", heading::versions}, of.name(),
                               without_name(of, found.error().message),
                               "put right what the message names, and assess again"));
  }
  co_return ok();
}

side_name name_of(const side& of) {
  side_name name;
  name.name = of.address;
  if (!of.known) return name;
  name.name = of.known->name();
  name.version = of.known->version.to_string();
  name.fcv = of.known->fcv;
  name.kind = of.known->kind == cluster::deployment_kind::sharded ? "shardedCluster" : "replicaSet";
  return name;
}

}  // namespace sluice::assess
