// What a change costs between the spool and the socket: finding its collection's place on the destination, add() and
// finish() of a window, and the commands that its writes become; in memory that earlier windows have left.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/documents.hpp"
#include "bench/hot_path.hpp"
#include "bench/one_lane.hpp"
#include "bench/oplog_entries.hpp"
#include "bson/document.hpp"
#include "engine/apply/collection_map.hpp"
#include "engine/apply/window.hpp"
#include "engine/apply/write_command.hpp"
#include "engine/capture/change_reader.hpp"

namespace sluice::bench {

namespace {

constexpr std::size_t changes_a_window = 5000;

/// A window's entries, as a chunk of the spool holds them.
class recorded {
 public:
  void add(capture::change_kind kind, bson::document_view o, bson::document_view o2 = {}) {
    bson::builder whole;
    whole.append("ns", "shop.orders").append("o", o).append("o2", o2);
    entries_->push_back(whole.finish());
    const bson::document_view view = entries_->back().view();
    bytes += view.size_bytes();
    capture::change one;
    one.kind = kind;
    one.ns = "shop.orders";
    one.o = *view.find("o").as_document();
    one.o2 = *view.find("o2").as_document();
    one.whole = view;
    changes.push_back(one);
  }
  [[nodiscard]] std::shared_ptr<const void> owner() const { return entries_; }

  std::vector<capture::change> changes;
  std::size_t bytes = 0;

 private:
  std::shared_ptr<std::vector<bson::document>> entries_ = std::make_shared<std::vector<bson::document>>();
};

void insert(recorded& to, std::uint64_t n) {
  bson::builder o;
  o.append_all(object_id_document(n))
      .append("customer", static_cast<std::int64_t>(n))
      .append("text", std::string(180, 'x'));
  to.add(capture::change_kind::insert, o.finish());
}
void set(recorded& to, std::uint64_t n) {
  bson::builder o;
  o.append("$v", 2).open_document("diff").open_document("u");
  o.append("count", static_cast<std::int32_t>(n)).append("state", "on its way").close().close();
  to.add(capture::change_kind::update, o.finish(), object_id_document(n));
}
void push(recorded& to, std::uint64_t n) {
  bson::builder o;
  o.append("$v", 2).open_document("diff").open_document("sitems").append("a", true);
  o.append("u7", "an item").close().close();
  to.add(capture::change_kind::update, o.finish(), object_id_document(n));
}
void set_by_path(recorded& to, std::uint64_t n) {
  bson::builder o;
  o.append("$v", 1)
      .open_document("$set")
      .append("count", static_cast<std::int32_t>(n))
      .append("where.now", "x")
      .close();
  to.add(capture::change_kind::update, o.finish(), object_id_document(n));
}
void remove(recorded& to, std::uint64_t n) {
  to.add(capture::change_kind::remove, object_id_document(n));
}

template <class Make>
round build(Make make) {
  auto entries = std::make_shared<recorded>();
  for (std::uint64_t n = 0; n < changes_a_window; ++n) make(*entries, n);
  auto to = std::make_shared<const apply::target>(apply::target{.ns = {"shop", "orders"}});
  return [entries, to, open = std::make_shared<apply::window>()] {
    const std::shared_ptr<const void> owner = entries->owner();
    for (const capture::change& one : entries->changes) must(open->add(one, to, owner));
    benchmark::DoNotOptimize(open->finish());
    return round_work{entries->changes.size(), entries->bytes};
  };
}

/// A chunk through reader, map and window, as the applier does it, and its writes as commands.
class applied_chunk {
 public:
  applied_chunk() {
    for (std::size_t collection = 0; collection < collections_written; ++collection) {
      const auto uuid = uuid_of(collection);
      const cluster::namespace_name ns{"shop", "orders" + std::to_string(collection)};
      map_.put({.uuid = {uuid.begin(), uuid.end()},
                .source_ns = ns,
                .to = std::make_shared<const apply::target>(apply::target{.ns = ns}),
                .listed_at = {},
                .indexes_listed_at = {}});
    }
  }
  [[nodiscard]] std::size_t bytes() const { return chunk_->entries.size(); }

  void route() {
    for_each_change([this](const capture::change& one, const auto&) {
      const auto* const found = map_.find(one.uuid);
      if (found == nullptr) std::abort();
      benchmark::DoNotOptimize(found);
    });
  }
  apply::write_plan plan() {
    for_each_change([this](const capture::change& one, const auto& owner) {
      must(open_.add(one, map_.find(one.uuid)->to, owner));
    });
    return open_.finish();
  }
  void encode(const apply::write_plan& plan) {
    for (const auto& runs : plan.collections) {
      for (const apply::write_run& run : runs) {
        for (const apply::write_piece& piece : apply::cut(run, 1)) {
          encoder_.encode(piece, {.bypass_empty_timestamp = true});
          benchmark::DoNotOptimize(encoder_.array().data());
        }
      }
    }
  }

 private:
  template <class Use>
  void for_each_change(Use use) {
    capture::change_reader reader({});
    reader.give(chunk_);
    while (const auto change = must(reader.next())) use(*change, reader.owner());
  }

  capture::shared_chunk chunk_ = mixed_chunk(changes_a_window);
  apply::collection_map map_;
  apply::window open_;
  apply::write_encoder encoder_;
};

round route() {
  return [all = std::make_shared<applied_chunk>()] {
    all->route();
    return round_work{changes_a_window, all->bytes()};
  };
}
round encode() {
  auto all = std::make_shared<applied_chunk>();
  auto plan = std::make_shared<apply::write_plan>(all->plan());
  return [all, plan] {
    all->encode(*plan);
    return round_work{changes_a_window, all->bytes()};
  };
}
round chunk_to_commands() {
  return [all = std::make_shared<applied_chunk>()] {
    all->encode(all->plan());
    return round_work{changes_a_window, all->bytes()};
  };
}

}  // namespace

void add_window(hot_paths& to) {
  to.push_back({"window/inserts", [] { return build(insert); }});
  to.push_back({"window/sets", [] { return build(set); }});
  to.push_back(
      {"window/sets_of_100_documents", [] { return build([](recorded& in, std::uint64_t n) { set(in, n % 100); }); }});
  to.push_back({"window/pushes", [] { return build(push); }});
  to.push_back({"window/pushes_to_100_documents",
                [] { return build([](recorded& in, std::uint64_t n) { push(in, n % 100); }); }});
  to.push_back({"window/removes", [] { return build(remove); }});
  to.push_back({"window/paths_4_4", [] { return build(set_by_path); }});
  to.push_back({"window/read_and_route", route});
  to.push_back({"window/encode_commands", encode});
  to.push_back({"window/chunk_to_commands", chunk_to_commands});
}

}  // namespace sluice::bench
