#include "engine/cluster/primary_search.hpp"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/runtime/task_group.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::cluster {

namespace {

using clock = std::chrono::steady_clock;

/// One round of questions; lives in find()'s frame, which outlives every asker (it joins them).
struct interview {
  interview(boost::asio::any_io_executor lane, topology& machine, wire::connection_string asked)
      : decides(machine), uri(std::move(asked)), changed(lane) {}

  topology& decides;
  wire::connection_string uri;
  boost::asio::steady_timer changed;  // cancelled whenever the machine was told something
  runtime::cancel_scope scope;        // of the connections that only ask
};

/// What the end of the search cuts off says nothing about the host: what it answered before is its answer.
void note_failure(interview& talk, const wire::host_port& host, const error& cause) {
  if (!talk.scope.cancelled()) talk.decides.failed(host, cause);
}

task<result<>> ask(interview& talk, wire::host_port host) {
  auto opened = co_await wire::connection::open(talk.uri, host, talk.scope);
  if (!opened) {
    note_failure(talk, host, opened.error());
  } else {
    auto node = std::move(opened.value());
    const auto said = co_await ask_hello(*node);
    if (said) {
      talk.decides.heard(host, said.value());
    } else {
      note_failure(talk, host, said.error());
    }
  }
  talk.changed.cancel();
  co_return ok();
}

/// Until the machine has found or given up, or `deadline` has passed with every host asked at least once.
task<void> interview_all(interview& talk, runtime::task_group& askers, clock::time_point deadline) {
  wire::backoff waits;
  auto again_at = clock::now() + waits.next();
  bool everybody_answered_once = false;
  while (!talk.scope.cancelled()) {
    const auto hosts = talk.decides.take_askable();
    for (const auto& host : hosts) askers.spawn(ask(talk, host));
    const auto verdict = talk.decides.judge();
    if (verdict == topology::verdict::found || verdict == topology::verdict::hopeless) co_return;
    everybody_answered_once = everybody_answered_once || verdict == topology::verdict::nobody;
    const auto now = clock::now();
    const bool late = now >= deadline;
    if (late && everybody_answered_once) co_return;
    if (now >= again_at && !late) {
      talk.decides.ask_again();
      again_at = now + waits.next();
      continue;
    }
    // After the deadline only first answers are waited for, and each connection attempt has its own time limit.
    talk.changed.expires_at(late ? clock::time_point::max() : std::min(again_at, std::max(deadline, now)));
    boost::system::error_code woken;
    co_await talk.changed.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }
}

task<topology> find(wire::connection_string uri, search_options options, clock::time_point deadline,
                    runtime::cancel_scope& scope) {
  const auto lane = co_await boost::asio::this_coro::executor;
  topology machine(uri.hosts(), options.set_name, uri.direct_connection(), options.newest_election);
  interview talk(lane, machine, uri);
  runtime::task_group askers(lane, talk.scope);
  const auto hook = scope.on_cancel([&talk] {
    talk.scope.cancel();
    talk.changed.cancel();
  });
  co_await interview_all(talk, askers, deadline);
  talk.scope.cancel();
  (void)co_await askers.join();
  co_return machine;
}

error cancelled_search(std::string_view whose) {
  return failure(error_kind::cancelled, std::string(whose) + ": the search for the primary was cancelled");
}

}  // namespace

task<result<hello_reply>> ask_hello(wire::connection& node) {
  bson::builder command;
  command.append("hello", 1);
  bson::document hello = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await node.run("admin", std::move(hello), node.uri().connect_timeout()));
  co_return read_hello(answer.body);
}

task<result<located_primary>> search_primary(wire::connection_string uri, search_options options,
                                             runtime::cancel_scope& scope) {
  const auto began = clock::now();
  const auto deadline = began + options.patience;
  wire::backoff waits;
  for (;;) {
    const topology found = co_await find(uri, options, deadline, scope);
    if (scope.cancelled()) co_return cancelled_search(options.whose);
    if (found.judge() != topology::verdict::found) co_return found.explain(options.whose, clock::now() - began);

    // The connections that asked are gone with the question; this one is the caller's. It asks once more, since an
    // election may have come in between.
    error cause;
    auto opened = co_await wire::connection::open(uri, found.primary(), scope);
    if (opened) {
      auto node = std::move(opened.value());
      auto said = co_await ask_hello(*node);
      if (said && (said.value().is_mongos || said.value().is_writable_primary)) {
        co_return located_primary{.connection = std::move(node),
                                  .hello = std::move(said.value()),
                                  .at = found.primary(),
                                  .members = found.members(),
                                  .set_name = found.set_name(),
                                  .is_sharded = found.is_sharded(),
                                  .newest_election = found.newest_election()};
      }
      cause =
          said ? failure(error_kind::timeout, found.primary().to_string() + " is no longer the primary") : said.error();
    } else {
      cause = opened.error();
    }
    const auto wait = waits.next();
    if (clock::now() + wait >= deadline || cause.kind == error_kind::authentication) {
      cause.message = options.whose + ": " + cause.message;
      co_return cause;
    }
    const bool slept = co_await runtime::sleep_for(wait, scope);
    if (!slept) co_return cancelled_search(options.whose);
  }
}

}  // namespace sluice::cluster
