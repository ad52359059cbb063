// The ledger's promise: what it calls durable was acknowledged in the term of a majority write that came after it.
#include "engine/copy/ledger.hpp"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace sluice::copy {
namespace {

plan::partition piece(const std::string& collection, int number, std::int64_t bytes = 1) {
  plan::partition p;
  p.ns = {"db", collection};
  p.id = "db." + collection + "#" + std::to_string(number);
  p.number = number;
  p.bytes_estimate = bytes;
  return p;
}

wire::write_term term(std::int64_t t) {
  wire::write_term made;
  made.term = t;
  return made;
}

position at(std::int64_t documents, bool done = false) {
  position p;
  p.documents = documents;
  p.done = done;
  bson::builder token;
  token.append("$recordId", documents);
  p.behind = token.finish();
  return p;
}

std::vector<ledger::entry> entries(std::initializer_list<plan::partition> pieces) {
  std::vector<ledger::entry> all;
  for (const auto& one : pieces) all.push_back({one, {}});
  return all;
}

TEST(ledger, hands_out_the_largest_first_and_leaves_out_what_is_done) {
  auto all = entries({piece("a", 0, 10), piece("b", 0, 30), piece("c", 0, 20)});
  all.push_back({piece("d", 0, 99), at(5, true)});
  ledger l(std::move(all));
  EXPECT_EQ(l.take()->what->ns.collection, "b");
  EXPECT_EQ(l.take()->what->ns.collection, "c");
  EXPECT_EQ(l.take()->what->ns.collection, "a");
  EXPECT_FALSE(l.take());
  EXPECT_EQ(l.done(), 1U);
}

TEST(ledger, a_partition_is_done_only_after_a_fence_of_its_own_term) {
  ledger l(entries({piece("a", 0)}));
  auto mine = *l.take();
  l.advanced(mine, at(10, true), term(3));
  EXPECT_FALSE(l.all_done());
  EXPECT_TRUE(l.has_unfenced());
  auto changes = l.collect();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(l.settle(changes, term(3)), 0U);
  EXPECT_TRUE(l.all_done());
}

TEST(ledger, a_fence_of_another_term_sends_the_partition_back_to_its_durable_position) {
  ledger l(entries({piece("a", 0)}));
  auto mine = *l.take();
  l.advanced(mine, at(10), term(3));
  auto first = l.collect();
  (void)l.settle(first, term(3));
  l.advanced(mine, at(20, true), term(3));
  auto second = l.collect();
  EXPECT_EQ(l.settle(second, term(4)), 1U);
  EXPECT_TRUE(mine.torn->load());
  auto again = l.take();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->from.documents, 10);
  // What the failed write left in the checkpoint is overwritten by the next one.
  auto third = l.collect();
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(third[0].at.documents, 10);
  EXPECT_FALSE(third[0].at.done);
}

TEST(ledger, a_fence_says_nothing_about_writes_of_two_terms) {
  ledger l(entries({piece("a", 0)}));
  auto mine = *l.take();
  l.advanced(mine, at(10), term(3));
  l.advanced(mine, at(20), term(4));
  auto changes = l.collect();
  (void)l.settle(changes, term(4));
  EXPECT_TRUE(mine.torn->load());
  EXPECT_EQ(l.take()->from.documents, 0);
}

TEST(ledger, writes_acknowledged_while_the_fence_is_under_way_are_not_covered_by_it) {
  ledger l(entries({piece("a", 0)}));
  auto mine = *l.take();
  l.advanced(mine, at(10), term(3));
  auto changes = l.collect();
  l.advanced(mine, at(20), term(4));  // an election between the two
  (void)l.settle(changes, term(4));   // the fence was written in the new term: proves nothing about term 3
  EXPECT_TRUE(mine.torn->load());
  EXPECT_EQ(l.take()->from.documents, 0);
}

TEST(ledger, a_worker_whose_partition_was_torn_is_not_listened_to) {
  ledger l(entries({piece("a", 0)}));
  auto old = *l.take();
  l.advanced(old, at(10), term(3));
  auto changes = l.collect();
  (void)l.settle(changes, term(4));
  auto fresh = *l.take();
  l.advanced(old, at(99, true), term(3));
  l.returned(old);
  EXPECT_FALSE(l.take());
  l.advanced(fresh, at(10, true), term(4));
  auto second = l.collect();
  (void)l.settle(second, term(4));
  EXPECT_TRUE(l.all_done());
}

TEST(ledger, a_collection_that_is_gone_needs_nothing_more) {
  ledger l(entries({piece("a", 0), piece("a", 1), piece("b", 0)}));
  auto mine = *l.take();
  l.gone(mine.what->ns);
  EXPECT_TRUE(mine.torn->load());
  EXPECT_EQ(l.done(), mine.what->ns.collection == "a" ? 2U : 1U);
}

TEST(ledger, replaced_partitions_are_copied_instead_of_the_old_ones) {
  ledger l(entries({piece("a", 0), piece("a", 1), piece("b", 0)}));
  auto old = *l.take();
  l.replace({"db", "a"}, {});
  l.replace({"db", "a"}, entries({piece("a", 0), piece("a", 1), piece("a", 2)}));
  std::map<std::string, int> seen;
  while (auto next = l.take()) ++seen[next->what->id];
  if (old.what->ns.collection == "b") ++seen[old.what->id];
  EXPECT_EQ(seen, (std::map<std::string, int>{{"db.a#0", 1}, {"db.a#1", 1}, {"db.a#2", 1}, {"db.b#0", 1}}));
}

// A destination in one variable: what is durable there, and what an election takes away.
TEST(ledger, random_elections_never_lose_a_document) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr int partitions = 5;
  constexpr std::int64_t documents_each = 12;
  for (int round = 0; round < 400; ++round) {
    std::vector<ledger::entry> all;
    for (int i = 0; i < partitions; ++i) all.push_back({piece("c" + std::to_string(i), 0), {}});
    ledger l(std::move(all));
    std::map<std::string, std::vector<std::int64_t>> written;  // per document: the term of its last write, 0: missing
    for (int i = 0; i < partitions; ++i) written[piece("c" + std::to_string(i), 0).id].resize(documents_each);
    std::int64_t now = 1;
    std::map<std::string, bool> majority;
    std::map<std::string, std::vector<bool>> safe;
    for (auto& [id, docs] : written) safe[id].resize(docs.size());
    std::vector<std::pair<assignment, std::int64_t>> working;
    for (int step = 0; step < 10'000 && !l.all_done(); ++step) {
      const auto dice = random() % 100;
      if (dice < 3) {  // election: everything that no majority write fenced is gone
        ++now;
        for (auto& [id, docs] : written) {
          for (std::size_t i = 0; i < docs.size(); ++i) {
            if (!safe[id][i]) docs[i] = 0;
          }
        }
      } else if (dice < 30) {
        auto changes = l.collect();
        if (random() % 20 == 0) {  // an election while the fencing write is under way
          ++now;
          for (auto& [id, docs] : written) {
            for (std::size_t i = 0; i < docs.size(); ++i) {
              if (!safe[id][i]) docs[i] = 0;
            }
          }
        }
        for (auto& [id, docs] : written) {
          for (std::size_t i = 0; i < docs.size(); ++i) safe[id][i] = docs[i] != 0;
        }
        (void)l.settle(changes, term(now));
      } else if (dice < 50) {
        if (auto next = l.take()) {
          const auto from = next->from.documents;
          working.emplace_back(std::move(*next), from);
        }
      } else if (!working.empty()) {
        const std::size_t which = random() % working.size();
        auto& [mine, reached] = working[which];
        if (mine.torn->load()) {
          l.returned(mine);
          working.erase(working.begin() + static_cast<std::ptrdiff_t>(which));
          continue;
        }
        if (reached < documents_each) {
          written[mine.what->id][static_cast<std::size_t>(reached)] = now;
          ++reached;
        }
        l.advanced(mine, at(reached, reached == documents_each), term(now));
        if (reached == documents_each) working.erase(working.begin() + static_cast<std::ptrdiff_t>(which));
      }
    }
    ASSERT_TRUE(l.all_done()) << "round " << round;
    for (const auto& [id, docs] : written) {
      for (const auto one : docs) ASSERT_NE(one, 0) << id << " in round " << round;
    }
  }
}

TEST(position, survives_the_checkpoint) {
  const auto stored = to_fields(at(42, true));
  const auto read = position_from(stored);
  EXPECT_EQ(read.documents, 42);
  EXPECT_TRUE(read.done);
  EXPECT_EQ(read.behind->view().find("$recordId").to_int64(), 42);
  EXPECT_FALSE(position_from(to_fields({})).behind);
}

}  // namespace
}  // namespace sluice::copy
