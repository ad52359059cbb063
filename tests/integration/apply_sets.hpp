// What the tests of applying share: changes as a real server's oplog holds them, put through the window and the writer
// into another collection. What is right is what the server itself has made of the operations.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bson/bytes.hpp"
#include "engine/apply/writer.hpp"
#include "tests/integration/cluster_lane.hpp"
#include "tests/lab/oracle_documents.hpp"

namespace sluice::apply::testing {

using cluster::testing::lane;
using cluster::testing::parsed;
using cluster::testing::set_of;
using lab::document;

inline bson::document_view view_of(const document& doc) {
  return bson::document_view(reinterpret_cast<const std::byte*>(doc.raw().data()));
}

inline std::string timestamp_json(bson::timestamp at) {
  return "{\"$timestamp\": {\"t\": " + std::to_string(at.seconds) + ", \"i\": " + std::to_string(at.increment) + "}}";
}

/// An entry of the oplog as the change that it is.
inline capture::change change_of(bson::document_view entry) {
  using enum capture::change_kind;
  const auto op = entry.find("op").as_string().value();
  capture::change change;
  change.kind = op == "i" ? insert : op == "u" ? update : op == "d" ? remove : command;
  change.at = entry.find("ts").as_timestamp().value();
  change.ns = entry.find("ns").as_string().value();
  change.o = entry.find("o").as_document().value();
  change.o2 = entry.find("o2").as_document().value_or(bson::document_view());
  change.whole = entry;
  return change;
}

/// Data changes of `ns` since `from`, in order; each kept alive by itself.
using entries = std::vector<std::shared_ptr<const document>>;
inline entries oplog_of(lab::client& server, const std::string& ns, bson::timestamp from) {
  entries all;
  const auto filter = document::json(R"({"ts": {"$gt": )" + timestamp_json(from) + R"(}, "ns": ")" + ns +
                                     R"(", "op": {"$in": ["i", "u", "d"]}})");
  const lab::collection_handle oplog(mongoc_client_get_collection(server.get(), "local", "oplog.rs"));
  const lab::cursor_handle cursor(mongoc_collection_find_with_opts(oplog.get(), filter.get(), nullptr, nullptr));
  const bson_t* one = nullptr;
  while (mongoc_cursor_next(cursor.get(), &one)) all.push_back(std::make_shared<const document>(*one));
  bson_error_t fault;
  EXPECT_FALSE(mongoc_cursor_error(cursor.get(), &fault)) << fault.message;
  return all;
}

inline bson::timestamp newest(lab::client& server) {
  const auto last =
      server.run("local", R"({"find": "oplog.rs", "sort": {"$natural": -1}, "limit": 1})").child("cursor.firstBatch");
  return view_of(last.elements().at(0)).find("ts").as_timestamp().value();
}

/// The engine's side of a test: a writer to one deployment.
class destination {
 public:
  explicit destination(const std::string& uri, std::uint32_t connections = 4)
      : found_(on_.must(cluster::discover(parsed(uri), cluster::role::destination, on_.scope()))),
        out_(std::make_unique<writer>(on_.executor(), found_,
                                      writer_options{.connections = connections, .patience = std::chrono::seconds(30)},
                                      counters, on_.scope())) {}

  result<written_window> write(write_plan plan, bool check = false) {
    return on_.run(out_->write(std::move(plan), check));
  }
  /// All of it, in windows of a random size up to `most`.
  written_window apply(std::span<const std::shared_ptr<const document>> all, shared_target to, std::mt19937_64& random,
                       std::size_t most, bool check = false) {
    written_window sum;
    window window;
    while (!all.empty()) {
      const std::size_t size = std::min<std::size_t>(all.size(), 1 + random() % most);
      for (const auto& entry : all.first(size)) {
        auto added = window.add(change_of(view_of(*entry)), to, entry);
        EXPECT_TRUE(added) << added.error().message;
      }
      all = all.subspan(size);
      auto written = write(window.finish(), check);
      EXPECT_TRUE(written) << written.error().message;
      if (!written) break;
      if (sum.term.known() && sum.term != written.value().term) sum.mixed_terms = true;
      sum.mixed_terms = sum.mixed_terms || written.value().mixed_terms;
      sum.term = written.value().term;
      for (auto& one : written.value().violations) sum.violations.push_back(std::move(one));
    }
    return sum;
  }

  apply_counters counters;

 private:
  lane on_;
  cluster::deployment found_;
  std::unique_ptr<writer> out_;
};

/// Writes made by hand.
class plan_of {
 public:
  explicit plan_of(shared_target to, bool ordered = false) {
    run_.to = std::move(to);
    run_.ordered = ordered;
  }
  plan_of& add(write_kind kind, const document& of, bool expects = true) {
    document_write write;
    write.kind = kind;
    write.document = keep(of);
    write.id = write.document.find("_id");
    write.expects_effect = expects;
    run_.writes.push_back(write);
    return *this;
  }
  plan_of& add(write_kind kind, std::string_view json, bool expects = true) {
    return add(kind, document::json(json), expects);
  }
  plan_of& update(std::string_view id, std::string_view modifier, bool expects = true) {
    add(write_kind::update, id, expects);
    run_.writes.back().document = keep(document::json(modifier));
    return *this;
  }
  [[nodiscard]] write_plan take() {
    plan_.changes = plan_.writes = run_.writes.size();
    plan_.collections.emplace_back().push_back(std::move(run_));
    return std::move(plan_);
  }

 private:
  bson::document_view keep(const document& of) {
    auto kept = std::make_shared<const document>(of);
    plan_.owners.push_back(kept);
    return view_of(*kept);
  }
  write_run run_;
  write_plan plan_;
};

inline shared_target target_named(const std::string& collection, bool in_order = false, bool collated = false,
                                  bool clustered = false) {
  return std::make_shared<const target>(target{{"d", collection}, in_order, collated, clustered});
}

inline std::vector<document> all_of(lab::client& server, const std::string& collection) {
  std::vector<document> all;
  const lab::collection_handle from(mongoc_client_get_collection(server.get(), "d", collection.c_str()));
  const document filter;
  const lab::cursor_handle cursor(mongoc_collection_find_with_opts(from.get(), filter.get(), nullptr, nullptr));
  const bson_t* one = nullptr;
  while (mongoc_cursor_next(cursor.get(), &one)) all.emplace_back(*one);
  return all;
}

/// Byte by byte, in natural order or by `_id`.
inline void expect_same(lab::client& server, const std::string& expected, const std::string& found,
                        bool natural = false) {
  auto one = all_of(server, expected);
  auto other = all_of(server, found);
  if (!natural) {
    const auto by_bytes = [](const document& a, const document& b) { return a.raw() < b.raw(); };
    std::ranges::sort(one, by_bytes);
    std::ranges::sort(other, by_bytes);
  }
  EXPECT_EQ(one.size(), other.size());
  std::size_t shown = 0;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
    if (one[i].raw() == other[i].raw()) continue;
    ADD_FAILURE() << "expected " << lab::to_text(*one[i].get()) << "\nfound    " << lab::to_text(*other[i].get());
    if (++shown == 5) break;
  }
}

}  // namespace sluice::apply::testing
