#include "engine/verify/both_sides.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include <xxhash.h>

#include "bson/compare.hpp"
#include "bson/id_key.hpp"
#include "bson/raw_array.hpp"
#include "engine/wire/cursor.hpp"

namespace sluice::verify {

namespace {

using cluster::collection_kind;

/// Documents of a look: a reply with so many seldom has more than a few MiB.
constexpr std::int32_t look_documents = 1000;

digest digest_of(bson::bytes_view document) {
  const XXH128_hash_t hash = XXH3_128bits(document.data(), document.size());
  return {hash.high64, hash.low64, true};
}

bool by_storage(const plan::partition& what) {
  return what.kind == collection_kind::timeseries || what.kind == collection_kind::capped;
}

/// One side of a part: its cursor, opened when it is first wanted.
class part_reader {
 public:
  part_reader(reading_end from, const plan::partition& what, side of)
      : from_(from),
        what_(what),
        of_(of),
        cursor_(from.node, from.pool, of == side::source ? what.data_ns.database : what.destination().database,
                {.batch_documents = what.batch_documents,
                 .exhaust = from.exhaust && what.documents_estimate > what.batch_documents}) {}

  task<result<std::optional<wire::batch>>> next() {
    if (!opened_) {
      opened_ = true;
      bson::document find = find_part(what_, of_);
      SLUICE_CO_TRYV(co_await cursor_.open(std::move(find)));
    }
    co_return co_await cursor_.next();
  }
  task<void> end() {
    if (opened_) co_await cursor_.abandon();
  }

 private:
  reading_end from_;
  const plan::partition& what_;
  side of_;
  wire::cursor cursor_;
  bool opened_ = false;
};

class comparison {
 public:
  comparison(reading_end source, reading_end destination, const plan::partition& what, on_read read, on_doubt doubts)
      : source_(source, what, side::source),
        destination_(destination, what, side::destination),
        read_(std::move(read)),
        doubts_(std::move(doubts)) {
    if (what.kind == collection_kind::capped) both_.end(side::destination);
  }

  task<result<>> run() {
    auto outcome = co_await loop();
    co_await source_.end();
    co_await destination_.end();
    co_return outcome;
  }

 private:
  task<result<>> loop() {
    for (;;) {
      std::vector<bson::document> doubtful;
      SLUICE_CO_TRY(const auto wanted, both_.compare(doubtful));
      if (!doubtful.empty()) {
        const bool go_on = co_await doubts_(std::move(doubtful));
        if (!go_on) co_return ok();
      }
      if (!wanted) co_return ok();
      part_reader& from = *wanted == side::source ? source_ : destination_;
      SLUICE_CO_TRY(auto data, co_await from.next());
      if (!data) {
        both_.end(*wanted);
        continue;
      }
      const bool last = data->last;
      SLUICE_CO_TRY(const auto documents, both_.add(*wanted, std::move(*data)));
      read_(*wanted, documents);
      if (last) both_.end(*wanted);
    }
  }

  part_reader source_;
  part_reader destination_;
  side_by_side both_;
  on_read read_;
  on_doubt doubts_;
};

bson::document find_some(const cluster::namespace_name& ns, const std::vector<bson::document>& ids,
                         const bson::document& filter) {
  bson::builder find;
  find.append("find", ns.collection).open_document("filter");
  if (!filter.view().empty()) {
    find.open_array("$and").open_document(find.next_index()).append_all(filter).close();
    find.open_document(find.next_index());
  }
  find.open_document("_id").open_array("$in");
  for (const auto& id : ids) find.push(id.view().find("_id"));
  find.close().close();
  if (!filter.view().empty()) find.close().close();
  find.close();
  find.open_document("readConcern").append("level", "majority").close();
  return find.finish();
}

task<result<std::optional<bson::document>>> read_one(wire::connection& node, cluster::namespace_name ns,
                                                     bson::document id, bson::document filter) {
  std::vector<bson::document> ids;
  ids.push_back(std::move(id));
  bson::document find = find_some(ns, ids, filter);
  SLUICE_CO_TRY(const auto reply, co_await node.run(ns.database, std::move(find)));
  const auto batch = reply.body.at("cursor", "firstBatch").as_array();
  if (!batch || batch->empty()) co_return std::optional<bson::document>();
  const auto first = (*batch->begin()).as_document();
  if (!first) co_return std::optional<bson::document>();
  co_return std::optional<bson::document>(*first);
}

}  // namespace

bson::document find_part(const plan::partition& what, side of) {
  bson::builder find;
  const bool at_source = of == side::source;
  if (at_source && !what.uuid.empty()) {
    find.append("find", bson::binary_view{4, what.uuid});
  } else {
    find.append("find", at_source ? what.data_ns.collection : what.destination().collection);
  }
  if (at_source) find.append("filter", what.filter);
  if (by_storage(what)) {
    find.open_document("hint").append("$natural", 1).close();
  } else if (what.kind == collection_kind::clustered) {
    find.open_document("sort").append("_id", 1).close();
  } else {
    find.open_document("hint").append("_id", 1).close();
    find.open_document("sort").append("_id", 1).close();
    if (what.min) find.append("min", what.min->view());
    if (what.max) find.append("max", what.max->view());
  }
  find.open_document("readConcern").append("level", "majority").close();
  return find.finish();
}

task<result<>> compare_part(reading_end source, reading_end destination, const plan::partition& what, on_read read,
                            on_doubt doubts) {
  comparison one(source, destination, what, std::move(read), std::move(doubts));
  co_return co_await one.run();
}

task<result<digests>> read_digests(reading_end from, cluster::namespace_name ns, const std::vector<bson::document>& ids,
                                   bson::document filter) {
  std::unordered_map<std::string, digest> found;
  digests all;
  wire::cursor cursor(from.node, from.pool, ns.database, {.batch_documents = look_documents});
  bson::document find = find_some(ns, ids, filter);
  SLUICE_CO_TRYV(co_await cursor.open(std::move(find)));
  for (;;) {
    SLUICE_CO_TRY(const auto data, co_await cursor.next());
    if (!data) break;
    all.at = std::max(all.at, data->operation_time);
    bson::raw_array_walk walk(data->documents);
    while (const auto document = walk.next()) {
      if (const auto id = bson::find_id(*document)) found[bson::id_key(id)] = digest_of(*document);
    }
    if (walk.fault()) co_return failure(error_kind::protocol, "a cursor batch holds something that is no document");
    if (data->last) break;
  }
  for (const auto& id : ids) {
    const auto one = found.find(bson::id_key(id.view().find("_id")));
    all.of.push_back(one == found.end() ? digest{} : one->second);
  }
  co_return all;
}

task<result<std::string>> describe(wire::connection& source, cluster::namespace_name source_ns,
                                   wire::connection& destination, cluster::namespace_name destination_ns,
                                   bson::document id, bson::document filter) {
  bson::document asked(id.view());
  SLUICE_CO_TRY(const auto here, co_await read_one(source, std::move(source_ns), std::move(asked), std::move(filter)));
  bson::document all;
  SLUICE_CO_TRY(const auto there,
                co_await read_one(destination, std::move(destination_ns), std::move(id), std::move(all)));
  if (!here && !there) co_return std::string("is gone by now");
  if (!here) co_return std::string("is not on the source");
  if (!there) co_return std::string("is missing on the destination");
  const std::string path = bson::first_difference(*here, *there);
  if (path.empty()) co_return std::string("is the same by now");
  co_return "differs in " + path;
}

}  // namespace sluice::verify
