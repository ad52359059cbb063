#include <algorithm>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "engine/assess/reading.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/wire/transport.hpp"

namespace sluice::assess {

namespace {

using clock = std::chrono::steady_clock;

double milliseconds_since(clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(clock::now() - begin).count();
}

double wall_clock_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string text_of(bson::document_view document, std::string_view key) {
  return std::string(document.find(key) ? document.find(key).as_string().value_or("") : "");
}

void append_names(std::vector<known_host>& to, bson::document_view hello, std::string_view key, bool arbiter) {
  const auto field = hello.find(key);
  const auto names = field ? field.as_array() : std::nullopt;
  if (!names) return;
  for (const auto name : *names) {
    to.push_back({.address = std::string(name.as_string().value_or("")), .arbiter = arbiter});
  }
}

std::vector<known_host> members_of_config(bson::document_view members) {
  std::vector<known_host> found;
  for (const auto each : members) {
    const auto member = each.as_document();
    if (!member) continue;
    const auto flag = [&member](std::string_view key) {
      const auto field = member->find(key);
      return field && field.to_bool().value_or(false);
    };
    found.push_back({.address = text_of(*member, "host"),
                     .arbiter = flag("arbiterOnly"),
                     .hidden = flag("hidden"),
                     .delayed = flag("secondaryDelaySecs") || flag("slaveDelay")});
  }
  return found;
}

/// Its clock at the middle of the way there and back.
task<result<>> ping(wire::connection& node, host_facts& into) {
  bson::builder hello;
  hello.append("hello", 1);
  bson::document command = hello.finish();
  const double sent_ms = wall_clock_ms();
  const auto begin = clock::now();
  SLUICE_CO_TRY(const auto answer, co_await node.run("admin", std::move(command), host_time_max));
  into.ping_ms = milliseconds_since(begin);
  const auto local = answer.body.find("localTime");
  if (const auto theirs = local ? local.as_date_ms() : std::nullopt) {
    into.skew_ms = static_cast<double>(*theirs) - (sent_ms + into.ping_ms / 2);
  }
  co_return ok();
}

task<result<>> look_at_arbiter(wire::connection_string uri, wire::host_port at, host_facts& into,
                               runtime::cancel_scope& scope) {
  const auto lane = co_await boost::asio::this_coro::executor;
  const auto stream = std::make_shared<wire::transport>(lane, at);
  const auto hook = scope.on_cancel([&stream] { stream->finish(wire::transport::end::cancelled); });
  const auto begin = clock::now();
  SLUICE_CO_TRYV(co_await stream->connect(uri.tls()));
  into.connect_ms = milliseconds_since(begin);
  stream->finish(wire::transport::end::closed);
  co_return ok();
}

task<result<>> look_at_host(wire::connection_string uri, host_facts& into, runtime::cancel_scope& scope) {
  SLUICE_CO_TRY(const auto at, wire::parse_host_port(into.address));
  if (into.is_arbiter) {
    auto looked = co_await look_at_arbiter(uri, at, into, scope);
    co_return looked;
  }
  const auto begin = clock::now();
  SLUICE_CO_TRY(const auto node, co_await wire::connection::open(uri, at, scope));
  into.connect_ms = milliseconds_since(begin);
  // The first answer of a new connection includes what a server does for its first command.
  SLUICE_CO_TRYV(co_await ping(*node, into));
  SLUICE_CO_TRYV(co_await ping(*node, into));
  co_return ok();
}

task<result<>> cancel_in_time(runtime::cancel_scope& waiting, runtime::cancel_scope& then) {
  const bool passed = co_await runtime::sleep_for(host_time_max, waiting);
  if (passed) then.cancel();
  co_return ok();
}

/// Ends by itself after host_time_max.
task<result<>> look_in_time(wire::connection_string uri, host_facts& into, runtime::cancel_scope& scope) {
  const auto lane = co_await boost::asio::this_coro::executor;
  runtime::cancel_scope here;
  runtime::cancel_scope waiting_scope;
  const auto with_all = scope.on_cancel([&here, &waiting_scope] {
    here.cancel();
    waiting_scope.cancel();
  });
  runtime::task_group waiting(lane, waiting_scope);
  waiting.spawn(cancel_in_time(waiting_scope, here));
  const auto looked = co_await look_at_host(std::move(uri), into, here);
  const bool too_late = here.cancelled();
  waiting_scope.cancel();
  (void)co_await waiting.join();
  if (looked) co_return ok();
  into.problem = too_late ? "no answer within " + std::to_string(host_time_max.count()) + " ms"
                          : std::string(looked.error().message);
  co_return ok();
}

}  // namespace

task<std::vector<known_host>> read_members(wire::connection& node) {
  if (node.hello().is_mongos) co_return std::vector<known_host>();
  bson::builder command;
  command.append("replSetGetConfig", 1);
  const auto config = co_await ask(node, "admin", std::move(command));
  if (config) {
    const auto members = config.value().body.at("config", "members");
    if (const auto listed = members ? members.as_array() : std::nullopt) co_return members_of_config(*listed);
  }
  std::vector<known_host> found;
  bson::builder hello;
  hello.append("hello", 1);
  const auto said = co_await ask(node, "admin", std::move(hello));
  if (!said) co_return found;
  append_names(found, said.value().body, "hosts", false);
  append_names(found, said.value().body, "passives", false);
  append_names(found, said.value().body, "arbiters", true);
  co_return found;
}

member_kinds kinds_of(const std::vector<known_host>& members) {
  member_kinds kinds;
  for (const known_host& one : members) {
    if (!one.in_set) continue;
    if (one.arbiter) {
      kinds.arbiters.push_back(one.address);
      continue;
    }
    ++kinds.data;
    if (one.delayed) {
      kinds.delayed.push_back(one.address);
    } else if (one.hidden) {
      kinds.hidden.push_back(one.address);
    }
  }
  return kinds;
}

task<std::vector<host_facts>> read_hosts(wire::connection_string uri, std::vector<known_host> hosts,
                                         std::string primary, runtime::cancel_scope& scope) {
  const auto lane = co_await boost::asio::this_coro::executor;
  std::vector<host_facts> facts;
  for (const known_host& one : hosts) {
    host_facts host;
    host.address = one.address;
    host.is_primary = one.address == primary;
    host.is_arbiter = one.arbiter;
    host.in_set = one.in_set;
    facts.push_back(std::move(host));
  }
  runtime::task_group group(lane, scope);
  for (host_facts& host : facts) group.spawn(look_in_time(uri, host, scope));
  (void)co_await group.join();
  co_return facts;
}

}  // namespace sluice::assess
