#include "engine/capture/document_reader.hpp"

#include <chrono>
#include <utility>

#include "bson/document.hpp"
#include "bson/id_key.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::capture {

namespace {

using namespace std::chrono_literals;

constexpr auto answer_within = 60s;

bson::document find_by_id(const std::string& collection, const std::vector<bson::element_view>& ids,
                          bson::timestamp after) {
  bson::builder command;
  command.append("find", collection).open_document("filter").open_document("_id").open_array("$in");
  for (const auto& id : ids) command.push(id);
  command.close().close().close();
  // One more than there can be: a full batch would leave open whether it is the last.
  command.append("batchSize", static_cast<std::int32_t>(ids.size() + 1));
  command.open_document("readConcern").append("level", "majority").append("afterClusterTime", after).close();
  return command.finish();
}

task<void> end_cursor(wire::connection& source, cluster::namespace_name of, std::int64_t id) {
  bson::builder command;
  command.append("killCursors", of.collection).open_array("cursors").push(id).close();
  bson::document kill = command.finish();
  const auto killed = co_await source.run(of.database, std::move(kill), answer_within);
  (void)killed;  // it ends by itself, too
}

}  // namespace

std::string document_name(std::string_view ns, bson::element_view id) {
  std::string name(ns);
  name += '\0';
  name += bson::id_key(id);
  return name;
}

std::optional<bson::document_view> read_documents::find(std::string_view ns, bson::element_view id) const {
  const auto one = found_.find(document_name(ns, id));
  if (one == found_.end()) return {};
  return one->second;
}

task<result<std::optional<read_documents>>> read_again(wire::connection& source, const wanted_documents& wanted,
                                                       bson::timestamp after) {
  read_documents all;
  std::size_t bytes = 0;
  for (const auto& [name, ids] : wanted) {
    const auto ns = cluster::parse_namespace(name).value_or(cluster::namespace_name{});
    bson::document find = find_by_id(ns.collection, ids, after);
    SLUICE_CO_TRY(auto reply, co_await source.run(ns.database, std::move(find), answer_within));
    const auto documents = reply.body.at("cursor", "firstBatch").as_array();
    if (!documents) {
      co_return failure(error_kind::protocol,
                        source.host().to_string() + ": the reply to a find in " + name + " holds no documents");
    }
    const bool alone = wanted.size() == 1 && ids.size() == 1;
    const std::int64_t more = reply.body.at("cursor", "id").to_int64().value_or(0);
    if (more != 0) co_await end_cursor(source, ns, more);
    bytes += documents->bytes().size();
    if (!alone && (more != 0 || bytes > limits::document_bytes_max)) co_return std::optional<read_documents>();
    for (const auto field : *documents) {
      const auto document = field.as_document();
      const auto id = document ? document->find("_id") : bson::element_view{};
      if (id) all.found_.insert_or_assign(document_name(name, id), *document);
    }
    all.replies_.push_back(std::move(reply));
  }
  co_return std::optional<read_documents>(std::move(all));
}

}  // namespace sluice::capture
