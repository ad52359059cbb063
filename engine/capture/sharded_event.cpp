#include "engine/capture/sharded_event.hpp"

#include <optional>
#include <string_view>
#include <utility>

#include "engine/capture/oplog_entry.hpp"

namespace sluice::capture {

namespace {

error refused(bson::document_view event, std::string_view what) {
  return failure(error_kind::protocol,
                 "the source's change stream holds an event " + std::string(what) + ": " + describe(event));
}

bson::document_view part(bson::document_view event, std::string_view name) {
  const auto field = event.find(name);
  return field ? field.as_document().value_or(bson::document_view()) : bson::document_view();
}

/// "db.collection"; empty where either is missing.
std::string full_name(bson::document_view ns) {
  const auto database = ns.find("db").as_string().value_or("");
  const auto collection = ns.find("coll").as_string().value_or("");
  if (database.empty() || collection.empty()) return {};
  return std::string(database) + "." + std::string(collection);
}

bson::document only(bson::element_view id) {
  bson::builder document;
  document.append(id);
  return document.finish();
}

bson::builder entry_at(bson::timestamp at, std::string_view op, std::string_view ns) {
  bson::builder entry;
  entry.append("ts", at).append("op", op).append("ns", ns);
  return entry;
}

result<> change_of_document(bson::document_view event, std::string_view type, const std::string& ns,
                            sharded_event& into) {
  const auto id = part(event, "documentKey").find("_id");
  const bool whole = type == "insert" || type == "replace";
  const auto document = part(event, "fullDocument");
  if (ns.empty() || !id || (whole && document.empty())) return refused(event, "that does not say all of its change");
  into.read_again = !whole;
  auto entry = entry_at(into.at, type == "insert" ? "i" : type == "delete" ? "d" : "u", ns);
  const bson::document key = only(id);
  entry.append("o", whole ? document : key.view());
  if (type == "replace" || type == "update") entry.append("o2", key);
  into.entry = entry.finish();
  return ok();
}

result<> change_of_catalog(bson::document_view event, std::string_view type, sharded_event& into) {
  const auto ns = part(event, "ns");
  const std::string name = full_name(ns);
  const auto database = ns.find("db").as_string().value_or("");
  bson::builder o;
  if (type == "dropDatabase" && !database.empty()) {
    o.append("dropDatabase", 1);
  } else if (type == "drop" && !name.empty()) {
    o.append("drop", ns.find("coll").as_string().value());
  } else if (type == "rename" && !name.empty() && !full_name(part(event, "to")).empty()) {
    o.append("renameCollection", name).append("to", full_name(part(event, "to"))).append("stayTemp", false);
  } else {
    return refused(event, "that this version does not know");
  }
  auto entry = entry_at(into.at, "c", std::string(database) + ".$cmd");
  entry.append("o", o.finish());
  into.entry = entry.finish();
  return ok();
}

}  // namespace

result<sharded_event> read_sharded_event(bson::document_view event) {
  const auto time = event.find("clusterTime");
  const auto at = time ? time.as_timestamp() : std::nullopt;
  if (!at) return refused(event, "without a time");
  sharded_event read;
  read.at = *at;
  const std::string_view type = event.find("operationType").as_string().value_or("");
  if (type == "insert" || type == "update" || type == "replace" || type == "delete") {
    SLUICE_TRYV(change_of_document(event, type, full_name(part(event, "ns")), read));
  } else {
    SLUICE_TRYV(change_of_catalog(event, type, read));
  }
  return read;
}

bson::document entry_of_document(const sharded_event& told, bson::document_view document) {
  auto entry = entry_at(told.at, "u", told.ns());
  const bson::document key = only(document.find("_id"));
  entry.append("o", document).append("o2", key);
  return entry.finish();
}

}  // namespace sluice::capture
