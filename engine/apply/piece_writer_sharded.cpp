// Collections of a sharded destination whose shard key is not `_id` alone. Each shard keeps `_id`s single for itself,
// and a mongos takes an upsert by `_id` for no statement at all (5.0: "could not extract exact shard key"), so a whole
// document is put in place by a delete, which goes to all shards, and an insert, which goes to its own. Dying in
// between leaves a hole that what is applied again fills: the change that made it comes again, too.
//
// While changes come again over what may be newer, the copy or an earlier insert can have left one document on two
// shards, each as it was at some time since the beginning. The change of the key that led from one to the other is
// among those that come, and leaves one.
#include <algorithm>
#include <utility>

#include "bson/extended_json.hpp"
#include "engine/apply/piece_writer.hpp"
#include "engine/apply/refusal.hpp"
#include "engine/apply/shard_key_change.hpp"
#include "engine/apply/update_form.hpp"
#include "engine/cluster/shard_key.hpp"

namespace sluice::apply {

namespace {

constexpr std::int32_t duplicate_id = 11000;

/// {_id: {$eq: …}, customer: {$eq: …}}
bson::document named_with_key(bson::element_view id, const bson::document& key, bson::document_view document) {
  bson::builder query;
  if (!key.view().find("_id")) query.open_document("_id").append("$eq", id).close();
  query.append_all(cluster::key_conditions(key, document));
  return query.finish();
}

error holds_zero(const write_piece& piece, const document_write& write) {
  return failure(error_kind::refused, piece.to->ns.to_string() + ": the document with _id " +
                                          bson::value_to_json(write.id) +
                                          " holds a Timestamp(0, 0), which a sharded destination of this version would "
                                          "change: upgrade it to the newest patch release");
}

}  // namespace

task<result<>> piece_writer::put_in_place(write_piece piece, bool resent) {
  const piece_limits bounds;
  // In an ordered piece a document may come several times.
  const std::size_t at_once = piece.ordered ? 1 : bounds.removes_max;
  for (auto rest = piece.writes; !rest.empty();) {
    write_piece part = piece;
    part.writes = rest.first(std::min(at_once, rest.size()));
    rest = rest.subspan(part.writes.size());
    SLUICE_CO_TRYV(co_await put_part(part, resent));
  }
  co_return ok();
}

task<result<>> piece_writer::put_part(write_piece part, bool resent) {
  write_piece removes = part;
  removes.kind = write_kind::remove;
  SLUICE_CO_TRY(const auto removed, co_await send(removes));
  if (!removed.reply.refused.empty()) co_return refusal(removes, part.writes.front(), removed.reply.refused.front());

  write_piece inserts = part;
  inserts.kind = write_kind::insert;
  SLUICE_CO_TRY(const auto inserted, co_await send(inserts));
  const write_encoder& encoded = over_.encoder();
  if (!encoded.left_out().empty()) co_return holds_zero(part, part.writes[encoded.left_out().front()]);
  for (const refused_statement& one : inserted.reply.refused) {
    if (one.code == duplicate_id && inserted.resent) continue;  // by the same command before its answer was lost
    co_return refusal(inserts, part.writes[encoded.write_of(one.statement)], one);
  }
  counters_.replaces += static_cast<std::int64_t>(part.writes.size());
  if (!check_ || resent || removed.resent) co_return ok();

  const auto found = static_cast<std::size_t>(removed.reply.n);
  const bson::element_view first = part.writes.front().id;
  std::size_t may_be_found = 0;
  std::size_t must_be_found = 0;
  for (const document_write& write : part.writes) {
    must_be_found += write.expects_effect && write.kind == write_kind::replace ? 1 : 0;
    may_be_found += !write.expects_effect || write.kind == write_kind::replace ? 1 : 0;
  }
  if (found > may_be_found) {
    note(*part.to, found - may_be_found,
         some_of(found - may_be_found, part.writes.size(), "inserts found their _id there"), {&first, 1});
  } else if (found < must_be_found) {
    note(*part.to, must_be_found - found, some_of(must_be_found - found, part.writes.size(), "replaces found nothing"),
         {});
  }
  co_return ok();
}

task<result<>> piece_writer::update_sharded(write_piece piece) {
  const bson::document_view key = piece.to->shard_key;
  const auto leaves = [key](const document_write& write) { return may_change_shard_key(write, key); };
  std::vector<document_write> writes(piece.writes.begin(), piece.writes.end());
  // Of an unordered piece the documents are all different ones.
  if (!piece.ordered) {
    std::stable_partition(writes.begin(), writes.end(), [&](const document_write& one) { return !leaves(one); });
  }
  std::vector<bson::element_view> missing;
  for (auto rest = std::span<const document_write>(writes); !rest.empty();) {
    const auto stays = static_cast<std::size_t>(std::ranges::find_if(rest, leaves) - rest.begin());
    if (stays > 0) {
      write_piece some = piece;
      some.writes = rest.first(stays);
      SLUICE_CO_TRYV(co_await update(some));
      rest = rest.subspan(stays);
      continue;
    }
    write_piece one = piece;
    one.writes = rest.first(1);
    rest = rest.subspan(1);
    SLUICE_CO_TRY(const bool there, co_await update_with_key(one));
    if (!there && one.writes.front().expects_effect) missing.push_back(one.writes.front().id);
    if (there) ++counters_.updates;
  }
  if (check_ && !missing.empty()) {
    note(*piece.to, missing.size(), some_of(missing.size(), piece.writes.size(), "updates found nothing"), missing);
  }
  co_return ok();
}

task<result<bool>> piece_writer::update_with_key(write_piece one) {
  const document_write write = one.writes.front();
  const target& to = *one.to;
  SLUICE_CO_TRY(const auto there, co_await over_.find_keys(to.ns, write.id, to.shard_key));
  if (there.empty()) co_return false;
  for (std::size_t more = 1; more < there.size(); ++more) {
    document_write remove = write;
    remove.kind = write_kind::remove;
    bson::document query = named_with_key(write.id, to.shard_key, there[more]);
    SLUICE_CO_TRYV(co_await over_.send_with_key(to.ns, std::move(query), remove));
  }
  bson::document query = named_with_key(write.id, to.shard_key, there.front());
  SLUICE_CO_TRY(const auto done, co_await over_.send_with_key(to.ns, std::move(query), write));
  if (done.reply.refused.empty()) co_return true;
  const refused_statement& refused = done.reply.refused.front();
  const auto parts =
      is_stopped_by_a_path(refused, write) ? one_field_each(write.document) : std::vector<bson::document>();
  if (parts.size() < 2) {
    if (!parts.empty()) co_return true;  // that one field is what an oplog's entry would have skipped
    co_return refusal(one, write, refused);
  }
  for (const bson::document& part : parts) {
    document_write field = write;
    field.document = part.view();
    one.writes = {&field, 1};
    SLUICE_CO_TRYV(co_await update_with_key(one));
  }
  co_return true;
}

}  // namespace sluice::apply
