// What follows from a reply.
#include "engine/apply/piece_writer.hpp"

#include <algorithm>
#include <set>

#include "bson/extended_json.hpp"
#include "bson/id_key.hpp"
#include "engine/apply/refusal.hpp"
#include "engine/apply/update_form.hpp"

namespace sluice::apply {

namespace {

/// As many `_id`s are named of each violation.
constexpr std::size_t ids_named = 5;

}  // namespace

task<result<>> piece_writer::write(write_piece piece) {
  switch (piece.kind) {
    case write_kind::insert:
      // Into a destination that may already hold what comes again: there its `_id` may lie on another shard, which
      // would not refuse it here.
      if (piece.to->scattered && !check_) co_return co_await put_in_place(piece, false);
      co_return co_await insert(piece);
    case write_kind::replace:
      co_return co_await replace(piece, false);
    case write_kind::update:
      if (piece.to->scattered) co_return co_await update_sharded(piece);
      co_return co_await update(piece);
    case write_kind::remove:
      co_return co_await remove(piece);
  }
  co_return ok();
}

task<result<write_connection::acknowledged>> piece_writer::send(write_piece piece) {
  SLUICE_CO_TRY(auto done, co_await over_.send(piece));
  const wire::write_term& term = done.reply.term;
  if (term.known()) {
    if (outcome_.term.known() && outcome_.term != term) outcome_.mixed_terms = true;
    outcome_.term = term;
  }
  co_return done;
}

task<result<>> piece_writer::insert(write_piece piece) {
  SLUICE_CO_TRY(const auto done, co_await send(piece));
  counters_.inserts += done.reply.n;
  // What was refused for whatever reason goes as a replace, and the answer to that is the verdict: not every server
  // says "duplicate" (6.0.27 fails to word it for some `_id`s of clustered collections).
  const write_encoder& encoded = over_.encoder();
  std::vector<std::size_t> places(encoded.left_out().begin(), encoded.left_out().end());
  for (const refused_statement& one : done.reply.refused) places.push_back(encoded.write_of(one.statement));
  if (places.empty()) co_return ok();
  std::ranges::sort(places);
  write_run again;
  if (piece.ordered) {
    // The server has stopped there. Upserts keep the order of what follows.
    const auto rest = piece.writes.subspan(places.front());
    again.writes.assign(rest.begin(), rest.end());
  } else {
    for (const std::size_t place : places) again.writes.push_back(piece.writes[place]);
  }
  const std::span<const document_write> all(again.writes);
  const piece_limits bounds;
  bool resent = done.resent;
  if (piece.to->in_order) {
    SLUICE_CO_TRYV(co_await take_out(*piece.to, all, resent));
    resent = true;  // what was found there is noted
  }
  for (std::size_t begin = 0; begin < all.size();) {
    const auto part = all.subspan(begin, std::min(bounds.updates_max, all.size() - begin));
    write_piece replaces{piece.to, write_kind::replace, piece.ordered, part};
    SLUICE_CO_TRYV(co_await replace(replaces, resent));
    begin += part.size();
  }
  co_return ok();
}

// A document that was deleted and inserted again has a new place. When changes come again, after a death or because
// they fell into the time of the copy, its first insert finds it there already, and its last one puts it behind what
// followed it. So whatever is inserted again gets its place again: all that came after it comes again, too.
task<result<>> piece_writer::take_out(const target& to, std::span<const document_write> inserts, bool resent) {
  const piece_limits bounds;
  for (std::size_t begin = 0; begin < inserts.size();) {
    const auto part = inserts.subspan(begin, std::min(bounds.removes_max, inserts.size() - begin));
    const write_piece removes{&to, write_kind::remove, false, part};
    SLUICE_CO_TRY(const auto done, co_await send(removes));
    if (!done.reply.refused.empty()) co_return refusal(removes, part.front(), done.reply.refused.front());
    const auto found = static_cast<std::size_t>(done.reply.n);
    const bool expected = std::ranges::all_of(part, [](const document_write& one) { return !one.expects_effect; });
    if (check_ && !resent && !done.resent && found > 0 && !expected) {
      const bson::element_view first = part.front().id;
      note(to, found, some_of(found, part.size(), "inserts found their _id there"), {&first, 1});
    }
    begin += part.size();
  }
  co_return ok();
}

task<result<>> piece_writer::replace(write_piece piece, bool resent) {
  if (piece.to->scattered) co_return co_await put_in_place(piece, resent);
  SLUICE_CO_TRY(const auto done, co_await send(piece));
  if (!done.reply.refused.empty()) {
    const refused_statement& first = done.reply.refused.front();
    co_return refusal(piece, piece.writes[first.statement], first);
  }
  counters_.replaces += done.reply.n;
  if (check_ && !resent && !done.resent) check_replaces(piece, done.reply.upserted);
  co_return ok();
}

task<result<>> piece_writer::update(write_piece piece) {
  std::int64_t there = 0;
  bool resent = false;
  for (write_piece rest = piece; !rest.writes.empty();) {
    SLUICE_CO_TRY(const auto done, co_await send(rest));
    there += done.reply.n;
    resent = resent || done.resent;
    std::size_t handled = rest.writes.size();
    for (const refused_statement& one : done.reply.refused) {
      const document_write& write = rest.writes[one.statement];
      if (!is_stopped_by_a_path(one, write)) co_return refusal(rest, write, one);
      write_piece alone{rest.to, write_kind::update, rest.ordered, rest.writes.subspan(one.statement, 1)};
      SLUICE_CO_TRYV(co_await update_field_by_field(alone));
      ++there;
      if (rest.ordered) handled = one.statement + 1;
    }
    rest.writes = rest.writes.subspan(handled);
  }
  counters_.updates += there;
  if (check_ && !resent && there < static_cast<std::int64_t>(expecting(piece))) {
    SLUICE_CO_TRYV(co_await check_updates(piece));
  }
  co_return ok();
}

task<result<>> piece_writer::update_field_by_field(write_piece one) {
  const auto parts = one_field_each(one.writes.front().document);
  for (const bson::document& part : parts) {
    document_write field = one.writes.front();
    field.document = part.view();
    one.writes = {&field, 1};
    SLUICE_CO_TRY(const auto done, co_await send(one));
    for (const refused_statement& refused : done.reply.refused) {
      if (!is_stopped_by_a_path(refused, field)) co_return refusal(one, field, refused);
    }
  }
  co_return ok();
}

task<result<>> piece_writer::remove(write_piece piece) {
  SLUICE_CO_TRY(const auto done, co_await send(piece));
  if (!done.reply.refused.empty()) {
    const refused_statement& first = done.reply.refused.front();
    // One statement stands for all where they are grouped: the first `_id` is then as good as any.
    co_return refusal(piece, piece.writes[std::min(first.statement, piece.writes.size() - 1)], first);
  }
  counters_.deletes += done.reply.n;
  if (check_ && !done.resent) check_removes(piece, done.reply.n);
  co_return ok();
}

void piece_writer::check_replaces(const write_piece& piece, const std::vector<std::size_t>& upserted) {
  std::vector<bson::element_view> found, missing;
  for (std::size_t at = 0; at < piece.writes.size(); ++at) {
    const document_write& write = piece.writes[at];
    if (!write.expects_effect) continue;
    const bool was_there = !std::ranges::binary_search(upserted, at);
    if (was_there && write.kind == write_kind::insert) found.push_back(write.id);
    if (!was_there && write.kind == write_kind::replace) missing.push_back(write.id);
  }
  if (!found.empty())
    note(*piece.to, found.size(), some_of(found.size(), piece.writes.size(), "inserts found their _id there"), found);
  if (!missing.empty())
    note(*piece.to, missing.size(), some_of(missing.size(), piece.writes.size(), "replaces found nothing"), missing);
}

task<result<>> piece_writer::check_updates(write_piece piece) {
  std::vector<bson::element_view> ids;
  for (const document_write& write : piece.writes)
    if (write.expects_effect) ids.push_back(write.id);
  SLUICE_CO_TRY(const auto found, co_await over_.find_ids(piece.to->ns, ids));
  if (found.size() >= ids.size()) co_return ok();  // only such were missing as may be
  std::set<std::string> there;
  for (const bson::document& one : found) there.insert(bson::id_key(one.view().find("_id")));
  std::vector<bson::element_view> missing;
  for (const bson::element_view id : ids)
    if (!there.contains(bson::id_key(id))) missing.push_back(id);
  note(*piece.to, missing.size(), some_of(missing.size(), ids.size(), "updates found nothing"), missing);
  co_return ok();
}

void piece_writer::check_removes(const write_piece& piece, std::int64_t removed) {
  std::vector<bson::element_view> ids;
  for (const document_write& write : piece.writes)
    if (write.expects_effect) ids.push_back(write.id);
  if (removed >= static_cast<std::int64_t>(ids.size())) return;
  const auto missing = ids.size() - static_cast<std::size_t>(removed);
  // Which ones is not known afterwards, unless it is all of them.
  if (removed > 0) ids.clear();
  note(*piece.to, missing, some_of(missing, expecting(piece), "deletes found nothing"), ids);
}

void piece_writer::note(const target& to, std::size_t documents, std::string what,
                        std::span<const bson::element_view> ids) {
  written_window::violation one{.ns = to.ns, .documents = documents, .what = std::move(what), .ids_json = {}};
  for (const bson::element_view id : ids.first(std::min(ids.size(), ids_named))) {
    one.ids_json.push_back(bson::value_to_json(id));
  }
  outcome_.violations.push_back(std::move(one));
}

}  // namespace sluice::apply
