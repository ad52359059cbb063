// Which collections are compared, and what becomes of that when they come, go, or get other names.
#include "engine/verify/roll.hpp"

#include <gtest/gtest.h>

namespace sluice::verify {
namespace {

cluster::collection_info info(const std::string& name, unsigned char uuid, std::int64_t bytes = 100) {
  cluster::collection_info one;
  one.ns = *cluster::parse_namespace(name);
  if (uuid != 0) one.uuid.assign(16, std::byte{uuid});
  one.data_bytes = bytes;
  one.documents = 10;
  return one;
}

cluster::catalog catalog(std::vector<cluster::collection_info> all) {
  return {std::move(all)};
}

std::vector<plan::partition> parts(std::size_t count) {
  return std::vector<plan::partition>(count);
}

told_of named(const std::string& destination) {
  return {{}, destination};
}

told_of identified(unsigned char uuid, const std::string& destination) {
  return {std::vector<std::byte>(16, std::byte{uuid}), destination};
}

void compare_all(roll& of) {
  while (const auto next = of.waiting()) {
    of.begin(*next);
    of.give_parts(*next, parts(1));
    of.done(*of.next_part());
  }
}

TEST(roll, the_largest_is_first_and_views_are_none) {
  roll all;
  auto view = info("shop.view", 0);
  view.kind = cluster::collection_kind::view;
  EXPECT_TRUE(all.update(catalog({info("shop.a", 1, 10), info("shop.b", 2, 900), view})).empty());
  EXPECT_EQ(all.collections(), 2U);
  EXPECT_EQ(all.documents_estimate(), 20);
  EXPECT_EQ(all.bytes_left(), 910);
  EXPECT_EQ(all.bytes(), 910);
  EXPECT_TRUE(all.knows(info("shop.z", 1)));
  EXPECT_FALSE(all.knows(info("shop.a", 3)));
  (void)all.update(catalog({info("shop.a", 1, 0), info("shop.b", 2, 0)}));
  EXPECT_EQ(all.bytes(), 910) << "sizes are asked once";
  EXPECT_EQ(all.info(*all.waiting())->ns.to_string(), "shop.b");
}

TEST(roll, a_collection_is_compared_when_all_of_its_parts_are) {
  roll all;
  (void)all.update(catalog({info("shop.a", 1)}));
  const auto number = *all.waiting();
  EXPECT_FALSE(all.begun(named("shop.a"))) << "its changes do not count yet";
  all.begin(number);
  EXPECT_EQ(all.begun(named("shop.a")), number);
  EXPECT_FALSE(all.waiting());
  EXPECT_FALSE(all.next_part());
  all.give_parts(number, parts(2));
  const auto first = all.next_part();
  const auto second = all.next_part();
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(all.next_part());
  all.done(*first);
  EXPECT_EQ(all.compared(), 0U);
  all.put_back(*second);
  all.done(*all.next_part());
  EXPECT_EQ(all.compared(), 1U);
  EXPECT_EQ(all.bytes_left(), 0);
  EXPECT_EQ(all.begun(named("shop.a")), number) << "its changes go on counting";
}

TEST(roll, begun_anew_its_old_parts_count_no_longer) {
  roll all;
  (void)all.update(catalog({info("shop.a", 1)}));
  const auto number = *all.waiting();
  all.begin(number);
  all.give_parts(number, parts(2));
  const auto old = *all.next_part();
  all.again(number);
  EXPECT_GT(all.bytes_left(), std::int64_t{1} << 30U) << "it may have grown";
  EXPECT_FALSE(all.next_part()) << "the other one is left out";
  EXPECT_EQ(all.waiting(), number);
  all.begin(number);
  all.set_sizes(number, info("shop.a", 1, 300));
  EXPECT_EQ(all.bytes_left(), 300);
  all.give_parts(number, parts(1));
  all.done(old);
  EXPECT_EQ(all.compared(), 0U);
  all.done(*all.next_part());
  EXPECT_EQ(all.compared(), 1U);
}

TEST(roll, one_without_documents_needs_no_part) {
  roll all;
  (void)all.update(catalog({info("shop.a", 1)}));
  all.begin(*all.waiting());
  all.give_parts(1, {});
  EXPECT_EQ(all.compared(), 1U);
}

TEST(roll, another_name_is_the_same_collection) {
  roll all;
  (void)all.update(catalog({info("shop.a", 1)}));
  compare_all(all);
  EXPECT_TRUE(all.update(catalog({info("shop.z", 1)})).empty());
  EXPECT_EQ(all.compared(), 1U);
  EXPECT_TRUE(all.begun(named("shop.z")));
  EXPECT_FALSE(all.begun(named("shop.a")));
}

TEST(roll, what_gets_another_name_while_it_is_read_begins_anew) {
  roll all;
  (void)all.update(catalog({info("shop.a", 1)}));
  all.begin(*all.waiting());
  (void)all.update(catalog({info("shop.z", 1)}));
  EXPECT_TRUE(all.waiting());
}

TEST(roll, the_same_name_with_another_identity_is_another_collection) {
  roll all;
  (void)all.update(catalog({info("shop.a", 1)}));
  const auto before = *all.waiting();
  compare_all(all);
  EXPECT_EQ(all.update(catalog({info("shop.a", 2)})), std::vector<std::uint32_t>{before});
  EXPECT_EQ(all.collections(), 1U);
  EXPECT_EQ(all.compared(), 0U);
  EXPECT_NE(*all.waiting(), before);
}

TEST(roll, swapped_names_are_followed) {
  roll all;
  (void)all.update(catalog({info("shop.a", 1), info("shop.b", 2)}));
  compare_all(all);
  const auto a = all.begun(named("shop.a"));
  EXPECT_TRUE(all.update(catalog({info("shop.a", 2), info("shop.b", 1)})).empty());
  EXPECT_EQ(all.begun(named("shop.b")), a);
  EXPECT_EQ(all.compared(), 2U);
}

TEST(roll, a_change_goes_by_identity_until_the_names_are_read_again) {
  roll all;
  (void)all.update(catalog({info("shop.a", 1), info("shop.b", 2)}));
  compare_all(all);
  const auto first = all.begun(named("shop.a"));
  EXPECT_EQ(all.begun(identified(1, "shop.b")), first) << "its name is another one by now";
  EXPECT_EQ(all.begun(identified(1, "shop.new")), first);
  EXPECT_EQ(all.begun(identified(9, "shop.a")), first) << "nobody knows that one";
  EXPECT_FALSE(all.begun(identified(9, "shop.new"))) << "it will be listed, and compared then";
}

TEST(roll, without_an_identity_the_name_is_one) {
  roll all;
  (void)all.update(catalog({info("shop.a", 0)}));
  compare_all(all);
  EXPECT_TRUE(all.update(catalog({info("shop.a", 0)})).empty());
  EXPECT_EQ(all.compared(), 1U);
}

TEST(roll, the_first_pass_is_over_when_all_of_the_first_catalog_was_compared) {
  roll all;
  EXPECT_FALSE(all.first_pass());
  (void)all.update(catalog({info("shop.a", 1), info("shop.b", 2)}));
  EXPECT_FALSE(all.first_pass());
  all.begin(1);
  all.give_parts(1, parts(1));
  all.done(*all.next_part());
  EXPECT_FALSE(all.first_pass());
  (void)all.update(catalog({info("shop.a", 1), info("shop.c", 3)}));
  EXPECT_TRUE(all.first_pass()) << "the second one is gone, and the third came later";
  all.again(1);
  EXPECT_TRUE(all.first_pass());
  roll nothing;
  (void)nothing.update(catalog({}));
  EXPECT_TRUE(nothing.first_pass());
}

TEST(roll, goes_by_the_name_on_the_destination) {
  roll all;
  auto moved = info("shop.a", 1);
  moved.renamed_to = *cluster::parse_namespace("store.b");
  (void)all.update(catalog({moved}));
  all.begin(*all.waiting());
  EXPECT_TRUE(all.begun(named("store.b")));
  EXPECT_FALSE(all.begun(named("shop.a")));
}

}  // namespace
}  // namespace sluice::verify
