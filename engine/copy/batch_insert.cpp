#include "engine/copy/batch_insert.hpp"

#include <vector>

#include "bson/extended_json.hpp"
#include "bson/raw_array.hpp"
#include "engine/copy/zero_timestamp.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::copy {

namespace {

void record_refusal(worker& w, const plan::partition& what, bson::bytes_view documents, std::int32_t index,
                    std::int32_t code, std::string message) {
  const auto document = index < 0 ? std::nullopt : bson::document_at(documents, static_cast<std::size_t>(index));
  const auto id = document ? bson::find_id(*document) : bson::element_view();
  std::string id_json = id ? bson::value_to_json(id) : std::string("unknown");
  log(log_level::error, "copy", "The destination refused a document",
      {{"ns", what.ns.to_string()}, {"id", id_json}, {"code", code}, {"cause", message}});
  w.refused_documents.add({what.ns.to_string(), std::move(id_json), code, std::move(message)});
}

/// Whether the destination has a document with the `_id` of the one at `index`. Servers do not always say "duplicate":
/// in a clustered collection 6.0.27 fails to decode the key of many numbers while it words that very error, and answers
/// "KeyString format error" (508xx) instead. `durably`: and no election can take it away, which has to be asked for
/// when no reply with a term says so (a linearizable read waits for a majority to have all that it saw: 46 ms, 6.0.27).
task<result<bool>> is_there(worker& w, const plan::partition& what, bson::bytes_view documents, std::int32_t index,
                            bool durably) {
  const auto document = index < 0 ? std::nullopt : bson::document_at(documents, static_cast<std::size_t>(index));
  const auto id = document ? bson::find_id(*document) : bson::element_view();
  if (!id) co_return false;
  auto attempt = [&w, &what, id, durably]() -> task<result<bool>> {
    if (!w.to || !w.to->is_open()) {
      w.to.reset();
      SLUICE_CO_TRY(w.to, co_await cluster::connect_primary(w.destination, w.scope, w.patience));
    }
    bson::builder find;
    find.append("find", what.destination().collection).open_document("filter").open_document("_id");
    find.append("$eq", id).close().close();
    find.open_document("projection").append("_id", 1).close().append("limit", 1).append("singleBatch", true);
    if (durably) find.open_document("readConcern").append("level", "linearizable").close();
    bson::document command = find.finish();
    auto answer = co_await w.to->run(what.destination().database, std::move(command));
    if (answer.has_error()) {
      if (wire::is_retryable(answer.error())) w.to->close();
      co_return answer.error();
    }
    const auto batch = answer.value().body.at("cursor", "firstBatch").as_array();
    co_return batch && !batch->empty();
  };
  co_return co_await wire::retry(attempt, w.patience, w.scope);
}

/// Sorts what was refused into duplicates and documents that are missing, which are recorded.
task<result<>> judge_refusals(worker& w, const plan::partition& what, bson::bytes_view documents,
                              wire::insert_outcome& sent) {
  std::vector<wire::refused_document> missing;
  for (auto& one : sent.refused) {
    SLUICE_CO_TRY(bool there, co_await is_there(w, what, documents, one.index, false));
    if (there && !sent.term.known() && !w.destination.is_written_by_majority()) {
      SLUICE_CO_TRY(there, co_await is_there(w, what, documents, one.index, true));
    }
    if (there) {
      ++sent.duplicates;
      continue;
    }
    record_refusal(w, what, documents, one.index, one.code, one.message);
    missing.push_back(std::move(one));
  }
  sent.refused = std::move(missing);
  co_return ok();
}

std::size_t count(bson::bytes_view documents) {
  bson::raw_array_walk walk(documents);
  while (walk.next()) {
  }
  return walk.count();
}

/// Some servers close the connection instead of answering (reply too large), and then the same again is in vain: so
/// many connections may die while one piece is under way. A destination that is away is not counted, it is waited for.
constexpr int lost_connections_max = 5;

/// Sends until a reply comes, over elections and lost connections.
task<result<wire::insert_outcome>> send(worker& w, const plan::partition& what, bson::bytes_view documents) {
  wire::backoff waits;
  auto give_up_at = std::chrono::steady_clock::time_point::max();
  for (int lost = 0;;) {
    error cause;
    if (!w.to || !w.to->is_open()) {
      w.to.reset();
      SLUICE_CO_TRY(w.to, co_await cluster::connect_primary(w.destination, w.scope, w.patience));
    }
    SLUICE_CO_TRYV(co_await state::wait_until_permitted(w.may_write, w.scope));
    const wire::insert_options options{.bypass_empty_timestamp = w.destination.can.bypass_empty_timestamp,
                                       .by_majority = w.destination.is_written_by_majority()};
    auto sent =
        co_await wire::insert(*w.to, what.destination().database, what.destination().collection, documents, options);
    if (sent) co_return sent;
    cause = sent.error();
    if (!wire::is_retryable(cause) || w.scope.cancelled()) co_return cause;
    if (cause.kind != error_kind::server && ++lost >= lost_connections_max) co_return cause;
    w.to->close();
    const auto now = std::chrono::steady_clock::now();
    if (give_up_at == std::chrono::steady_clock::time_point::max()) give_up_at = now + w.patience;
    if (now > give_up_at) co_return cause;
    log(log_level::warn, "copy", "A batch was interrupted; sending it again",
        {{"ns", what.ns.to_string()}, {"partition", what.number}, {"cause", cause.message}});
    const bool waited = co_await runtime::sleep_for(waits.next(), w.scope);
    if (!waited) co_return failure(error_kind::cancelled, "cancelled while waiting to write again");
  }
}

/// Whether another, smaller command could fare better: not when the command itself is not allowed or the place is gone.
bool concerns_documents(const error& refusal) {
  switch (refusal.server_code) {
    case wire::unauthorized:
    case wire::authentication_failed:
    case wire::namespace_not_found:
    case wire::command_not_found:
    case wire::user_writes_blocked:
    case wire::out_of_disk_space:
      return false;
    default:
      return true;
  }
}

void add(batch_outcome& to, const wire::insert_outcome& from) {
  to.documents += from.inserted + from.duplicates + static_cast<std::int64_t>(from.refused.size());
  to.duplicates += from.duplicates;
  to.refused += static_cast<std::int64_t>(from.refused.size());
  if (to.term.known() && from.term.known() && !(to.term == from.term)) to.mixed_terms = true;
  if (from.term.known()) to.term = from.term;
}

}  // namespace

task<result<batch_outcome>> insert_batch(worker& w, const plan::partition& what, bson::bytes_view documents) {
  batch_outcome outcome;
  // Pieces still to send; a piece is cut in two when the server refuses it as a whole. The batch itself is not copied.
  std::vector<std::vector<std::byte>> pieces;
  bool whole = true;
  while (whole || !pieces.empty()) {
    std::vector<std::byte> piece;
    if (!whole) {
      piece = std::move(pieces.back());
      pieces.pop_back();
    }
    const bson::bytes_view now = whole ? documents : bson::bytes_view(piece);
    whole = false;
    auto sent = co_await send(w, what, now);
    if (sent) {
      SLUICE_CO_TRYV(co_await judge_refusals(w, what, now, sent.value()));
      add(outcome, sent.value());
      continue;
    }
    const error& cause = sent.error();
    const bool divisible = wire::is_retryable(cause) ? cause.kind != error_kind::server
                                                     : cause.kind == error_kind::server && concerns_documents(cause);
    if (w.scope.cancelled() || !divisible) co_return cause;
    const std::size_t documents_in_piece = count(now);
    if (documents_in_piece > 1) {
      auto first = bson::slice(now, 0, documents_in_piece / 2);
      auto second = bson::slice(now, documents_in_piece / 2, documents_in_piece);
      if (!first || !second) co_return cause;
      pieces.push_back(std::move(*second));
      pieces.push_back(std::move(*first));
      continue;
    }
    if (cause.kind != error_kind::server) co_return cause;
    wire::insert_outcome alone;
    alone.refused.push_back({0, cause.server_code, cause.message});
    SLUICE_CO_TRYV(co_await judge_refusals(w, what, now, alone));
    add(outcome, alone);
  }
  if (!w.destination.can.bypass_empty_timestamp) {
    SLUICE_CO_TRYV(co_await repair_zero_timestamps(w, what, documents));
  }
  co_return outcome;
}

}  // namespace sluice::copy
