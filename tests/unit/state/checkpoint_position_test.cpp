// Positions of applying: whatever the destination does, and wherever the process dies, what load_position returns is on
// the destination and stays there.
#include <array>
#include <random>
#include <set>

#include "bson/compare.hpp"
#include "tests/unit/state/checkpoint_fixture.hpp"

namespace sluice::state {
namespace {

constexpr const char* stored_positions = "__mdb_internal_sluice.apply";

position at(std::uint32_t second) {
  return {{second, 1}, {second - 1, 1}};
}

class position_test : public checkpoint_fixture {
 protected:
  /// A process that has just started.
  std::unique_ptr<checkpoint> started(std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    auto fresh = another(patience);
    opened_ = must(fresh->open(parameters("sync"), process(std::to_string(++starts_))));
    return fresh;
  }
  std::optional<position> loaded(checkpoint& by) { return must(by.load_position(opened_.term)); }
  /// In which the destination acknowledges now.
  wire::write_term term() {
    bson::builder one;
    one.append("_id", "x");
    std::vector<bson::document> batch;
    batch.push_back(one.finish());
    const auto outside = another();
    must(outside->add("refused", std::move(batch)));
    bson::builder set;
    set.append("n", ++starts_);
    std::vector<checkpoint::change> changes;
    changes.push_back({"x", set.finish()});
    return must(outside->write("refused", std::move(changes)));
  }

  opened_run opened_;
  int starts_ = 0;
};

TEST_F(position_test, nothing_is_stored_at_first) {
  const auto first = started();
  EXPECT_EQ(loaded(*first), std::nullopt);
}

TEST_F(position_test, a_position_of_this_term_is_durable) {
  const auto first = started();
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  EXPECT_TRUE(must(first->store_position(at(20), term())));
  const auto second = started();
  EXPECT_EQ(loaded(*second), at(20)) << "the term is still the same";
}

TEST_F(position_test, an_unconfirmed_position_does_not_count_in_another_term) {
  auto first = started();
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  EXPECT_TRUE(must(first->store_position(at(20), term())));
  first.reset();
  elect();
  const auto second = started();
  EXPECT_EQ(loaded(*second), at(10)) << "nobody is left who knows that 20 was acknowledged in time";
}

TEST_F(position_test, a_confirmed_position_counts_in_any_term) {
  auto first = started();
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  EXPECT_TRUE(must(first->store_position(at(20), term())));
  must(first->renew(0));
  elect();
  const auto second = started();
  EXPECT_EQ(loaded(*second), at(20));
  elect();
  const auto third = started();
  EXPECT_EQ(loaded(*third), at(20)) << "a restart in between takes nothing away";
}

TEST_F(position_test, an_election_since_the_last_writes_tears) {
  auto first = started();
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  const auto written_in = term();
  elect();
  EXPECT_FALSE(must(first->store_position(at(20), written_in)));
  EXPECT_EQ(loaded(*first), at(10));
  // Not even for a process that starts in the term in which the untrue position was stored.
  const auto second = started();
  EXPECT_EQ(loaded(*second), at(10));
}

TEST_F(position_test, a_torn_position_is_not_confirmed_by_later_renewals) {
  auto first = started();
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  const auto written_in = term();
  elect();
  EXPECT_FALSE(must(first->store_position(at(20), written_in)));
  must(first->renew(0));
  elect();
  const auto second = started();
  EXPECT_EQ(loaded(*second), at(10));
}

TEST_F(position_test, the_term_that_the_caller_knows_must_be_the_present_one) {
  auto first = started();
  const auto before = opened_.term;
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  elect();
  EXPECT_FALSE(must(first->store_position(at(20), before)));
  const auto second = started();
  EXPECT_EQ(must(second->load_position(before)), at(10)) << "20 was written in that term, and lost with it";
}

TEST_F(position_test, an_unknown_term_proves_nothing) {
  const auto first = started();
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  EXPECT_TRUE(must(first->store_position(at(20), term())));
  const auto second = started();
  EXPECT_EQ(must(second->load_position({})), at(10));
}

TEST_F(position_test, a_position_with_nothing_written_needs_no_term) {
  auto first = started();
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  elect();
  EXPECT_TRUE(must(first->store_position(at(20), {}))) << "an idle source's time moves on";
  const auto second = started();
  EXPECT_EQ(loaded(*second), at(20));
}

TEST_F(position_test, a_lost_reply_is_asked_for_again) {
  for (const char* what : {"cut", "drop", "truncate", "error:11602"}) {
    SCOPED_TRACE(what);
    const auto first = started();
    EXPECT_EQ(loaded(*first), starts_ > 3 ? std::optional(at(20)) : std::nullopt);
    const auto written_in = term();
    server_.inject(loopback::fault::parse(nth("update", 1, what)));
    EXPECT_TRUE(must(first->store_position(at(20), written_in)));
    server_.clear_faults();
    ++starts_;
  }
}

TEST_F(position_test, an_election_between_two_sendings_tears) {
  for (const char* what : {"cut", "drop"}) {
    SCOPED_TRACE(what);
    auto first = started();
    EXPECT_TRUE(must(first->store_position(at(10), term())));
    const auto written_in = term();
    server_.inject(loopback::fault::parse(nth("update", 1, what)));
    elect_on_connect_ = true;
    EXPECT_FALSE(must(first->store_position(at(20), written_in)));
    server_.clear_faults();
    EXPECT_EQ(loaded(*started()), at(10));
  }
}

TEST_F(position_test, who_lost_the_run_stores_no_position) {
  const auto first = started();
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  const auto second = started();
  EXPECT_EQ(loaded(*second), at(10));
  EXPECT_NE(refusal(first->store_position(at(20), term())).find("taken over"), std::string::npos);
  EXPECT_EQ(loaded(*second), at(10));
  EXPECT_TRUE(must(second->store_position(at(30), term())));
  const auto before = server_.stored(stored_positions);
  EXPECT_NE(refusal(first->store_position(at(20), term())).find("taken over"), std::string::npos);
  EXPECT_NE(refusal(first->load_position(opened_.term)).find("taken over"), std::string::npos);
  EXPECT_TRUE(bson::same_bytes(before.front(), server_.stored(stored_positions).front()));
  EXPECT_TRUE(must(second->store_position(at(40), term())));
}

TEST_F(position_test, positions_belong_to_an_opened_run) {
  const auto unopened = another();
  refusal(unopened->store_position(at(10), {}));
  refusal(unopened->load_position({}));
  EXPECT_TRUE(server_.stored(stored_positions).empty());
}

TEST_F(position_test, a_damaged_position_is_refused) {
  auto first = started();
  EXPECT_TRUE(must(first->store_position(at(10), term())));
  EXPECT_TRUE(must(first->store_position(at(20), term())));
  for (const char* field : {"now", "before"}) {
    bson::builder set;
    set.open_document(field).append("applied", 1).close();
    std::vector<checkpoint::change> changes;
    changes.push_back({"position", set.finish()});
    must(first->write("apply", std::move(changes)));
    const auto second = started();
    EXPECT_NE(refusal(second->load_position(opened_.term)).find("damaged"), std::string::npos);
    first = started();
    changes.clear();
    bson::builder back;
    back.open_document(field).append("applied", bson::timestamp{1, 1}).append("resumeFrom", bson::timestamp{1, 1});
    back.append("number", std::int64_t{1})
        .append("term", std::int64_t{1})
        .append("election", bson::object_id{})
        .close();
    changes.push_back({"position", back.finish()});
    must(first->write("apply", std::move(changes)));
  }
}

TEST_F(position_test, mapped_documents_come_and_go) {
  const auto first = started();
  const auto mapped = [](std::string id, int value) {
    bson::builder one;
    one.append("_id", id).append("listedAt", bson::timestamp{0, 0}).append("value", value);
    return one.finish();
  };
  const std::vector<std::byte> one(16, std::byte{0xa1});
  const std::vector<std::byte> two(16, std::byte{0x0b});
  const std::string one_id = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
  const std::string two_id = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";
  std::vector<bson::document> all;
  for (const auto& [id, value] : {std::pair{one_id, 1}, {two_id, 2}, {one_id, 3}}) all.push_back(mapped(id, value));
  must(first->store_mapped(std::move(all), {}));
  auto stored = must(first->load("mapped"));
  ASSERT_EQ(stored.size(), 2U);
  EXPECT_EQ(stored[1].view().find("value").as_int32(), 3) << "the last one of an _id counts";

  std::vector<bson::document> again;
  again.push_back(mapped(two_id, 4));
  must(first->store_mapped(std::move(again), {one, two}));
  stored = must(first->load("mapped"));
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].view().find("value").as_int32(), 4) << "what is mapped again stays";
  must(first->store_mapped({}, {two}));
  EXPECT_TRUE(must(first->load("mapped")).empty());
  must(first->store_mapped({}, {}));
}

/// A destination that loses all it may lose: what was written with w: 1 and no majority write of the same term has
/// covered is gone after an election. A process applies, stores positions, dies at any command and starts again.
class position_model : public position_test {
 protected:
  enum class item : std::uint8_t { absent, written, durable };

  void write_one() {
    now_ = term_;
    if (!written_in_.known()) written_in_ = now_;
    mixed_ = mixed_ || written_in_ != now_;
    items_.resize(std::max<std::size_t>(items_.size(), applied_ + 1), item::absent);
    auto& one = items_[applied_++];
    if (one == item::absent) one = item::written;
  }
  void lose() {
    for (auto& one : items_) {
      if (one == item::written) one = item::absent;
    }
    elect();
    term_ = term();
  }
  void covered() {
    for (auto& one : items_) {
      if (one == item::written) one = item::durable;
    }
  }
  /// Everything that the returned position promises is there for good.
  void check(const std::optional<position>& found) {
    const std::size_t promised = found ? found->applied.seconds : 0;
    ASSERT_LE(promised, items_.size());
    for (std::size_t i = 0; i < promised; ++i) {
      ASSERT_EQ(items_[i], item::durable) << "item " << i << " of " << promised;
    }
  }
  void start() {
    running_ = started(std::chrono::milliseconds(0));
    const auto found = loaded(*running_);
    check(found);
    applied_ = found ? found->applied.seconds : 0;
    written_in_ = {};
    mixed_ = false;
    if (applied_ > furthest_) furthest_ = applied_;
  }
  /// True: the process goes on.
  bool store(const char* fault, bool election_before) {
    if (election_before) lose();
    const auto before = server_.stored(stored_positions);
    const auto command = commands("update");
    if (fault != nullptr) server_.inject(loopback::fault::parse("update:" + std::to_string(command + 1) + ":" + fault));
    const auto outcome =
        run(running_->store_position({{static_cast<std::uint32_t>(applied_), 0}, {1, 0}}, written_in_));
    server_.clear_faults();
    const auto after = server_.stored(stored_positions);
    // It ran if it can be seen, whoever got the reply: a majority write of the present term, which covers what is
    // there.
    const bool ran = !after.empty() && (before.empty() || !bson::same_bytes(before.front(), after.front()));
    if (ran) covered();
    if (!outcome || !outcome.value()) return false;
    written_in_ = {};
    check(position{{static_cast<std::uint32_t>(applied_), 0}, {}});
    return true;
  }

  std::unique_ptr<checkpoint> running_;
  std::vector<item> items_;
  std::size_t applied_ = 0;
  std::size_t furthest_ = 0;
  wire::write_term term_;
  wire::write_term now_;
  wire::write_term written_in_;
  bool mixed_ = false;
};

TEST_F(position_model, a_loaded_position_was_always_durable) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::array<const char*, 6> faults{nullptr, nullptr, nullptr, "cut", "drop", "truncate"};
  term_ = term();
  start();
  int restarts = 0;
  for (int step = 0; step < 1500 && !HasFatalFailure(); ++step) {
    bool alive = true;
    switch (random() % 8) {
      case 0:
        lose();
        break;
      case 1:
        alive = !run(running_->renew(0)).has_error();
        break;
      case 2:
        alive = random() % 4 != 0;
        break;
      case 3:
      case 4:
        write_one();
        break;
      default:
        // A mixed window tears the applier before it asks.
        alive = !mixed_ && store(faults[random() % faults.size()], random() % 8 == 0);
    }
    if (alive) continue;
    if (random() % 3 == 0) lose();
    start();
    ++restarts;
  }
  EXPECT_GT(restarts, 50);
  EXPECT_GT(furthest_, 20U) << "positions must get on as well";
}

}  // namespace
}  // namespace sluice::state
