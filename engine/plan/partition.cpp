#include "engine/plan/partition.hpp"

#include <algorithm>
#include <cstring>

#include "engine/runtime/limits.hpp"

namespace sluice::plan {

namespace {

void append_namespace(bson::builder& to, std::string_view key, const cluster::namespace_name& ns) {
  to.open_document(key).append("database", ns.database).append("collection", ns.collection).close();
}

void append_if(bson::builder& to, std::string_view key, const std::optional<bson::document>& value) {
  if (value) to.append(key, value->view());
}

std::optional<cluster::namespace_name> read_namespace(bson::document_view from, std::string_view key) {
  const auto database = from.at(key, "database").as_string();
  const auto collection = from.at(key, "collection").as_string();
  if (!database || !collection) return std::nullopt;
  return cluster::namespace_name{std::string(*database), std::string(*collection)};
}

std::optional<bson::document> read_document(bson::document_view from, std::string_view key) {
  const auto value = from.find(key).as_document();
  return value ? std::optional<bson::document>(bson::document(*value)) : std::nullopt;
}

std::int64_t read_int(bson::document_view from, std::string_view key) {
  return from.find(key).to_int64().value_or(0);
}

/// The record a token stands at: an integer, or bytes that sort like the record's key.
std::strong_ordering compare_record_ids(bson::element_view a, bson::element_view b) {
  if (const auto left = a.to_int64(), right = b.to_int64(); left && right) return *left <=> *right;
  const auto left = a.as_binary();
  const auto right = b.as_binary();
  if (!left || !right) return std::strong_ordering::less;
  return std::lexicographical_compare_three_way(left->data.begin(), left->data.end(), right->data.begin(),
                                                right->data.end());
}

}  // namespace

bson::document to_document(const partition& p) {
  bson::builder out;
  out.append("_id", p.id);
  append_namespace(out, "ns", p.ns);
  append_namespace(out, "data", p.data_ns);
  if (p.renamed_to) append_namespace(out, "to", *p.renamed_to);
  if (!p.uuid.empty()) out.append("uuid", bson::binary_view{4, p.uuid});
  out.append("kind", static_cast<std::int32_t>(p.kind));
  out.append("order", p.order == scan_order::natural ? "natural" : "_id");
  out.append("number", p.number).append("of", p.of);
  append_if(out, "after", p.after);
  append_if(out, "until", p.until);
  if (p.until) out.append("untilId", p.until_id.view()).append("recordsMax", p.records_max);
  if (p.order == scan_order::natural) {
    out.append("node", p.node.to_string()).append("dataIdentity", p.data_identity);
  }
  if (!p.filter.view().empty()) out.append("filter", p.filter);
  append_if(out, "min", p.min);
  append_if(out, "max", p.max);
  out.append("documentsEstimate", p.documents_estimate).append("bytesEstimate", p.bytes_estimate);
  out.append("batchDocuments", p.batch_documents);
  return out.finish();
}

result<partition> partition_from(bson::document_view stored) {
  partition p;
  const auto id = stored.find("_id").as_string();
  const auto ns = read_namespace(stored, "ns");
  const auto data_ns = read_namespace(stored, "data");
  const auto order = stored.find("order").as_string();
  if (!id || !ns || !data_ns || !order || (*order != "natural" && *order != "_id")) {
    return failure(error_kind::protocol,
                   "the checkpoint on the destination holds a partition that this version cannot read; start over "
                   "with --reset");
  }
  p.id = *id;
  p.ns = *ns;
  p.data_ns = *data_ns;
  p.renamed_to = read_namespace(stored, "to");
  p.order = *order == "natural" ? scan_order::natural : scan_order::by_id;
  if (const auto uuid = stored.find("uuid").as_binary()) p.uuid.assign(uuid->data.begin(), uuid->data.end());
  p.kind = static_cast<cluster::collection_kind>(read_int(stored, "kind"));
  p.number = static_cast<std::int32_t>(read_int(stored, "number"));
  p.of = static_cast<std::int32_t>(read_int(stored, "of"));
  p.after = read_document(stored, "after");
  p.until = read_document(stored, "until");
  if (auto until_id = read_document(stored, "untilId")) p.until_id = std::move(*until_id);
  p.records_max = read_int(stored, "recordsMax");
  if (p.order == scan_order::natural) {
    SLUICE_TRY(p.node, wire::parse_host_port(stored.find("node").as_string().value_or("")));
    p.data_identity = stored.find("dataIdentity").as_string().value_or("");
  }
  if (auto filter = read_document(stored, "filter")) p.filter = *std::move(filter);
  p.min = read_document(stored, "min");
  p.max = read_document(stored, "max");
  p.documents_estimate = read_int(stored, "documentsEstimate");
  p.bytes_estimate = read_int(stored, "bytesEstimate");
  p.batch_documents = static_cast<std::int32_t>(read_int(stored, "batchDocuments"));
  return p;
}

bool reaches(bson::document_view token, bson::document_view until) {
  return compare_record_ids(token.find("$recordId"), until.find("$recordId")) >= 0;
}

std::int32_t batch_documents_for(std::int64_t average_document_bytes, std::size_t batch_bytes) {
  const auto target = static_cast<std::int64_t>(batch_bytes);
  const auto fitting = average_document_bytes > 0 ? target / average_document_bytes : limits::batch_documents_max;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(fitting, 1, limits::batch_documents_max));
}

}  // namespace sluice::plan
