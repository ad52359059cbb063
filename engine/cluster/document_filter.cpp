#include "engine/cluster/document_filter.hpp"

#include <utility>

#include "bson/compare.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::cluster {

namespace {

bool may_be_matched(bson::type type) noexcept {
  switch (type) {
    case bson::type::double_:
    case bson::type::int32:
    case bson::type::int64:
    case bson::type::decimal128:
    case bson::type::string:
    case bson::type::boolean:
    case bson::type::date_time:
    case bson::type::object_id:
    case bson::type::binary:
      return true;
    default:
      return false;
  }
}

error wrong(const std::string& what) {
  return failure(error_kind::configuration, "the document filter's " + what);
}

}  // namespace

result<document_filter> document_filter::of(bson::document_view given) {
  document_filter made;
  const auto field = given.find("field").as_string();
  if (!field || field->empty()) return wrong("\"field\" must be the name of a field");
  if (field->find_first_of(std::string_view(".$\0", 3)) != std::string_view::npos) {
    return wrong("field \"" + std::string(*field) + "\" must be one of the document's own, without \".\" or \"$\"");
  }
  made.field_ = *field;
  const auto values = given.find("matchValues").as_array();
  if (!values || values->empty()) return wrong("\"matchValues\" must be a list of values");
  bson::builder query;
  query.open_document(made.field_).open_array("$in");
  std::size_t count = 0;
  for (const auto value : *values) {
    if (!may_be_matched(value.type())) {
      return wrong("\"matchValues\" cannot hold a value of type " + std::string(bson::type_name(value.type())) +
                   "; numbers, strings, booleans, dates, ObjectIds and binary values can be matched");
    }
    if (++count > limits::match_values_max) {
      return wrong("\"matchValues\" may have at most " + std::to_string(limits::match_values_max) + " values");
    }
    made.has_strings_ = made.has_strings_ || value.type() == bson::type::string;
    query.push(value);
  }
  query.close().close();
  made.query_ = query.finish();
  made.given_ = bson::document(given);
  return made;
}

bool document_filter::holds(bson::element_view value) const noexcept {
  const auto values = query_.view().at(field_, "$in").as_array();
  for (const auto one : *values) {
    if (may_be_matched(value.type()) && bson::compare_values(one, value) == 0) return true;
  }
  return false;
}

bool document_filter::matches(bson::document_view document) const noexcept {
  if (is_everything()) return true;
  const auto value = document.find(field_);
  if (!value) return false;
  const auto elements = value.as_array();
  if (!elements) return holds(value);
  for (const auto element : *elements) {
    if (holds(element)) return true;
  }
  return false;
}

std::optional<std::string> document_filter::reason_against(const collection_info& info) const {
  if (is_everything() || info.kind == collection_kind::view) return {};
  if (info.kind == collection_kind::timeseries) {
    return info.ns.to_string() +
           " is a time-series collection, whose documents lie in buckets and cannot be filtered one by one; leave it "
           "out with --exclude";
  }
  if (has_strings_ && info.has_collation()) {
    return info.ns.to_string() +
           " has a collation, under which other strings may match than those of the document filter; leave it out "
           "with --exclude, or filter by values that are no strings";
  }
  return {};
}

}  // namespace sluice::cluster
