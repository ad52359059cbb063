#include "engine/measure/bench_run.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>

#include "engine/measure/bench_database.hpp"
#include "engine/measure/local_folder.hpp"
#include "engine/measure/meter.hpp"
#include "engine/measure/steps.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"

namespace sluice::measure {

namespace {

constexpr int steps_total = 10;
/// Batches that are kept in memory for writing: long enough a measurement, and no more than a copy itself may take.
constexpr std::size_t held_bytes_max = 256 * limits::mib;
constexpr auto cleaning_patience = std::chrono::seconds(30);

std::string now_rfc3339() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

/// How many bytes of documents a byte on the wire was.
double packed_by(const cluster::deployment& side, const step& moved) {
  if (side.uri.compressors().empty() || moved.wire_bytes <= 0) return 1;
  return std::max(1.0, static_cast<double>(moved.bytes) / static_cast<double>(moved.wire_bytes));
}

class bench_run {
 public:
  bench_run(boost::asio::any_io_executor control, bench_settings settings, on_news tell, runtime::cancel_scope& scope)
      : settings_(std::move(settings)),
        tell_(std::move(tell)),
        on_{.control = std::move(control), .settings = settings_, .scope = scope, .database = settings_.database} {
    // As session/copy_stage chooses.
    const std::uint32_t fitting = static_cast<std::uint32_t>(std::max<std::size_t>(
        1, (std::max(settings_.memory_bytes, limits::memory_min_bytes) - limits::memory_reserved_bytes) /
               limits::lane_memory_min_bytes));
    on_.lanes = settings_.lanes > 0 ? std::min(settings_.lanes, fitting)
                                    : std::clamp(std::thread::hardware_concurrency() / 4, 1U, std::min(8U, fitting));
    on_.connections = settings_.connections > 0 ? settings_.connections : 4;
    if (on_.database.empty()) on_.database = new_database_name(self_);
  }

  task<result<figures>> run() {
    const auto began = steady::now();
    measured_.began = now_rfc3339();
    SLUICE_CO_TRYV(co_await prepare());
    auto outcome = co_await claimed();
    co_await clean();
    if (outcome.has_error()) co_return outcome.error();
    measured_.seconds = std::chrono::duration<double>(steady::now() - began).count();
    co_return std::move(measured_);
  }

 private:
  void news(std::string what) {
    ++step_;
    what_ = what;
    tell_({std::move(what), step_, steps_total, 0});
  }
  /// For steps that count bytes; called on any thread, while `what_` stays as it is.
  std::function<void(std::int64_t)> counting() {
    return [this](std::int64_t bytes) { tell_({what_, step_, steps_total, bytes}); };
  }

  // --- before anything is written ---

  task<result<>> prepare() {
    news("looking at both sides");
    SLUICE_CO_TRY(auto source_uri, wire::connection_string::parse(settings_.source_uri));
    SLUICE_CO_TRY(auto destination_uri, wire::connection_string::parse(settings_.destination_uri));
    SLUICE_CO_TRY(on_.source, co_await cluster::discover(source_uri, cluster::role::source, on_.scope));
    SLUICE_CO_TRY(on_.destination, co_await cluster::discover(destination_uri, cluster::role::destination, on_.scope));
    SLUICE_CO_TRYV(cluster::check_pair(on_.source, on_.destination));
    SLUICE_CO_TRY(on_.to_source, co_await cluster::connect_primary(on_.source, on_.scope, settings_.patience));
    SLUICE_CO_TRY(on_.to_destination,
                  co_await cluster::connect_primary(on_.destination, on_.scope, settings_.patience));
    SLUICE_CO_TRYV(co_await cluster::check_privileges(*on_.to_source, cluster::role::source));
    SLUICE_CO_TRYV(co_await cluster::check_privileges(*on_.to_destination, cluster::role::destination));
    remove_local_leftovers();
    SLUICE_CO_TRYV(co_await look_for_others());
    if (!settings_.from.empty()) {
      auto from = cluster::parse_namespace(settings_.from);
      cluster::namespace_name wanted = *std::move(from);
      SLUICE_CO_TRY(const auto there, co_await plan_source(on_, wanted));
      adopt(there.info);
    }
    co_return co_await look_at_servers();
  }

  task<result<>> look_for_others() {
    for (wire::connection* side : sides()) {
      SLUICE_CO_TRY(const auto found, co_await drop_leftovers(*side, self_));
      SLUICE_CO_TRYV(co_await refuse_existing_database(*side, on_.database));
      if (found.in_use.empty()) continue;
      co_return failure(error_kind::refused,
                        "another bench is running on " + side->host().to_string() + ": " + found.in_use.front() +
                            "; two at once would measure each other. If it is gone, wait a minute");
    }
    if (settings_.destination_is_loopback) co_return ok();
    co_return co_await refuse_foreign_checkpoint(*on_.to_destination);
  }

  /// The data set is what there is: its sizes decide what must fit.
  void adopt(const cluster::collection_info& found) {
    settings_.data.documents = std::min(settings_.data.documents, std::max<std::int64_t>(1, found.documents));
    constexpr std::int64_t largest = 15LL << 20U;  // of those that changes are recorded of
    settings_.data.document_bytes =
        std::clamp(found.average_document_bytes, document_bytes_min(settings_.data.form), largest);
  }

  task<result<>> look_at_servers() {
    const double bytes = settings_.data.bytes();
    // The data and its indexes; on the destination the ceilings' copy beside it; and the same again in the oplog.
    SLUICE_CO_TRYV(
        co_await look_at(*on_.to_source, on_.source, settings_.source_is_loopback, 2.5 * bytes, measured_.source));
    SLUICE_CO_TRYV(co_await look_at(*on_.to_destination, on_.destination, settings_.destination_is_loopback,
                                    3.5 * bytes, measured_.destination));
    measured_.one_machine = !hosts_[0].empty() && hosts_[0] == hosts_[1];
    co_return ok();
  }

  task<result<>> look_at(wire::connection& node, const cluster::deployment& found, bool is_loopback, double needed,
                         side& into) {
    into.name = found.name();
    into.version = found.version.to_string();
    into.loopback = is_loopback;
    if (is_loopback) co_return ok();
    const server_facts facts = co_await read_server_facts(node);
    hosts_[found.as == cluster::role::source ? 0 : 1] = facts.host;
    into.cores = facts.cores;
    into.cache_bytes = facts.cache_bytes;
    co_return check_disk(facts, needed, "the " + std::string(cluster::to_string(found.as)) + " " + found.name());
  }

  // --- with the databases ---

  task<result<>> claimed() {
    for (wire::connection* side : sides()) {
      claimed_.push_back(side);  // even when it fails: the reply may be the only thing that got lost
      SLUICE_CO_TRYV(co_await claim_database(*side, on_.database, self_));
    }
    runtime::cancel_scope renewing_scope;
    auto with_the_bench = on_.scope.on_cancel([&renewing_scope] { renewing_scope.cancel(); });
    runtime::task_group renewing(on_.control, renewing_scope);
    renewing.spawn(keep_renewing(renewing_scope));
    auto outcome = co_await measure();
    renewing_scope.cancel();
    const auto renewed = co_await renewing.join();
    (void)renewed;
    co_return outcome;
  }

  /// With connections of its own; what goes wrong here is told by the steps as well.
  task<result<>> keep_renewing(runtime::cancel_scope& until) {
    for (;;) {
      const bool go_on = co_await runtime::sleep_for(marker_interval, until);
      if (!go_on) co_return ok();
      if (!settings_.source_is_loopback) {
        auto node = co_await cluster::connect_primary(on_.source, until, std::chrono::milliseconds(0));
        if (node) {
          const auto done = co_await renew_marker(*node.value(), on_.database);
          (void)done;
        }
      }
      if (!settings_.destination_is_loopback) {
        auto node = co_await cluster::connect_primary(on_.destination, until, std::chrono::milliseconds(0));
        if (node) {
          const auto done = co_await renew_marker(*node.value(), on_.database);
          (void)done;
        }
      }
    }
  }

  task<result<>> measure() {
    figures& f = measured_;
    f.data = settings_.data;
    f.from = settings_.from;
    f.lanes = on_.lanes;
    f.connections = on_.connections;
    news("filling the source");
    if (!settings_.source_is_loopback) {
      SLUICE_CO_TRYV(co_await load_source(on_, counting()));
    }
    const cluster::namespace_name ns{on_.database, std::string(documents_collection)};
    SLUICE_CO_TRY(const source_plan docs, co_await plan_source(on_, ns));
    f.data_bytes = docs.info.data_bytes;
    f.data_documents = docs.info.documents;
    f.indexes = static_cast<std::int32_t>(docs.info.indexes.size());
    f.connections_used = static_cast<std::uint32_t>(std::min<std::size_t>(on_.workers(), docs.partitions.size()));
    SLUICE_CO_TRY(const auto batches, co_await hold_batches(on_, docs, held_bytes_max));
    std::int64_t held = 0;
    for (const held_batch& one : batches) held += one.bytes();
    f.batch_bytes = held / static_cast<std::int64_t>(batches.size());

    SLUICE_CO_TRYV(co_await measure_networks(batches));
    news("reading from the source");
    SLUICE_CO_TRYV(co_await read_once(docs));
    news("writing to the destination");
    SLUICE_CO_TRYV(co_await write_once(docs, batches));
    news("copying");
    SLUICE_CO_TRYV(co_await copy_once());
    news("writing to the destination again");
    SLUICE_CO_TRYV(co_await write_once(docs, batches));
    news("reading from the source again");
    SLUICE_CO_TRYV(co_await read_once(docs));
    news("trying other settings");
    if (settings_.probes && !settings_.destination_is_loopback) {
      SLUICE_CO_TRY(f.probes, co_await measure_probes(on_, docs, batches));
    }
    news("applying changes");
    SLUICE_CO_TRY(f.apply, co_await measure_apply(on_));
    co_return ok();
  }

  task<result<>> measure_networks(const std::vector<held_batch>& batches) {
    news("measuring the network");
    measured_.source_network.transfer.name = "source_network";
    measured_.destination_network.transfer.name = "destination_network";
    measured_.source_network.transfer.skipped = measured_.destination_network.transfer.skipped =
        "the loopback server is in this process";
    if (!settings_.source_is_loopback) {
      SLUICE_CO_TRY(measured_.source_network, co_await measure_source_network(on_, measured_.connections_used));
    }
    if (!settings_.destination_is_loopback) {
      SLUICE_CO_TRY(measured_.destination_network,
                    co_await measure_destination_network(on_, measured_.connections_used, batches));
    }
    co_return ok();
  }

  task<result<>> read_once(const source_plan& docs) {
    SLUICE_CO_TRY(auto read, co_await measure_read(on_, docs));
    measured_.source.data_per_wire_byte = packed_by(on_.source, read);
    measured_.source_read.push_back(std::move(read));
    co_return ok();
  }

  task<result<>> write_once(const source_plan& docs, const std::vector<held_batch>& batches) {
    const write_options as_the_copy{.workers = measured_.connections_used};
    SLUICE_CO_TRY(auto written, co_await measure_write(on_, docs, batches, as_the_copy));
    measured_.destination.data_per_wire_byte = packed_by(on_.destination, written);
    measured_.destination_write.push_back(std::move(written));
    co_return ok();
  }

  task<result<>> copy_once() {
    SLUICE_CO_TRY(auto copied, co_await measure_copy(on_, counting()));
    measured_.copy = std::move(copied.copied);
    measured_.index_seconds = copied.index_seconds;
    measured_.copy_is_whole = copied.is_whole;
    if (!copied.is_whole) {
      SLUICE_CO_TRYV(co_await drop_checkpoint(*on_.to_destination, on_.database));
    }
    co_return ok();
  }

  // --- on every way out ---

  /// With a scope and connections of its own: the bench's may be cancelled.
  task<void> clean() {
    tell_({"cleaning up", steps_total, steps_total, 0});
    runtime::cancel_scope cleaning;
    std::vector<cluster::deployment*> both;
    if (claimed_of(on_.to_source.get())) both.push_back(&on_.source);
    if (claimed_of(on_.to_destination.get())) both.push_back(&on_.destination);
    for (cluster::deployment* each : both) {
      auto cleaned = co_await clean_side(*each, cleaning);
      if (cleaned) continue;
      log(log_level::error, "bench", "A database of the bench could not be dropped; sluice bench --clean does it later",
          {{"database", on_.database}, {"host", each->primary.to_string()}, {"cause", cleaned.error().message}});
    }
  }

  task<result<>> clean_side(cluster::deployment& each, runtime::cancel_scope& cleaning) {
    SLUICE_CO_TRY(auto node, co_await cluster::connect_primary(each, cleaning, cleaning_patience));
    if (each.as == cluster::role::destination) {
      SLUICE_CO_TRYV(co_await drop_checkpoint(*node, on_.database));
    }
    co_return co_await drop_database(*node, on_.database, self_.token);
  }

  [[nodiscard]] bool claimed_of(const wire::connection* side) const {
    return std::ranges::find(claimed_, side) != claimed_.end();
  }
  /// Those that have databases.
  [[nodiscard]] std::vector<wire::connection*> sides() const {
    std::vector<wire::connection*> both;
    if (!settings_.source_is_loopback) both.push_back(on_.to_source.get());
    if (!settings_.destination_is_loopback) both.push_back(on_.to_destination.get());
    return both;
  }

  bench_settings settings_;
  on_news tell_;
  bench on_;
  state::process_identity self_ = state::this_process();
  figures measured_;
  std::vector<wire::connection*> claimed_;
  std::array<std::string, 2> hosts_;  // by their own name
  std::string what_;
  int step_ = 0;
};

}  // namespace

task<result<figures>> run_bench(boost::asio::any_io_executor control, bench_settings settings, on_news tell,
                                runtime::cancel_scope& scope) {
  bench_run run(std::move(control), std::move(settings), std::move(tell), scope);
  co_return co_await run.run();
}

task<result<std::vector<std::string>>> clean_up(bench_settings settings, runtime::cancel_scope& scope) {
  std::vector<std::string> dropped;
  remove_local_leftovers();
  const auto self = state::this_process();
  for (const auto as : {cluster::role::source, cluster::role::destination}) {
    const bool of_source = as == cluster::role::source;
    if (of_source ? settings.source_is_loopback : settings.destination_is_loopback) continue;
    const std::string text = of_source ? settings.source_uri : settings.destination_uri;
    SLUICE_CO_TRY(auto uri, wire::connection_string::parse(text));
    SLUICE_CO_TRY(auto found, co_await cluster::discover(uri, as, scope));
    SLUICE_CO_TRY(const auto node, co_await cluster::connect_primary(found, scope, settings.patience));
    SLUICE_CO_TRY(const auto left, co_await drop_leftovers(*node, self));
    for (const std::string& name : left.dropped) dropped.push_back(node->host().to_string() + ": " + name);
    for (const std::string& name : left.in_use) {
      log(log_level::warn, "bench", "Not dropped: its bench may still run", {{"database", name}});
    }
  }
  co_return dropped;
}

}  // namespace sluice::measure
