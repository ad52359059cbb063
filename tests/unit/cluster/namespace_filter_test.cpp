// What is inside of a filter, and how rules are read and written.
#include "engine/cluster/namespace_filter.hpp"

#include <gtest/gtest.h>

namespace sluice::cluster {
namespace {

namespace_filter filter_of(const std::vector<std::string>& include, const std::vector<std::string>& exclude = {}) {
  auto filter = parse_filter(include, exclude);
  EXPECT_TRUE(filter) << filter.error().message;
  return filter ? filter.value() : namespace_filter();
}

std::string complaint(std::string_view text) {
  const auto rule = parse_rule(text);
  if (rule) return "taken";
  EXPECT_EQ(rule.error().kind, error_kind::configuration);
  return rule.error().message;
}

TEST(namespace_filter, covers_everything_when_empty) {
  EXPECT_TRUE((namespace_filter{}).covers({"a", "b"}).value());
  EXPECT_TRUE((namespace_filter{}).is_everything());
  EXPECT_TRUE((namespace_filter{}).may_cover("anything").value());
  EXPECT_TRUE((namespace_filter{}).covers_all_of("anything").value());
}

TEST(namespace_filter, names_databases_and_collections_exactly) {
  const namespace_filter filter{.include = {"shop", "blog.posts.old"}, .exclude = {}};
  EXPECT_FALSE(filter.is_everything());
  EXPECT_TRUE(filter.covers({"shop", "orders"}).value());
  EXPECT_TRUE(filter.covers({"blog", "posts.old"}).value());
  EXPECT_FALSE(filter.covers({"blog", "posts"}).value());
  EXPECT_FALSE(filter.covers({"blog", "posts.older"}).value());
  EXPECT_FALSE(filter.covers({"shop2", "orders"}).value());
  EXPECT_FALSE(filter.covers({"sho", "p"}).value());
}

TEST(namespace_filter, exclude_wins) {
  const auto filter = filter_of({"shop", "blog.posts", "/^log/"}, {"shop.logs", "blog", "/././_tmp$/i"});
  EXPECT_TRUE(filter.covers({"shop", "orders"}).value());
  EXPECT_FALSE(filter.covers({"shop", "logs"}).value());
  EXPECT_FALSE(filter.covers({"blog", "posts"}).value());
  EXPECT_TRUE(filter.covers({"logbook", "a"}).value());
  EXPECT_FALSE(filter.covers({"logbook", "a_TMP"}).value());
}

TEST(namespace_filter, expressions_for_either_name) {
  const auto filter = filter_of({"/^shop_\\d+$/", "blog./^posts/i", "/^x/.only"});
  EXPECT_TRUE(filter.covers({"shop_7", "any"}).value());
  EXPECT_FALSE(filter.covers({"shop_x", "any"}).value());
  EXPECT_TRUE(filter.covers({"blog", "Posts.2020"}).value());
  EXPECT_FALSE(filter.covers({"blog", "drafts"}).value());
  EXPECT_TRUE(filter.covers({"xyz", "only"}).value());
  EXPECT_FALSE(filter.covers({"xyz", "others"}).value());
}

TEST(namespace_filter, knows_databases_that_need_no_listing) {
  const auto filter = filter_of({"shop", "blog.posts", "/^x/./^c/"}, {"shop", "blog.drafts", "/^xx/"});
  EXPECT_FALSE(filter.may_cover("shop").value());
  EXPECT_TRUE(filter.may_cover("blog").value());
  EXPECT_FALSE(filter.may_cover("blo").value());
  EXPECT_TRUE(filter.may_cover("xa").value());
  EXPECT_FALSE(filter.may_cover("xxa").value());
}

TEST(namespace_filter, knows_databases_of_which_everything_is_inside) {
  const auto filter = filter_of({"/^a/", "b.c", "/^d/./^d/"}, {"ab.x", "/^ac/./z/"});
  EXPECT_TRUE(filter.covers_all_of("aa").value());
  EXPECT_FALSE(filter.covers_all_of("ab").value());
  EXPECT_FALSE(filter.covers_all_of("acid").value());
  EXPECT_FALSE(filter.covers_all_of("b").value());
  EXPECT_FALSE(filter.covers_all_of("d").value());
  EXPECT_TRUE(filter_of({}, {"a"}).covers_all_of("b").value());
}

TEST(namespace_filter, an_expression_that_explodes_is_an_error_of_whoever_asks) {
  const auto filter = filter_of({"/^(a+)+$/"});
  EXPECT_FALSE(filter.covers({std::string(60, 'a') + "!", "c"}));
  EXPECT_FALSE(filter.may_cover(std::string(60, 'a') + "!"));
}

TEST(namespace_rule, its_text_is_read_back_as_the_same) {
  for (const std::string text :
       {"shop", "shop.orders", "blog.posts.old", "/^shop/", "/^shop/i", "shop./^orders/im", "/a\\.b/.c", "/a/./b/x",
        "/[^\\/]/.c", "db.c/d", "db.\\/literally/", "db.\\\\backslash", "db./a\\/b/"}) {
    const auto rule = parse_rule(text);
    ASSERT_TRUE(rule) << rule.error().message;
    const std::string again = rule.value().to_string();
    ASSERT_TRUE(parse_rule(again)) << again;
    EXPECT_EQ(parse_rule(again).value().to_string(), again);
    EXPECT_EQ(again, text);
  }
  const auto literal = parse_rule("db.\\/c/");
  ASSERT_TRUE(literal);
  EXPECT_TRUE(literal.value().covers({"db", "/c/"}).value());
  EXPECT_FALSE(literal.value().covers({"db", "c"}).value());
}

TEST(namespace_rule, what_makes_no_sense_is_refused_by_name) {
  for (const char* text : {"", ".c", "db.", "/a", "/a.b", "/a/.", "db./a", "/a/q", "db./a/iq", "/(/", "db./(/"}) {
    EXPECT_NE(complaint(text).find("\"" + std::string(text) + "\" must be a database"), std::string::npos)
        << text << ": " << complaint(text);
  }
  EXPECT_NE(complaint("db./a/iq").find("\"q\" is no option"), std::string::npos) << complaint("db./a/iq");
  EXPECT_NE(complaint("db./a(/").find("at byte 2"), std::string::npos) << complaint("db./a(/");
}

TEST(namespace_rule, what_belongs_to_servers_is_refused) {
  for (const char* text :
       {"admin", "local.oplog.rs", "config", "__mdb_internal_sluice", "shop.system.views", "shop.system.buckets.w"}) {
    EXPECT_NE(complaint(text).find("never copied"), std::string::npos) << text << ": " << complaint(text);
  }
  EXPECT_EQ(complaint("shop.system.js"), "taken") << "functions are the user's";
  EXPECT_EQ(complaint("/^ad/"), "taken") << "of what an expression finds the user's is meant";
}

TEST(namespace_filter, rules_that_match_nothing_are_told) {
  const auto filter = filter_of({"shop", "blog.posts", "/^x/", "gone"}, {"shop.logs", "/tmp/", "blog./^posts$/"});
  const auto idle = rules_without_effect(filter, {{"shop", "orders"}, {"blog", "posts"}, {"atmp", "c"}});
  ASSERT_TRUE(idle);
  EXPECT_EQ(idle.value(), (std::vector<std::string>{"/^x/", "gone", "shop.logs"}));
}

}  // namespace
}  // namespace sluice::cluster
