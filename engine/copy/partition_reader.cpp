#include "engine/copy/partition_reader.hpp"

#include <algorithm>

#include "bson/raw_array.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::copy {

namespace {

using plan::scan_order;

constexpr auto node_patience = std::chrono::seconds(30);

std::int64_t record_id(const bson::document& token) {
  return token.view().find("$recordId").to_int64().value_or(0);
}

bool is_null_token(const bson::document& token) {
  return token.view().find("$recordId").type() == bson::type::null;
}

bool same_element(bson::element_view a, bson::element_view b) {
  return a && b && std::ranges::equal(a.whole(), b.whole());
}

/// Cuts the batch behind the record at the partition's end, if it is in there: what follows belongs to the neighbour
/// and would only come back as duplicates, which cost the destination several times an insert.
void cut_behind_end(wire::batch& data, const bson::document& until_id) {
  const bson::element_view end = until_id.view().find("_id");
  bson::raw_array_walk walk(data.documents);
  while (const auto document = walk.next()) {
    if (same_element(bson::find_id(*document), end)) {
      data.documents = bson::cut_at(data.documents, walk.offset());
      return;
    }
  }
}

/// An `_id` scan resumes at the last document it gave (bounds are inclusive): that one is left out.
result<> drop_first(wire::batch& data) {
  bson::raw_array_walk walk(data.documents);
  while (walk.next()) {
  }
  auto rest = bson::slice(data.documents, 1, walk.count());
  if (!rest) return failure(error_kind::protocol, "a cursor batch holds something that is no document");
  std::ranges::copy(*rest, data.documents.begin());
  data.documents = data.documents.first(rest->size());
  return ok();
}

std::optional<bson::document> last_id(const wire::batch& data) {
  bson::raw_array_walk walk(data.documents);
  std::optional<bson::bytes_view> last;
  while (const auto document = walk.next()) last = document;
  if (!last) return std::nullopt;
  bson::builder id;
  id.append(bson::find_id(*last));
  return id.finish();
}

/// Where there are no resume tokens a capped collection is read by its order from the beginning each time, up to the
/// document with this `_id`, which is left out with those before it. False: it is not among these.
result<bool> drop_through(wire::batch& data, const bson::document& behind) {
  bson::raw_array_walk walk(data.documents);
  std::size_t found = 0;
  while (const auto document = walk.next()) {
    if (same_element(bson::find_id(*document), behind.view().find("_id"))) found = walk.count();
  }
  if (found == 0) return false;
  auto rest = bson::slice(data.documents, found, walk.count());
  if (!rest) return failure(error_kind::protocol, "a cursor batch holds something that is no document");
  std::ranges::copy(*rest, data.documents.begin());
  data.documents = data.documents.first(rest->size());
  return true;
}

/// Its order means something, and only one reader can keep it.
bool in_order_without_tokens(const plan::partition& what) {
  return what.order == scan_order::by_id && what.kind == cluster::collection_kind::capped;
}

enum class scan_end : std::uint8_t { finished, given_up, lost_place };

/// One cursor over what is left of a partition.
class scan {
 public:
  scan(worker& w, const plan::partition& what, std::optional<bson::document>& behind,
       runtime::bounded_stream<positioned_batch>& out)
      : w_(w), what_(what), behind_(behind), out_(out) {}

  task<result<scan_end>> run(bool from_start) {
    const bool many = what_.documents_estimate > what_.batch_documents;
    const wire::cursor_options options{.batch_documents = what_.batch_documents,
                                       .exhaust = many && w_.source.can.exhaust_cursors};
    wire::cursor cursor(*w_.from, w_.pool, what_.data_ns.database, options);
    bson::document find = find_command(what_, behind_, from_start, w_.source.kind == cluster::deployment_kind::sharded);
    auto opened = co_await cursor.open(std::move(find));
    if (opened.has_error()) {
      if (opened.error().server_code == wire::key_not_found && !from_start) co_return scan_end::lost_place;
      co_return opened.error();
    }
    const bool in_order = in_order_without_tokens(what_);
    skipping_ = from_start && !in_order ? start() : std::nullopt;
    bool seeking = in_order && behind_.has_value() && !from_start;
    bool first_after_resume = what_.order == scan_order::by_id && behind_.has_value() && !in_order;
    for (;;) {
      const auto asked = std::chrono::steady_clock::now();
      SLUICE_CO_TRY(auto data, co_await cursor.next());
      if (w_.measured != nullptr) w_.measured->reads.add_since(asked);
      // Overwritten meanwhile: all that is there is newer, and was not read yet.
      if (!data) co_return seeking ? scan_end::lost_place : scan_end::finished;
      if (seeking) {
        SLUICE_CO_TRY(const bool found, drop_through(*data, *behind_));
        seeking = !found;
        if (seeking) continue;
      }
      if (first_after_resume && !data->empty()) {
        const auto first = bson::document_at(data->documents, 0);
        if (first && same_element(bson::find_id(*first), behind_->view().find("_id"))) {
          SLUICE_CO_TRYV(drop_first(*data));
        }
        first_after_resume = false;
      }
      const bool last = reached_end(*data);
      auto place = place_of(*data);
      if (!data->empty() && !skipped(place)) {
        const bool server_finished = data->last;
        positioned_batch handed{std::move(*data), place};
        const bool taken = co_await out_.push(std::move(handed));
        if (!taken) {
          co_await cursor.abandon();
          co_return scan_end::given_up;
        }
        if (place) behind_ = std::move(place);
        if (server_finished) co_return scan_end::finished;
      }
      if (last) {
        co_await cursor.abandon();
        co_return scan_end::finished;
      }
    }
  }

 private:
  [[nodiscard]] std::optional<bson::document> start() const { return behind_ ? behind_ : what_.after; }

  [[nodiscard]] bool reached_end(wire::batch& data) const {
    if (what_.order != scan_order::natural || !what_.until || !data.resume_token) return false;
    if (is_null_token(*data.resume_token) || !plan::reaches(*data.resume_token, *what_.until)) return false;
    if (!plan::reaches(*what_.until, *data.resume_token)) cut_behind_end(data, what_.until_id);
    return true;
  }
  [[nodiscard]] std::optional<bson::document> place_of(const wire::batch& data) const {
    if (what_.order == scan_order::by_id) return data.empty() ? std::nullopt : last_id(data);
    if (!data.resume_token || is_null_token(*data.resume_token)) return std::nullopt;
    return data.resume_token;
  }
  /// While a scan from the collection's beginning has not come to the place where it should have resumed.
  [[nodiscard]] bool skipped(const std::optional<bson::document>& place) {
    if (!skipping_ || !place) return false;
    if (plan::reaches(*skipping_, *place)) return true;
    skipping_.reset();
    return false;
  }

  worker& w_;
  const plan::partition& what_;
  std::optional<bson::document>& behind_;
  runtime::bounded_stream<positioned_batch>& out_;
  std::optional<bson::document> skipping_;
};

/// A connection to the node the partition is read from; for a natural scan exactly that node with exactly that data.
task<result<bool>> connect_source(worker& w, const plan::partition& what) {
  if (w.from && w.from->is_open() && (what.order == scan_order::by_id || w.from->host() == what.node)) co_return true;
  w.from.reset();
  if (what.order == scan_order::by_id) {
    SLUICE_CO_TRY(w.from, co_await cluster::connect_primary(w.source, w.scope, w.patience));
    co_return true;
  }
  auto patience = std::min<std::chrono::milliseconds>(w.patience, node_patience);
  if (what.node == w.lost_node) patience = {};
  auto opened = co_await cluster::connect_member(w.source, what.node, w.scope, patience);
  if (opened.has_error()) {
    if (opened.error().kind == error_kind::cancelled) co_return opened.error();
    log(log_level::warn, "copy", "The node that a natural scan is bound to is out of reach",
        {{"ns", what.ns.to_string()}, {"host", what.node.to_string()}, {"cause", opened.error().message}});
    w.lost_node = what.node;
    co_return false;
  }
  // Kept only when it is known to lead to the right data: a later partition finds it open and asks no more.
  auto node = std::move(opened.value());
  SLUICE_CO_TRY(const auto identity, co_await cluster::read_data_identity(*node));
  if (identity != what.data_identity) co_return false;
  w.from = std::move(node);
  w.lost_node = {};
  co_return true;
}

task<result<read_end>> read_until_end(worker& w, const plan::partition& what, std::optional<bson::document> behind,
                                      runtime::bounded_stream<positioned_batch>& out) {
  wire::backoff waits;
  auto give_up_at = std::chrono::steady_clock::time_point::max();
  bool from_start = false;
  for (;;) {
    error cause;
    auto connected = co_await connect_source(w, what);
    if (connected && !connected.value()) co_return read_end::moved;
    if (connected) {
      const auto before = behind ? bson::document(behind->view()) : bson::document();
      scan one(w, what, behind, out);
      auto ended = co_await one.run(from_start);
      if (ended) {
        if (ended.value() == scan_end::finished) co_return read_end::whole;
        if (ended.value() == scan_end::given_up) co_return read_end::given_up;
        log(log_level::info, "copy", "The record to go on behind was deleted; reading from the start",
            {{"ns", what.ns.to_string()}, {"partition", what.number}});
        from_start = true;
        continue;
      }
      cause = ended.error();
      if (behind && !std::ranges::equal(behind->bytes(), before.bytes())) {  // it got on: start counting anew
        waits.reset();
        give_up_at = std::chrono::steady_clock::time_point::max();
      }
    } else {
      cause = connected.error();
    }
    if (out.abandoned()) co_return read_end::given_up;
    if (cause.server_code == wire::namespace_not_found) co_return read_end::gone;
    if (cause.server_code == wire::capped_position_lost) co_return read_end::overtaken;
    const bool again = wire::is_retryable(cause) || cause.server_code == wire::cursor_not_found ||
                       cause.server_code == wire::query_plan_killed || cause.kind == error_kind::protocol;
    if (!again || w.scope.cancelled()) co_return cause;
    const auto now = std::chrono::steady_clock::now();
    if (give_up_at == std::chrono::steady_clock::time_point::max()) give_up_at = now + w.patience;
    if (now > give_up_at) co_return cause;
    log(log_level::warn, "copy", "Reading was interrupted; going on behind the last batch",
        {{"ns", what.ns.to_string()}, {"partition", what.number}, {"cause", cause.message}});
    const bool waited = co_await runtime::sleep_for(waits.next(), w.scope);
    if (!waited) co_return failure(error_kind::cancelled, "cancelled while waiting to read again");
  }
}

}  // namespace

bson::document find_command(const plan::partition& what, const std::optional<bson::document>& behind, bool from_start,
                            bool is_mongos) {
  bson::builder find;
  if (what.uuid.empty()) {
    find.append("find", what.data_ns.collection);
  } else {
    find.append("find", bson::binary_view{4, what.uuid});
  }
  find.append("filter", what.filter);
  if (what.order == scan_order::natural) {
    find.open_document("hint").append("$natural", 1).close().append("$_requestResumeToken", true);
    const auto& resume = behind ? behind : what.after;
    if (resume && !from_start) find.append("$_resumeAfter", resume->view());
    // RecordIds of a plain collection are integers that only grow: there are at most as many records as numbers.
    if (what.records_max > 0 && !from_start) {
      const std::int64_t done = behind ? record_id(*behind) - (what.after ? record_id(*what.after) : 0) : 0;
      if (what.records_max > done) find.append("limit", what.records_max - done);
    }
  } else if (in_order_without_tokens(what)) {
    find.open_document("sort").append("$natural", 1).close();
  } else {
    find.open_document("hint").append("_id", 1).close();
    find.open_document("sort").append("_id", 1).close();
    const auto& lower = behind ? behind : what.min;
    if (lower) find.append("min", lower->view());
    if (what.max) find.append("max", what.max->view());
  }
  find.open_document("readConcern").append("level", "majority").close();
  // A natural scan stays on its node even when that is no primary any more; a mongos would take this as a wish.
  if (!is_mongos) find.open_document("$readPreference").append("mode", "secondaryPreferred").close();
  return find.finish();
}

task<result<read_end>> read_partition(worker& w, const plan::partition& what, std::optional<bson::document> behind,
                                      runtime::bounded_stream<positioned_batch>& out) {
  auto ended = co_await read_until_end(w, what, std::move(behind), out);
  out.close();
  co_return ended;
}

}  // namespace sluice::copy
