#include "engine/index/capped_restore.hpp"

#include <algorithm>
#include <utility>

#include "engine/runtime/log.hpp"

namespace sluice::index {

namespace {

constexpr std::int32_t deleted_at_once = 1000;

bson::document oldest_ids(const std::string& collection, std::int32_t limit, bson::document_view query = {}) {
  bson::builder find;
  find.append("find", collection).append("filter", query).open_document("sort").append("$natural", 1).close();
  find.open_document("projection").append("_id", 1).close().append("limit", limit).append("batchSize", limit);
  return find.finish();
}

bson::document by_id(const std::string& collection, bson::element_view id) {
  bson::builder find;
  find.append("find", collection).open_document("filter").open_document("_id").append("$eq", id).close().close();
  find.open_document("projection").append("_id", 1).close().append("limit", 1).append("batchSize", 1);
  return find.finish();
}

bson::document delete_ids(const std::string& collection, std::vector<bson::document>::const_iterator first,
                          std::vector<bson::document>::const_iterator last) {
  bson::builder command;
  command.append("delete", collection).open_array("deletes");
  for (; first != last; ++first) {
    command.open_document(command.next_index()).open_document("q").open_document("_id");
    command.append("$eq", first->view().find("_id")).close().close().append("limit", 1).close();
  }
  command.close();
  return command.finish();
}

bool same_id(bson::document_view a, bson::document_view b) {
  return std::ranges::equal(a.find("_id").whole(), b.find("_id").whole());
}

}  // namespace

task<result<>> delete_overwritten(cutover_side& source, cutover_side& destination, cluster::namespace_name ns,
                                  const cluster::migration_scope& scope) {
  const auto on_source = scope.names.source_of(ns).value_or(ns);
  bson::document first_of_source = oldest_ids(on_source.collection, 1, scope.documents.query());
  SLUICE_CO_TRY(auto oldest, co_await source.find(on_source.database, std::move(first_of_source)));
  if (!oldest.empty()) {
    const auto id = oldest.front().view().find("_id");
    if (!id) co_return ok();  // capped collections of old may have none
    bson::document same = by_id(ns.collection, id);
    SLUICE_CO_TRY(auto copied, co_await destination.find(ns.database, std::move(same)));
    if (copied.empty()) {
      log(log_level::warn, "index", "The source's oldest document is not on the destination: nothing is deleted there",
          {{"ns", ns.to_string()}});
      co_return ok();
    }
    oldest = std::move(copied);  // the same key in other bytes would never be met
  }
  for (;;) {
    bson::document some = oldest_ids(ns.collection, deleted_at_once);
    SLUICE_CO_TRY(const auto batch, co_await destination.find(ns.database, std::move(some)));
    auto end = batch.cbegin();
    while (end != batch.cend() && end->view().find("_id") && (oldest.empty() || !same_id(*end, oldest.front()))) ++end;
    if (end == batch.cbegin()) co_return ok();
    bson::document remove = delete_ids(ns.collection, batch.cbegin(), end);
    SLUICE_CO_TRYV(co_await destination.change(ns.database, std::move(remove)));
    if (end != batch.cend()) co_return ok();
  }
}

}  // namespace sluice::index
