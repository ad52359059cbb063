// The checkpoint on real servers: as many partitions as a very large cluster has, and positions over elections that
// take acknowledged writes away.
#include "engine/state/checkpoint.hpp"

#include <chrono>
#include <memory>

#include <gtest/gtest.h>

#include "tests/integration/wire_lane.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::state {
namespace {

/// Checkpoints as processes have them, one after another.
class checkpoint_on_a_server : public testing::Test {
 protected:
  void start_set(std::size_t nodes) {
    set_ = std::make_unique<lab::replica_set>(
        lab::replica_set_options{.nodes = nodes, .server = {.version = "6.0.27", .cache_gb = 0.25}});
  }
  std::unique_ptr<checkpoint> another() {
    return std::make_unique<checkpoint>([this] { return connect(); }, scope_, std::chrono::minutes(1));
  }
  std::unique_ptr<checkpoint> started() {
    auto fresh = another();
    process_identity self = this_process();
    self.token = std::to_string(++starts_);
    run_parameters mine{
        .source_identity = "a", .source_name = "A", .destination_identity = "b", .destination_name = "B"};
    mine.mode = "sync";
    opened_ = must(fresh->open(mine, self));
    return fresh;
  }

  template <class T>
  T must(task<result<T>> work) {
    std::optional<result<T>> done;
    here_.run([&]() -> task<void> { done.emplace(co_await std::move(work)); });
    if (!*done) throw std::runtime_error(done->error().message);
    return std::move(done->value());
  }
  void must(task<result<>> work) {
    std::optional<result<>> done;
    here_.run([&]() -> task<void> { done.emplace(co_await std::move(work)); });
    if (!*done) throw std::runtime_error(done->error().message);
  }

  /// One document with w: 1, as the applier writes; the term in which it was acknowledged.
  wire::write_term insert(int id) {
    bson::builder array;
    array.open_document("0").append("_id", id).close();
    const bson::document documents = array.finish();
    const auto node = must(connect());
    return must(wire::insert(*node, "shop", "orders", documents.bytes(), {})).term;
  }
  std::int64_t count() { return set_->primary().connect().count("shop", "orders"); }

  std::unique_ptr<lab::replica_set> set_;
  wire::lane here_;
  runtime::cancel_scope scope_;
  opened_run opened_;
  int starts_ = 0;

 private:
  task<result<std::unique_ptr<wire::connection>>> connect() {
    const auto uri = wire::parsed(set_->uri() + "&connectTimeoutMS=1000");
    error last = failure(error_kind::network, "no node");
    for (const auto& host : uri.hosts()) {
      auto opened = co_await wire::connection::open(uri, host, scope_);
      if (opened && opened.value()->hello().is_writable_primary) co_return opened;
      last = opened ? failure(error_kind::network, "no primary") : opened.error();
    }
    last.kind = error_kind::network;
    co_return last;
  }
};

TEST_F(checkpoint_on_a_server, keeps_more_partitions_than_one_batch_holds) {
  constexpr std::int64_t many = 25'000;
  start_set(1);
  const auto under_test = another();
  std::vector<bson::document> stored;
  for (std::int64_t i = 0; i < many; ++i) {
    bson::builder one;
    one.append("_id", "shop.orders#" + std::to_string(i)).append("number", i).append("rest", std::string(300, 'x'));
    stored.push_back(one.finish());
  }
  for (int round = 0; round < 2; ++round) must(under_test->store("partitions", stored));  // the second replaces
  const auto loaded = must(under_test->load("partitions"));
  std::int64_t sum = 0;
  for (const auto& one : loaded) sum += one.view().find("number").to_int64().value_or(0);
  EXPECT_EQ(loaded.size(), static_cast<std::size_t>(many));
  EXPECT_EQ(sum, many * (many - 1) / 2);
}

TEST_F(checkpoint_on_a_server, a_position_whose_writes_were_rolled_back_never_counts) {
  start_set(3);
  auto first = started();
  EXPECT_EQ(opened_.term, insert(1)) << "opening tells the term of ordinary writes";
  EXPECT_EQ(must(first->load_position(opened_.term)), std::nullopt);
  const position durable{{10, 1}, {9, 1}};
  EXPECT_TRUE(must(first->store_position(durable, insert(2))));

  // The primary acknowledges what nobody else has, and dies.
  auto& primary = set_->primary();
  for (std::size_t i = 0; i < set_->size(); ++i) {
    if (&set_->node(i) != &primary) set_->node(i).kill();
  }
  bson::builder array;
  array.open_document("0").append("_id", 3).close();
  const bson::document documents = array.finish();
  const auto alone = wire::parsed(primary.direct_uri());
  const auto node = must(wire::connection::open(alone, alone.hosts().front(), scope_));
  const auto written_in = must(wire::insert(*node, "shop", "orders", documents.bytes(), {})).term;
  EXPECT_EQ(written_in, opened_.term);
  primary.kill();
  for (std::size_t i = 0; i < set_->size(); ++i) {
    if (&set_->node(i) != &primary) set_->node(i).restart();
  }

  EXPECT_FALSE(must(first->store_position({{20, 1}, {19, 1}}, written_in)));
  EXPECT_EQ(count(), 2) << "the test lost nothing, so that it proves nothing";
  EXPECT_EQ(must(first->load_position(opened_.term)), durable);
  auto second = started();
  EXPECT_NE(opened_.term, written_in);
  EXPECT_EQ(must(second->load_position(opened_.term)), durable);

  const position again{{20, 1}, {18, 1}};
  EXPECT_TRUE(must(second->store_position(again, insert(3))));
  EXPECT_EQ(must(started()->load_position(opened_.term)), again) << "the term has not changed since";
  primary.restart();
  EXPECT_EQ(count(), 3);
}

TEST_F(checkpoint_on_a_server, a_confirmed_position_survives_an_election_and_an_unconfirmed_one_gives_way) {
  start_set(1);
  const position one{{10, 1}, {9, 1}};
  const position two{{20, 1}, {19, 1}};
  auto first = started();
  EXPECT_TRUE(must(first->store_position(one, insert(1))));
  EXPECT_TRUE(must(first->store_position(two, insert(2))));
  set_->step_down();
  auto second = started();
  EXPECT_EQ(must(second->load_position(opened_.term)), one);
  EXPECT_TRUE(must(second->store_position(two, insert(3))));
  must(second->renew(0));
  set_->step_down();
  EXPECT_EQ(must(started()->load_position(opened_.term)), two);
  EXPECT_FALSE(must(another()->load("run")).empty());
}

TEST_F(checkpoint_on_a_server, keeps_what_a_session_notes_and_drops_all_of_it) {
  start_set(1);
  const auto first = started();
  bson::builder facts;
  facts.append("startTime", bson::timestamp{10, 2}).append("none", bson::timestamp{0, 0});
  must(first->set_facts(facts.finish()));
  must(first->set_wish("pause"));
  must(first->set_phase(run_phase::applying));
  bson::builder mapped;
  mapped.append("_id", "00112233445566778899aabbccddeeff").append("listedAt", bson::timestamp{0, 0});
  const bson::document kept = mapped.finish();
  for (int twice = 0; twice < 2; ++twice) must(first->store_mapped({kept}, {}));
  const auto loaded = must(first->load("mapped"));
  ASSERT_EQ(loaded.size(), 1U);
  EXPECT_EQ(loaded.front().view().find("listedAt").as_timestamp(), bson::timestamp{})
      << "a server's clock replaced an empty time";
  EXPECT_TRUE(must(first->store_position({{10, 1}, {9, 1}}, {})));

  const auto second = started();
  EXPECT_FALSE(opened_.fresh);
  EXPECT_EQ(opened_.phase, run_phase::applying);
  EXPECT_EQ(opened_.wish, "pause");
  EXPECT_EQ(opened_.facts.view().find("startTime").as_timestamp(), (bson::timestamp{10, 2}));
  EXPECT_EQ(opened_.facts.view().find("none").as_timestamp(), bson::timestamp{});
  must(second->drop());
  const auto left = set_->connect().run("__mdb_internal_sluice", R"({"listCollections": 1})");
  EXPECT_TRUE(left.child("cursor.firstBatch").elements().empty());
  EXPECT_FALSE(must(second->exists()));
}

}  // namespace
}  // namespace sluice::state
