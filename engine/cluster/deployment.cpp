#include "engine/cluster/deployment.hpp"

#include <algorithm>
#include <utility>

#include "engine/cluster/command_cursor.hpp"
#include "engine/cluster/deployment_facts.hpp"
#include "engine/cluster/primary_search.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"
#include "engine/wire/srv.hpp"

namespace sluice::cluster {

namespace {

/// Everything that is asked once the primary is found.
task<result<>> read_facts(wire::connection& node, hello_reply said, deployment& found) {
  const bool is_mongos = said.is_mongos;
  SLUICE_CO_TRY(found.version, co_await read_server_version(node));
  SLUICE_CO_TRY(const auto fcv, co_await read_feature_compatibility(node, is_mongos));
  found.fcv = fcv.version;
  found.fcv_changing = fcv.changing;
  SLUICE_CO_TRY(found.identity, co_await read_deployment_identity(node, std::move(said)));
  found.can = capabilities_of(found.version, is_mongos);
  const auto compatible = parse_server_version(fcv.version);
  if (compatible && compatible->major < 6) found.can.prepare_unique = found.can.coll_mod_capped_size = false;
  if (found.as == role::destination) {
    SLUICE_CO_TRY(found.can.bypass_empty_timestamp, co_await probe_bypass_empty_timestamp(node));
  }
  co_return ok();
}

error named(const deployment& known, error e) {
  e.message = std::string(to_string(known.as)) + ": " + e.message;
  return e;
}

/// The same set and, as far as it can be told, the same deployment: another one may have taken over the address.
task<result<>> check_same_deployment(const deployment& known, wire::connection& node, hello_reply said) {
  const bool fits = known.kind == deployment_kind::sharded ? said.is_mongos : said.set_name == known.set_name;
  const std::string was = known.kind == deployment_kind::sharded ? "a mongos" : "a member of " + known.set_name;
  if (!fits) {
    // A member that starts has no set name until it has read its configuration.
    const bool starting = said.is_uninitiated && known.kind == deployment_kind::replica_set;
    co_return failure(starting ? error_kind::network : error_kind::refused,
                      node.host().to_string() + (starting ? " is still starting" : " is no longer " + was));
  }
  if (is_stand_in(known.identity)) co_return ok();
  SLUICE_CO_TRY(const auto identity, co_await read_deployment_identity(node, std::move(said)));
  if (identity == known.identity || is_stand_in(identity)) co_return ok();
  co_return failure(error_kind::refused, node.host().to_string() + " is " + was + ", but of another deployment (" +
                                             identity + " instead of " + known.identity + "): check the URI");
}

struct opened_node {
  std::unique_ptr<wire::connection> connection;
  hello_reply said;
};

/// One attempt at one host.
task<result<opened_node>> open_known(const deployment& known, wire::host_port host, runtime::cancel_scope& scope) {
  opened_node node;
  SLUICE_CO_TRY(node.connection, co_await wire::connection::open(known.uri, host, scope));
  SLUICE_CO_TRY(node.said, co_await ask_hello(*node.connection));
  SLUICE_CO_TRYV(co_await check_same_deployment(known, *node.connection, node.said));
  co_return node;
}

task<result<std::unique_ptr<wire::connection>>> open_readable(const deployment& known, wire::host_port member,
                                                              runtime::cancel_scope& scope) {
  SLUICE_CO_TRY(auto node, co_await open_known(known, member, scope));
  if (!node.said.is_mongos && !node.said.is_writable_primary && !node.said.is_secondary) {
    co_return failure(error_kind::network, member.to_string() + " is starting or recovering and takes no reads yet");
  }
  co_return std::move(node.connection);
}

bool is_current_primary(const deployment& known, const hello_reply& said) {
  if (said.is_mongos) return true;
  if (!said.is_writable_primary) return false;
  return !said.election || !known.newest_election || !is_older_election(*said.election, *known.newest_election);
}

}  // namespace

std::string_view to_string(role r) noexcept {
  return r == role::source ? "source" : "destination";
}

std::string deployment::name() const {
  return (kind == deployment_kind::sharded ? std::string("sharded cluster") : set_name) + " (" + primary.to_string() +
         ")";
}

deployment deployment::through(std::size_t nth) const {
  deployment other = *this;
  const auto& routers = uri.hosts();
  if (kind != deployment_kind::sharded || routers.empty()) return other;
  const auto mine = std::ranges::find(routers, primary);
  const auto at = mine == routers.end() ? std::size_t{0} : static_cast<std::size_t>(mine - routers.begin());
  other.primary = routers[(at + nth) % routers.size()];
  return other;
}

task<result<deployment>> discover(wire::connection_string uri, role as, runtime::cancel_scope& scope) {
  deployment found;
  found.as = as;
  if (uri.is_srv()) {
    const auto resolve = [&uri] { return wire::resolve_srv(uri); };
    auto resolved = co_await wire::retry(resolve, uri.server_selection_timeout(), scope);
    if (!resolved) co_return named(found, resolved.error());
    uri = std::move(resolved.value());
  }
  const auto deadline = std::chrono::steady_clock::now() + uri.server_selection_timeout();
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    search_options options{.whose = std::string(to_string(as)),
                           .set_name = uri.replica_set(),
                           .newest_election = found.newest_election,
                           .patience = std::max(left, std::chrono::milliseconds(0))};
    SLUICE_CO_TRY(auto located, co_await search_primary(uri, std::move(options), scope));
    found.uri = uri.with_hosts(located.members);
    found.kind = located.is_sharded ? deployment_kind::sharded : deployment_kind::replica_set;
    if (!located.is_sharded) found.set_name = located.set_name;
    found.primary = located.at;
    found.newest_election = located.newest_election;
    const auto facts = co_await read_facts(*located.connection, std::move(located.hello), found);
    if (facts) co_return found;
    // An election may come between the search and the questions: search again.
    const bool late = std::chrono::steady_clock::now() >= deadline;
    if (late || !wire::is_retryable(facts.error())) co_return named(found, facts.error());
  }
}

task<result<std::unique_ptr<wire::connection>>> connect_primary(deployment& known, runtime::cancel_scope& scope,
                                                                std::chrono::milliseconds patience) {
  auto first = co_await open_known(known, known.primary, scope);
  if (first && is_current_primary(known, first.value().said)) {
    if (first.value().said.election) known.newest_election = first.value().said.election;
    known.unreached->ended();
    co_return std::move(first.value().connection);
  }
  if (!first && !wire::is_retryable(first.error())) co_return named(known, first.error());
  if (patience > std::chrono::milliseconds::zero() && !scope.cancelled()) {
    const auto now = std::chrono::steady_clock::now();
    known.unreached->began(
        now, now + patience,
        first ? known.primary.to_string() + " is no longer the primary" : std::string(first.error().message));
  }
  if (first) first.value().connection.reset();

  search_options options{.whose = std::string(to_string(known.as)),
                         .set_name = known.set_name,
                         .newest_election = known.newest_election,
                         .patience = patience};
  SLUICE_CO_TRY(auto located, co_await search_primary(known.uri, std::move(options), scope));
  const auto same = co_await check_same_deployment(known, *located.connection, located.hello);
  if (!same) co_return named(known, same.error());
  known.unreached->ended();
  known.primary = located.at;
  known.newest_election = located.newest_election;
  known.uri = known.uri.with_hosts(located.members);
  co_return std::move(located.connection);
}

task<result<std::unique_ptr<wire::connection>>> connect_member(const deployment& known, wire::host_port member,
                                                               runtime::cancel_scope& scope,
                                                               std::chrono::milliseconds patience) {
  const auto open = [&known, &member, &scope] { return open_readable(known, member, scope); };
  auto opened = co_await wire::retry(open, patience, scope);
  if (!opened) co_return named(known, opened.error());
  co_return std::move(opened.value());
}

task<result<std::string>> read_data_identity(wire::connection& node) {
  if (node.hello().is_mongos) co_return std::string();
  bson::builder find;
  find.append("find", "replset.initialSyncId").append("limit", 1).append("singleBatch", true);
  bson::document by_node = find.finish();
  const auto sync = co_await run_cursor(node, "local", std::move(by_node));
  if (!sync && sync.error().server_code != wire::unauthorized) co_return sync.error();
  if (sync && !sync.value().documents.empty()) {
    const auto id = sync.value().documents.front().view().find("_id");
    const auto uuid = id ? id.as_binary() : std::nullopt;
    if (uuid) co_return hex_of(uuid->data);
  }

  // local is never replicated: each node made its oplog, and the UUID of it, by itself.
  bson::builder list;
  list.append("listCollections", 1).open_document("filter").append("name", "oplog.rs").close();
  bson::document only_oplog = list.finish();
  const auto listed = co_await run_cursor(node, "local", std::move(only_oplog));
  if (!listed && listed.error().server_code == wire::unauthorized) co_return std::string();
  if (!listed) co_return listed.error();
  if (listed.value().documents.empty()) co_return std::string();
  const auto field = listed.value().documents.front().view().at("info", "uuid");
  const auto uuid = field ? field.as_binary() : std::nullopt;
  co_return uuid ? "oplog-" + hex_of(uuid->data) : std::string();
}

task<result<std::chrono::milliseconds>> ping(wire::connection& node) {
  bson::builder command;
  command.append("ping", 1);
  bson::document ping_command = command.finish();
  const auto sent = std::chrono::steady_clock::now();
  SLUICE_CO_TRYV(co_await node.run("admin", std::move(ping_command), limits::ping_time_max));
  co_return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - sent);
}

}  // namespace sluice::cluster
