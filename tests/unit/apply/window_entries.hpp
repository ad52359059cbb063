// Oplog entries for tests of the window, written as JSON or put together from documents.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "bson/document.hpp"
#include "bson/extended_json.hpp"
#include "engine/apply/window.hpp"
#include "engine/capture/change.hpp"

namespace sluice::apply::testing {

[[nodiscard]] inline bson::document from_json(std::string_view json) {
  bson_error_t error{};
  bson_t* const parsed =
      bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()), static_cast<ssize_t>(json.size()), &error);
  if (parsed == nullptr) throw std::invalid_argument(std::string(json) + ": " + error.message);
  bson::document made{bson::document_view(reinterpret_cast<const std::byte*>(bson_get_data(parsed)))};
  bson_destroy(parsed);
  return made;
}

/// One entry and the change that views it.
struct entry {
  std::shared_ptr<const bson::document> bytes;
  capture::change change;
};

[[nodiscard]] inline entry make_entry(capture::change_kind kind, bson::document_view o, bson::document_view o2 = {}) {
  bson::builder whole;
  whole.append("ns", "db.c").append("o", o).append("o2", o2);
  entry made;
  made.bytes = std::make_shared<const bson::document>(whole.finish());
  const bson::document_view view = made.bytes->view();
  made.change.kind = kind;
  made.change.ns = "db.c";
  made.change.o = *view.find("o").as_document();
  made.change.o2 = *view.find("o2").as_document();
  made.change.whole = view;
  return made;
}

[[nodiscard]] inline entry inserted(std::string_view document) {
  return make_entry(capture::change_kind::insert, from_json(document));
}
[[nodiscard]] inline entry removed(std::string_view id) {
  return make_entry(capture::change_kind::remove, from_json(id));
}
[[nodiscard]] inline entry replaced(std::string_view document) {
  const bson::document o = from_json(document);
  bson::builder o2;
  o2.append(o.view().find("_id"));
  return make_entry(capture::change_kind::update, o, o2.finish());
}
/// `o` as it stands in the oplog.
[[nodiscard]] inline entry updated(std::string_view id, std::string_view o) {
  return make_entry(capture::change_kind::update, from_json(o), from_json(id));
}
[[nodiscard]] inline entry diffed(std::string_view id, std::string_view diff) {
  return updated(id, R"({"$v": 2, "diff": )" + std::string(diff) + "}");
}

[[nodiscard]] inline shared_target collection(std::string_view name, bool in_order = false, bool collated = false) {
  return std::make_shared<const target>(target{cluster::namespace_name{"db", std::string(name)}, in_order, collated});
}

}  // namespace sluice::apply::testing
