#include <algorithm>
#include <utility>

#include "engine/assess/reading.hpp"
#include "engine/capture/start_time.hpp"

namespace sluice::assess {

namespace {

constexpr std::uint32_t recent_seconds = 300;
/// As many are read in some 50 ms; more of them say nothing more about the rate.
constexpr std::int32_t recent_entries_max = 20'000;

/// Periodic no-ops aside. The server seeks to a time in the oplog.
bson::builder recent_command(bson::timestamp since) {
  bson::builder command;
  command.append("aggregate", "oplog.rs").open_array("pipeline");
  command.open_document("0").open_document("$match");
  command.open_document("ts").append("$gte", since).close().open_document("op").append("$ne", "n").close();
  command.close().close();
  command.open_document("1").append("$limit", recent_entries_max).close();
  command.open_document("2").open_document("$group").append_null("_id");
  command.open_document("entries").append("$sum", 1).close();
  command.open_document("bytes").open_document("$sum").append("$bsonSize", "$$ROOT").close().close();
  command.open_document("last").append("$max", "$ts").close();
  command.close().close().close().open_document("cursor").close();
  return command;
}

task<result<>> read_rate(wire::connection& source, capture::oplog_window window, oplog_facts& into) {
  // As long as the oplog is young it knows no earlier minutes.
  const std::uint32_t since =
      std::max(window.last.seconds - std::min(window.last.seconds, recent_seconds), window.first.seconds);
  SLUICE_CO_TRY(const auto recent, co_await ask(source, "local", recent_command({since, 0})));
  const auto group = recent.body.at("cursor", "firstBatch", "0");
  const auto counted = group ? group.as_document() : std::nullopt;
  const double entries = counted ? number_of(counted->find("entries")) : 0;
  std::uint32_t until = window.last.seconds;
  if (entries >= recent_entries_max) until = counted->find("last").as_timestamp().value_or(window.last).seconds;
  const double seconds = std::max<double>(1, until - since);
  into.entries_per_second = entries / seconds;
  into.bytes_per_second = (counted ? number_of(counted->find("bytes")) : 0) / seconds;
  co_return ok();
}

}  // namespace

task<oplog_facts> read_oplog(wire::connection& source) {
  oplog_facts facts;
  if (source.hello().is_mongos) {
    facts.of_shards = true;
    co_return facts;
  }
  const auto window = co_await capture::read_oplog_window(source);
  if (!window) {
    facts.problem = window.error().message;
    co_return facts;
  }
  facts.window_seconds = window.value().seconds();
  const auto space = co_await cluster::read_disk_space(source);
  if (space) {
    facts.size_bytes = space.value().oplog_bytes;
    facts.size_bytes_max = space.value().oplog_bytes_max;
  }
  const auto counted = co_await read_rate(source, window.value(), facts);
  (void)counted;  // a rate that is not known is not shown
  co_return facts;
}

task<disk_facts> read_disk(wire::connection& destination) {
  disk_facts facts;
  const auto space = co_await cluster::read_disk_space(destination);
  if (space) {
    facts.there = space.value();
  } else {
    facts.problem = space.error().message;
  }
  co_return facts;
}

}  // namespace sluice::assess
