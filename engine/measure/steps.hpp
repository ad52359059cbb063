// The single measurements of a bench, in the order in which bench_run takes them. Each does one thing for at most
// `settings.step_time`, and leaves behind nothing but what is in the bench's own databases.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/measure/crew.hpp"
#include "engine/measure/figures.hpp"
#include "engine/measure/server.hpp"
#include "engine/measure/settings.hpp"
#include "engine/plan/partition.hpp"
#include "engine/runtime/cancel_scope.hpp"

namespace sluice::measure {

/// What the steps have in common. Lives on the control lane, outlives every step.
struct bench {
  boost::asio::any_io_executor control;
  const bench_settings& settings;
  runtime::cancel_scope& scope;
  std::uint32_t lanes = 1;
  std::uint32_t connections = 4;  // of each lane
  std::string database;           // on both sides
  cluster::deployment source{}, destination{};
  // For commands that are not measured.
  std::unique_ptr<wire::connection> to_source{}, to_destination{};

  [[nodiscard]] std::uint32_t workers() const noexcept { return lanes * connections; }
  [[nodiscard]] crew_options crew(std::uint32_t count) const {
    return {.lanes = lanes, .workers = count, .memory_bytes = settings.memory_bytes, .patience = settings.patience};
  }
  [[nodiscard]] task<cpu_reading> cpu() {
    return read_cpu(settings.source_is_loopback ? nullptr : to_source.get(),
                    settings.destination_is_loopback ? nullptr : to_destination.get());
  }
};

inline constexpr std::string_view documents_collection = "docs";   // what is copied
inline constexpr std::string_view ceiling_collection = "ceiling";  // raw inserts
inline constexpr std::string_view changes_collection = "changes";  // what changes are recorded of

// load.cpp

/// Fills the source's collection with the generated data set, or with the beginning of `settings.from`; then its
/// indexes. Told how many bytes there are so far.
[[nodiscard]] task<result<>> load_source(bench& on, std::function<void(std::int64_t bytes)> tell);

/// A collection of the source and how it is cut: as a copy would do it.
struct source_plan {
  cluster::collection_info info;
  std::vector<plan::partition> partitions;
};
[[nodiscard]] task<result<source_plan>> plan_source(bench& on, cluster::namespace_name ns);

/// One batch as the source gave it.
struct held_batch {
  std::vector<std::byte> documents;  // a BSON array
  std::int64_t count = 0;
  /// Without what the array itself weighs.
  [[nodiscard]] std::int64_t bytes() const;
};
/// The first batches of the collection, `bytes_max` of them at most.
[[nodiscard]] task<result<std::vector<held_batch>>> hold_batches(bench& on, const source_plan& of,
                                                                 std::size_t bytes_max);

// read_ceiling.cpp

/// Reads the collection and drops what comes, again and again until it has lasted for a second at least.
[[nodiscard]] task<result<step>> measure_read(bench& on, const source_plan& of);

// write_ceiling.cpp

struct write_options {
  std::uint32_t workers = 1;
  std::size_t batches_max = 0;  // 0: all
  std::size_t pieces = 1;       // into which each batch is cut
  bool majority = false;
  bool indexes_first = false;
};
/// Batches from memory into a collection that is made for it and dropped again.
[[nodiscard]] task<result<step>> measure_write(bench& on, const source_plan& of, const std::vector<held_batch>& batches,
                                               write_options options);
/// What other settings would bring, each beside its own baseline.
[[nodiscard]] task<result<std::vector<probe>>> measure_probes(bench& on, const source_plan& of,
                                                              const std::vector<held_batch>& batches);

// network.cpp

/// Large answers from the source, large questions to the destination, neither of which touch any storage; and pings.
/// Over as many connections as the copy will use: a long way carries more over several.
[[nodiscard]] task<result<network>> measure_source_network(bench& on, std::uint32_t connections);
[[nodiscard]] task<result<network>> measure_destination_network(bench& on, std::uint32_t connections,
                                                                const std::vector<held_batch>& batches);

// copy_step.cpp

struct copy_figures {
  step copied;
  double index_seconds = 0;
  bool is_whole = true;
};
/// The session's own copy of the bench's collection; what it has made is there afterwards.
[[nodiscard]] task<result<copy_figures>> measure_copy(bench& on, std::function<void(std::int64_t bytes)> tell);

// apply_step.cpp

/// Changes made on the source, then captured and applied. A source whose changes cannot be captured is no error: the
/// step says why it was skipped.
[[nodiscard]] task<result<apply_figures>> measure_apply(bench& on);

}  // namespace sluice::measure
