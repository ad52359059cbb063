#include "engine/plan/partitioner.hpp"

#include <algorithm>

#include "bson/compare.hpp"
#include "engine/plan/record_numbers.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::plan {

namespace {

constexpr std::int32_t partitions_per_worker = 4;

partition whole(const cluster::collection_info& info, const partitioning& how, cluster::capabilities can) {
  partition p;
  p.ns = info.ns;
  p.data_ns = info.data_ns();
  if (info.renamed_to) p.renamed_to = info.destination_data_ns();
  p.id = info.ns.to_string() + "#0";
  p.kind = info.kind;
  if (can.find_by_uuid) p.uuid = info.uuid;
  p.order = can.natural_resume && !how.data_identity.empty() ? scan_order::natural : scan_order::by_id;
  if (p.order == scan_order::natural) {
    p.node = how.node;
    p.data_identity = how.data_identity;
  }
  p.filter = how.filter;
  p.documents_estimate = info.documents;
  p.bytes_estimate = info.data_bytes;
  p.batch_documents = batch_documents_for(info.average_document_bytes, how.batch_bytes);
  return p;
}

std::int32_t pieces_for(const cluster::collection_info& info, std::size_t partition_bytes) {
  const auto bytes = static_cast<std::size_t>(std::max<std::int64_t>(info.data_bytes, 0));
  if (info.kind == cluster::collection_kind::capped || bytes <= partition_bytes) return 1;
  const auto by_size = static_cast<std::int64_t>((bytes + partition_bytes - 1) / partition_bytes);
  // $sample walks a random cursor only while it wants less than 5 % of more than 100 documents (server 4.4 - 8.0);
  // otherwise it reads and sorts the whole collection.
  const auto by_samples = info.documents > 100 ? info.documents / 21 / limits::samples_per_partition : 1;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(std::min(by_size, by_samples), 1, 10'000));
}

task<result<wire::reply>> sample_ids(wire::connection& source, cluster::namespace_name ns, std::int32_t size,
                                     bool sorted) {
  bson::builder command;
  command.append("aggregate", ns.collection).open_array("pipeline");
  command.open_document(command.next_index()).open_document("$sample").append("size", size).close().close();
  command.open_document(command.next_index()).open_document("$project").append("_id", 1).close().close();
  if (sorted) command.open_document(command.next_index()).open_document("$sort").append("_id", 1).close().close();
  command.close().open_document("cursor").append("batchSize", size).close();
  bson::document whole_command = command.finish();
  co_return co_await source.run(ns.database, std::move(whole_command));
}

std::vector<partition> cut_natural(const partition& all, std::vector<record_sample> boundaries) {
  std::vector<partition> pieces(boundaries.size() + 1, all);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) pieces[i].after = boundaries[i - 1].token;
    if (i == boundaries.size()) continue;
    pieces[i].until = boundaries[i].token;
    pieces[i].until_id = boundaries[i].id;
    const auto last = boundaries[i].token.view().find("$recordId").to_int64();
    const auto first =
        i == 0 ? std::optional<std::int64_t>(0) : boundaries[i - 1].token.view().find("$recordId").to_int64();
    if (first && last && *last > *first) pieces[i].records_max = *last - *first;
  }
  return pieces;
}

std::vector<partition> cut_by_id(const partition& all, bson::document_view sorted_ids, std::int32_t pieces) {
  std::vector<bson::document> ids;
  for (const auto element : sorted_ids) {
    const auto document = element.as_document();
    if (document) ids.emplace_back(*document);
  }
  std::vector<partition> cut{all};
  for (std::int32_t i = 1; i < pieces; ++i) {
    const auto at = ids.size() * static_cast<std::size_t>(i) / static_cast<std::size_t>(pieces);
    if (at >= ids.size()) break;
    if (cut.back().min && bson::same_bytes(*cut.back().min, ids[at])) continue;
    cut.back().max = ids[at];
    cut.push_back(all);
    cut.back().min = ids[at];
  }
  return cut;
}

void number(std::vector<partition>& pieces) {
  const auto count = static_cast<std::int64_t>(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    pieces[i].id = pieces[i].ns.to_string() + "#" + std::to_string(i);
    pieces[i].number = static_cast<std::int32_t>(i);
    pieces[i].of = static_cast<std::int32_t>(count);
    pieces[i].documents_estimate /= count;
    pieces[i].bytes_estimate /= count;
  }
}

}  // namespace

task<result<std::vector<record_sample>>> sample_records(wire::connection& source, cluster::namespace_name ns,
                                                        std::int32_t size) {
  SLUICE_CO_TRY(auto ids, co_await sample_ids(source, ns, size, false));
  bson::builder find;
  find.append("find", ns.collection).open_document("filter").open_document("_id").open_array("$in");
  if (const auto found = ids.body.at("cursor", "firstBatch").as_array()) {
    for (const auto element : *found) {
      if (const auto document = element.as_document()) find.push(document->find("_id"));
    }
  }
  find.close().close().close();
  find.open_document("projection").append("_id", 1).close();
  find.append("showRecordId", true).append("batchSize", size).append("singleBatch", true);
  bson::document command = find.finish();
  SLUICE_CO_TRY(auto records, co_await source.run(ns.database, std::move(command)));
  std::vector<record_sample> samples;
  if (const auto found = records.body.at("cursor", "firstBatch").as_array()) {
    for (const auto element : *found) {
      const auto document = element.as_document();
      if (!document) continue;
      bson::builder token;
      token.append(document->find("$recordId"));
      bson::builder id;
      id.append(document->find("_id"));
      samples.push_back({token.finish(), id.finish()});
    }
  }
  co_return samples;
}

std::size_t batch_bytes_for(std::chrono::milliseconds round_trip) {
  return round_trip <= limits::round_trip_near_max ? limits::batch_bytes_target : limits::batch_bytes_target_far;
}

std::size_t partition_bytes_for(std::int64_t total_bytes, std::uint32_t workers) {
  const auto pieces = static_cast<std::size_t>(std::max<std::uint32_t>(workers, 1)) * partitions_per_worker;
  const auto even = static_cast<std::size_t>(std::max<std::int64_t>(total_bytes, 0)) / pieces;
  return std::clamp(even, limits::partition_bytes_min, limits::partition_bytes_target);
}

std::vector<record_sample> choose_boundaries(std::vector<record_sample> samples, std::int32_t pieces) {
  const auto same = [](const record_sample& a, const record_sample& b) {
    return reaches(a.token, b.token) && reaches(b.token, a.token);
  };
  std::ranges::sort(samples, [](const record_sample& a, const record_sample& b) { return !reaches(a.token, b.token); });
  samples.erase(std::unique(samples.begin(), samples.end(), same), samples.end());
  std::vector<record_sample> chosen;
  for (std::int32_t i = 1; i < pieces; ++i) {
    const auto at = samples.size() * static_cast<std::size_t>(i) / static_cast<std::size_t>(pieces);
    if (at >= samples.size()) break;
    if (!chosen.empty() && same(chosen.back(), samples[at])) continue;
    chosen.push_back(samples[at]);
  }
  return chosen;
}

task<result<std::vector<partition>>> cut(wire::connection& source, const cluster::collection_info& info,
                                         const partitioning& how, cluster::capabilities can) {
  std::vector<partition> pieces;
  if (info.kind == cluster::collection_kind::view) co_return pieces;
  const partition all = whole(info, how, can);
  const std::int32_t wanted = how.filter.view().empty() ? pieces_for(info, how.partition_bytes) : 1;
  if (wanted == 1) {
    pieces.push_back(all);
  } else if (all.order == scan_order::natural) {
    SLUICE_CO_TRY(auto boundaries, co_await boundaries_by_number(source, all.data_ns, info.documents, wanted));
    if (!boundaries) {
      SLUICE_CO_TRY(auto samples, co_await sample_records(source, all.data_ns, wanted * limits::samples_per_partition));
      boundaries = choose_boundaries(std::move(samples), wanted);
    }
    pieces = cut_natural(all, std::move(*boundaries));
  } else {
    SLUICE_CO_TRY(auto ids, co_await sample_ids(source, all.data_ns, wanted * limits::samples_per_partition, true));
    const auto sorted = ids.body.at("cursor", "firstBatch").as_array();
    pieces = cut_by_id(all, sorted.value_or(bson::document_view()), wanted);
  }
  number(pieces);
  co_return pieces;
}

}  // namespace sluice::plan
