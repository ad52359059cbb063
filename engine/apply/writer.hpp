// Sends the writes of a window to the destination: as few commands, of the cheapest form, over several connections.
// Each form may be sent twice in place, since a lost connection leaves open whether it ran.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "engine/apply/window.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/histogram.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/write_permission.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::apply {

/// Read by any thread.
struct apply_counters {
  std::atomic<std::int64_t> changes{0};  // of the source, applied
  std::atomic<std::int64_t> skipped{0};  // of collections that are gone
  std::atomic<std::int64_t> inserts{0}, updates{0}, replaces{0}, deletes{0}, commands{0};
  std::atomic<std::int64_t> windows{0};
  runtime::latency_histogram window_latency;  // until its last write is acknowledged
  runtime::size_histogram window_changes;
  runtime::latency_histogram write_latency;  // of each write command
  std::atomic<std::int64_t> round_trips{0};  // write commands sent
  std::atomic<std::int64_t> retries{0};
  std::atomic<std::int64_t> violations{0};  // documents, of the free check
};

struct writer_options {
  std::uint32_t connections = 4;
  std::chrono::milliseconds patience{};  // how long the destination may be away
  state::write_permission may_write{};   // asked before each command
};

/// What one window's writing came to.
struct written_window {
  /// All acknowledgements came in this term; unknown through a mongos. Mixed: an election happened in between.
  wire::write_term term;
  bool mixed_terms = false;
  /// The free check: writes that did not have the effect that a consistent destination shows, and were not sent twice.
  struct violation {
    cluster::namespace_name ns;
    std::uint64_t documents = 0;
    std::string what;                   // "1 of 20 inserts found their _id there", "2 of 40 deletes found nothing"
    std::vector<std::string> ids_json;  // as far as known, a few
  };
  std::vector<violation> violations;
};

/// Lives on one lane, is called there; one write() at a time.
class writer {
 public:
  writer(boost::asio::any_io_executor lane, cluster::deployment destination, writer_options options,
         apply_counters& counters, runtime::cancel_scope& scope);
  ~writer();

  /// Until every write is acknowledged (w: 1) or the first error that no retry helps; then the writer is of no further
  /// use. `check`: the destination is
  /// consistent, so the free check applies. Inserts that find their `_id` become replaces; replaces and updates whose
  /// documents a modifier cannot take ($-names, dots) go as pipelines. Errors: the server's words with namespace and
  /// `_id`.
  [[nodiscard]] task<result<written_window>> write(write_plan plan, bool check);

 private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

}  // namespace sluice::apply
