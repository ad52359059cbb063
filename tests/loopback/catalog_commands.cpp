// Commands about databases, collections and indexes: answered from the catalog, never from documents.
#include <algorithm>
#include <map>
#include <set>

#include "tests/loopback/commands.hpp"

namespace sluice::loopback {
namespace {

reply not_found(const node& server, const std::string& full_name) {
  return refusal(server, 26, "NamespaceNotFound", "ns does not exist: " + full_name);
}

std::uint64_t documents_of(const node& server, const std::string& full_name, const collection& one) {
  const std::string_view database = std::string_view(full_name).substr(0, full_name.find('.'));
  if (server.is_stored(database)) return server.store.find(full_name, bson::document()).size();
  const std::uint64_t delivered = one.data_set_number ? server.options.data.documents : 0;
  return delivered + one.documents;
}

std::uint64_t bytes_of(const node& server, const collection& one) {
  const std::uint64_t delivered =
      one.data_set_number ? server.options.data.documents * server.options.data.document_bytes : 0;
  return delivered + one.bytes;
}

/// {name: "x"} is all that anybody filters by; other conditions would be answered wrongly, so they are left to the
/// client.
bool is_wanted(const request& asked, std::string_view name) {
  const auto wanted = asked.body.at("filter", "name").as_string();
  return !wanted || *wanted == name;
}

bson::document describe(const std::string& name, const collection& one) {
  bson::builder entry;
  entry.append("name", name).append("type", one.type).append("options", one.options);
  entry.open_document("info").append("readOnly", one.type == "view");
  if (one.type != "view") entry.append("uuid", bson::binary_view{4, one.uuid});
  entry.close();
  const auto first = one.indexes.empty() ? bson::element_view() : one.indexes.front().view().find("name");
  if (one.type != "view" && first.as_string() == "_id_") entry.append("idIndex", one.indexes.front());
  return entry.finish();
}

}  // namespace

reply run_list_databases(conversation& with, const request& asked) {
  std::map<std::string, std::uint64_t> databases{{"admin", 1}, {"config", 1}, {"local", 1}};
  for (const auto& [name, one] : with.server.catalog.list()) {
    databases[name.substr(0, name.find('.'))] += bytes_of(with.server, *one);
  }
  const bool name_only = flag(asked, "nameOnly");
  std::uint64_t total = 0;
  bson::builder body;
  body.open_array("databases");
  for (const auto& [name, bytes] : databases) {
    if (!is_wanted(asked, name)) continue;
    body.open_document(body.next_index()).append("name", name);
    if (!name_only) body.append("sizeOnDisk", static_cast<std::int64_t>(bytes)).append("empty", false);
    body.close();
    total += bytes;
  }
  body.close();
  if (!name_only) body.append("totalSize", static_cast<std::int64_t>(total));
  return accepted(with.server, body);
}

reply run_list_collections(conversation& with, const request& asked) {
  const std::string database(asked.database());
  std::vector<bson::document> described;
  for (const auto& [full_name, one] : with.server.catalog.list(database)) {
    const std::string name = full_name.substr(database.size() + 1);
    if (!is_wanted(asked, name)) continue;
    with.server.catalog.change(*one, [&](collection& at) { described.push_back(describe(name, at)); });
  }
  return whole_cursor(with.server, database + ".$cmd.listCollections", described);
}

reply run_list_indexes(conversation& with, const request& asked) {
  const auto uuid = (*asked.body.begin()).as_binary();
  const std::string full_name = uuid ? with.server.catalog.name_of(*uuid) : asked.target();
  const auto found = with.server.catalog.find(full_name);
  if (!found) return not_found(with.server, full_name);
  std::vector<bson::document> indexes;
  with.server.catalog.change(*found, [&](collection& one) { indexes = one.indexes; });
  return whole_cursor(with.server, full_name, indexes);
}

reply run_count(conversation& with, const request& asked) {
  const auto found = with.server.catalog.find(asked.target());
  const std::uint64_t documents = found ? documents_of(with.server, asked.target(), *found) : 0;
  bson::builder body;
  body.append("n", static_cast<std::int64_t>(documents));
  return accepted(with.server, body);
}

/// Names the whole namespace, unlike its neighbours. What does not exist counts as empty, as on a server.
reply run_data_size(conversation& with, const request& asked) {
  const std::string full_name(asked.body.find("dataSize").as_string().value_or(""));
  const auto found = with.server.catalog.find(full_name);
  bson::builder body;
  body.append("size", found ? static_cast<std::int64_t>(bytes_of(with.server, *found)) : 0);
  body.append("numObjects", found ? static_cast<std::int64_t>(documents_of(with.server, full_name, *found)) : 0);
  return accepted(with.server, body);
}

bson::document collection_statistics(conversation& with, const std::string& full_name) {
  const auto found = with.server.catalog.find(full_name);
  const auto documents = found ? static_cast<std::int64_t>(documents_of(with.server, full_name, *found)) : 0;
  const auto bytes = found ? static_cast<std::int64_t>(bytes_of(with.server, *found)) : 0;
  bson::builder statistics;
  statistics.append("ns", full_name).append("host", with.server.me).append_date_ms("localTime", now_ms());
  statistics.open_document("storageStats").append("size", bytes).append("count", documents);
  statistics.append("avgObjSize", documents == 0 ? std::int64_t{0} : bytes / documents);
  statistics.append("storageSize", bytes).append("freeStorageSize", std::int64_t{0}).append("capped", false);
  statistics.append("nindexes", 1).append("totalIndexSize", std::int64_t{4096}).append("totalSize", bytes).close();
  statistics.append("count", documents);
  return statistics.finish();
}

reply run_create(conversation& with, const request& asked) {
  static const std::set<std::string_view> not_options{
      "create",          "$db",     "lsid",    "$clusterTime", "writeConcern", "txnNumber",
      "$readPreference", "idIndex", "comment", "maxTimeMS",    "apiVersion"};
  const auto [made, is_new] = with.server.catalog.create(asked.target());
  if (!is_new) {
    return refusal(with.server, 48, "NamespaceExists", "Collection " + asked.target() + " already exists.");
  }
  bson::builder options;
  for (const auto field : asked.body) {
    if (!not_options.contains(field.key())) options.append(field);
  }
  with.server.catalog.change(*made, [&](collection& one) {
    one.options = options.finish();
    if (one.options.view().find("viewOn")) one.type = "view";
    if (one.options.view().find("timeseries")) one.type = "timeseries";
    if (one.type != "collection" || one.options.view().find("clusteredIndex")) one.indexes.clear();
    if (const auto id = asked.body.find("idIndex").as_document()) one.indexes = {bson::document(*id)};
  });
  with.server.advance_time();
  bson::builder body;
  return accepted(with.server, body);
}

reply run_create_indexes(conversation& with, const request& asked) {
  const auto [made, is_new] = with.server.catalog.create(asked.target());
  const auto wanted = asked.documents("indexes");
  std::int32_t before = 0;
  std::int32_t after = 0;
  with.server.catalog.change(*made, [&](collection& one) {
    before = static_cast<std::int32_t>(one.indexes.size());
    wanted.for_each([&](bson::document_view index) {
      const auto same_name = [&](const bson::document& there) {
        return there.view().find("name").as_string() == index.find("name").as_string();
      };
      if (std::ranges::none_of(one.indexes, same_name)) one.indexes.emplace_back(index);
    });
    after = static_cast<std::int32_t>(one.indexes.size());
  });
  with.server.advance_time();
  bson::builder body;
  body.append("numIndexesBefore", before).append("numIndexesAfter", after);
  body.append("createdCollectionAutomatically", is_new);
  return accepted(with.server, body);
}

reply run_coll_mod(conversation& with, const request& asked) {
  if (!with.server.catalog.find(asked.target())) return not_found(with.server, asked.target());
  with.server.advance_time();
  bson::builder body;
  return accepted(with.server, body);
}

reply run_drop(conversation& with, const request& asked) {
  with.server.store.drop(asked.target());
  if (!with.server.catalog.drop(asked.target())) return not_found(with.server, asked.target());
  with.server.advance_time();
  bson::builder body;
  body.append("nIndexesWas", 1).append("ns", asked.target());
  return accepted(with.server, body);
}

reply run_drop_database(conversation& with, const request& asked) {
  with.server.store.drop_database(asked.database());
  const std::uint64_t dropped = with.server.catalog.drop_database(asked.database());
  with.server.advance_time();
  bson::builder body;
  if (dropped > 0) body.append("dropped", asked.database());
  return accepted(with.server, body);
}

reply run_rename_collection(conversation& with, const request& asked) {
  const std::string from((*asked.body.begin()).as_string().value_or(""));
  const std::string to(asked.body.find("to").as_string().value_or(""));
  if (!with.server.catalog.find(from)) return not_found(with.server, from);
  if (!with.server.catalog.rename(from, to, flag(asked, "dropTarget"))) {
    return refusal(with.server, 48, "NamespaceExists", "target namespace exists");
  }
  with.server.advance_time();
  bson::builder body;
  return accepted(with.server, body);
}

}  // namespace sluice::loopback
