#include "engine/plan/record_numbers.hpp"

#include <utility>

#include "engine/wire/server_error.hpp"

namespace sluice::plan {

namespace {

/// One in so many numbers must still have its record.
constexpr std::int64_t numbers_per_record_max = 2;
/// A scan resumes behind a record that exists. So many numbers are tried for each boundary, one after the other.
constexpr std::int64_t tries = 32;

struct found_record {
  std::int64_t number = 0;
  record_sample sample;
};

/// The first record in natural order (or the last); with `behind`, the first one behind that. Nothing: there is none,
/// or its number is no integer, or there is no record `behind`.
task<result<std::optional<found_record>>> find_record(wire::connection& source, cluster::namespace_name ns,
                                                      std::int32_t direction, std::optional<std::int64_t> behind) {
  bson::builder find;
  find.append("find", ns.collection).open_document("filter").close();
  find.open_document("hint").append("$natural", direction).close();
  if (behind) {
    find.append("$_requestResumeToken", true).open_document("$_resumeAfter").append("$recordId", *behind).close();
  }
  find.open_document("projection").append("_id", 1).close().append("showRecordId", true);
  find.append("limit", std::int64_t{1}).append("singleBatch", true);
  bson::document command = find.finish();
  auto answer = co_await source.run(ns.database, std::move(command));
  if (answer.has_error()) {
    if (behind && answer.error().server_code == wire::key_not_found) co_return std::nullopt;
    co_return answer.error();
  }
  const auto records = answer.value().body.at("cursor", "firstBatch").as_array();
  if (!records || records->empty()) co_return std::nullopt;
  const auto record = (*records->begin()).as_document();
  const auto number = record ? record->find("$recordId").as_int64() : std::nullopt;
  if (!number) co_return std::nullopt;
  bson::builder token;
  token.append("$recordId", *number);
  bson::builder id;
  id.append(record->find("_id"));
  found_record found{*number, {token.finish(), id.finish()}};
  co_return std::optional<found_record>(std::move(found));
}

}  // namespace

task<result<std::optional<std::vector<record_sample>>>> boundaries_by_number(wire::connection& source,
                                                                             cluster::namespace_name ns,
                                                                             std::int64_t documents,
                                                                             std::int32_t pieces) {
  SLUICE_CO_TRY(const auto first, co_await find_record(source, ns, 1, std::nullopt));
  SLUICE_CO_TRY(const auto last, co_await find_record(source, ns, -1, std::nullopt));
  if (!first || !last) co_return std::nullopt;
  const std::int64_t numbers = last->number - first->number + 1;
  if (numbers / numbers_per_record_max > documents) co_return std::nullopt;
  std::vector<record_sample> boundaries;
  std::int64_t before = first->number;
  for (std::int32_t i = 1; i < pieces; ++i) {
    const std::int64_t even = first->number + numbers / pieces * i;
    std::optional<found_record> found;
    for (std::int64_t next = even; !found && next < even + tries; ++next) {
      SLUICE_CO_TRY(found, co_await find_record(source, ns, 1, next));
    }
    if (!found) co_return std::nullopt;
    if (found->number <= before || found->number >= last->number) continue;
    before = found->number;
    boundaries.push_back(std::move(found->sample));
  }
  co_return std::optional<std::vector<record_sample>>(std::move(boundaries));
}

}  // namespace sluice::plan
