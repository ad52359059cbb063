// Documents that the destination refused: none is counted twice, and none is forgotten over a restart.
#include "engine/copy/refused.hpp"

#include <gtest/gtest.h>

#include "engine/runtime/limits.hpp"

namespace sluice::copy {
namespace {

refused one(const std::string& ns, std::size_t number) {
  return {ns, std::to_string(number), 1, "why"};
}

TEST(refused_list, counts_each_document_once) {
  refused_list list;
  list.add(one("d.a", 1));
  list.add(one("d.a", 1));
  list.add(one("d.b", 1));
  EXPECT_EQ(list.counts(), (std::map<std::string, std::int64_t>{{"d.a", 1}, {"d.b", 1}}));
  EXPECT_EQ(list.first().size(), 2U);
}

TEST(refused_list, a_restart_knows_them_all_also_those_that_are_not_kept) {
  refused_list before;
  for (std::size_t n = 0; n < limits::refused_documents_kept + 10; ++n) before.add(one("d.a", n));
  before.add(one("d.b", 1));
  refused_list after;
  for (const auto& document : before.take_unsaved()) after.restore(document);
  EXPECT_EQ(after.counts(), before.counts());
  EXPECT_EQ(after.first().size(), limits::refused_documents_kept);
  EXPECT_TRUE(before.take_unsaved().empty());
  EXPECT_TRUE(after.take_unsaved().empty());
  after.add(one("d.c", 1));
  ASSERT_EQ(after.take_unsaved().size(), 1U) << "the count; there is no room for the document";
}

}  // namespace
}  // namespace sluice::copy
