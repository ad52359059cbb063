// The way to one side without what lies at its end. Upwards a `ping` carries the very batches that an insert would, as
// its comment: the server receives and checks them as it does an insert's, and then ignores them. Downwards an
// aggregation over the server's own list of operations answers with a constant: no collection is read. Both work on
// every server since 4.4 and need no privilege. Measured on 6.0.27 over loopback: 0.5 to 1.2 GB/s, several times what
// reading and writing do.
#include <algorithm>
#include <cctype>

#include "engine/measure/meter.hpp"
#include "engine/measure/steps.hpp"

namespace sluice::measure {

namespace {

constexpr auto time_max = std::chrono::seconds(2);
constexpr int pings = 40;
constexpr int string_bytes = 64 * 1024;
constexpr int strings = 64;  // 4 MiB an answer, as a batch has

/// What is measured is bytes on the wire, so they must not shrink.
result<wire::connection_string> without_compression(const std::string& uri, const wire::connection_string& found) {
  std::string text = uri;
  for (std::size_t at = text.find('?'); at != std::string::npos && at < text.size();) {
    const std::size_t end = std::min(text.find('&', at + 1), text.size());
    std::string key = text.substr(at + 1, std::min(text.find('=', at), end) - at - 1);
    std::ranges::transform(key, key.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (key != "compressors") {
      at = end;
    } else if (text[at] == '?' && end < text.size()) {
      text.erase(at + 1, end - at);
    } else {
      text.erase(at, end - at);
    }
  }
  SLUICE_TRY(const auto plain, wire::connection_string::parse(text));
  return plain.with_hosts(found.hosts());
}

task<result<latencies>> measure_pings(bench& on, wire::connection& node) {
  std::vector<double> durations_ms;
  const auto deadline = steady::now() + std::min<steady::duration>(time_max, on.settings.step_time);
  for (int i = 0; i < pings && steady::now() < deadline; ++i) {
    bson::builder ping;
    ping.append("ping", 1);
    bson::document command = ping.finish();
    const auto since = steady::now();
    SLUICE_CO_TRYV(co_await node.run("admin", std::move(command)));
    durations_ms.push_back(std::chrono::duration<double, std::milli>(steady::now() - since).count());
  }
  co_return latencies_of(durations_ms);
}

bson::document large_answer(bool is_mongos) {
  std::string text;  // letters in an order that no cable would shorten
  std::uint32_t state = 1;
  for (int i = 0; i < string_bytes; ++i) {
    state = state * 1664525U + 1013904223U;
    text += static_cast<char>('a' + (state >> 24U) % 26);
  }
  bson::builder command;
  command.append("aggregate", 1).open_array("pipeline");
  command.open_document("0").open_document("$currentOp");
  if (is_mongos) command.append("localOps", true);
  command.close().close();
  command.open_document("1").append("$limit", 1).close();
  command.open_document("2").open_document("$project").append("_id", 0).open_document("fill").open_document("$map");
  command.open_document("input").open_array("$range").append("0", 0).append("1", strings).close().close();
  command.append("as", "i").open_document("in").append("$literal", text).close();
  command.close().close().close().close().close();
  command.open_document("cursor").close();
  return command.finish();
}

}  // namespace

task<result<network>> measure_source_network(bench& on, std::uint32_t connections) {
  network found;
  found.transfer.name = "source_network";
  cluster::deployment plain = on.source;
  SLUICE_CO_TRY(plain.uri, without_compression(on.settings.source_uri, on.source.uri));
  SLUICE_CO_TRY(found.roundtrip, co_await measure_pings(on, *on.to_source));
  const auto before = co_await on.cpu();
  std::vector<meter> meters(connections, meter(steady::now()));
  auto receive_all = [&](copy::worker& w, std::size_t number) -> task<result<>> {
    SLUICE_CO_TRY(w.from, co_await cluster::connect_primary(w.source, w.scope, w.patience));
    const bson::document command = large_answer(w.from->hello().is_mongos);
    const auto begin = steady::now();
    meters[number] = meter(begin);
    const auto deadline = begin + std::min<steady::duration>(time_max, on.settings.step_time);
    for (auto since = begin; since < deadline; since = steady::now()) {
      const std::uint64_t received = w.from->transferred().received_bytes;
      bson::document question = command;
      SLUICE_CO_TRYV(co_await w.from->send("admin", std::move(question), false));
      SLUICE_CO_TRY(const auto answer, co_await w.from->receive(w.pool));
      (void)answer;
      meters[number].count(since, 1, static_cast<std::int64_t>(w.from->transferred().received_bytes - received));
    }
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await run_crew(on.control, on.crew(connections), plain, on.destination, on.scope, receive_all));
  const auto after = co_await on.cpu();
  found.transfer.cpu = difference(before, after);
  merge(meters, found.transfer);
  co_return found;
}

task<result<network>> measure_destination_network(bench& on, std::uint32_t connections,
                                                  const std::vector<held_batch>& batches) {
  network found;
  found.transfer.name = "destination_network";
  cluster::deployment plain = on.destination;
  SLUICE_CO_TRY(plain.uri, without_compression(on.settings.destination_uri, on.destination.uri));
  SLUICE_CO_TRY(found.roundtrip, co_await measure_pings(on, *on.to_destination));
  const auto before = co_await on.cpu();
  std::vector<meter> meters(connections, meter(steady::now()));
  auto send_all = [&](copy::worker& w, std::size_t number) -> task<result<>> {
    SLUICE_CO_TRY(w.to, co_await cluster::connect_primary(w.destination, w.scope, w.patience));
    const auto begin = steady::now();
    meters[number] = meter(begin);
    const auto deadline = begin + std::min<steady::duration>(time_max, on.settings.step_time);
    std::size_t next = number;
    for (auto since = begin; since < deadline; since = steady::now()) {
      const std::uint64_t sent = w.to->transferred().sent_bytes;
      bson::builder ping;
      ping.append("ping", 1);
      bson::document head = ping.finish();
      const bson::bytes_view fill = batches[next++ % batches.size()].documents;
      SLUICE_CO_TRY(const auto answer, co_await w.to->run_with_array("admin", std::move(head), "comment", fill));
      (void)answer;
      meters[number].count(since, 1, static_cast<std::int64_t>(w.to->transferred().sent_bytes - sent));
    }
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await run_crew(on.control, on.crew(connections), on.source, plain, on.scope, send_all));
  const auto after = co_await on.cpu();
  found.transfer.cpu = difference(before, after);
  merge(meters, found.transfer);
  co_return found;
}

}  // namespace sluice::measure
