// The recorded mix: its proportions, and that each of its changes finds the document that it changes.
#include "engine/measure/change_mix.hpp"

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace sluice::measure {
namespace {

std::int64_t id_of(bson::document_view filter) {
  return filter.find("_id").to_int64().value_or(-1);
}

TEST(change_mix, has_its_proportions_and_touches_only_what_is_there) {
  for (const std::int64_t size : {std::int64_t{256}, std::int64_t{860}, std::int64_t{200'000}}) {
    const change_mix mix({.document_bytes = size}, 40'000);
    std::set<std::int64_t> there;
    for (const auto& one : mix.seed_commands("changes")) {
      const auto documents = one.command.view().find("documents").as_array();
      for (const auto document : *documents) there.insert(id_of(*document.as_document()));
    }
    std::map<std::string, std::int64_t> counts;
    for (const auto& one : mix.commands("changes")) {
      const auto verb = std::string((*one.command.view().begin()).key());
      EXPECT_EQ((*one.command.view().begin()).as_string(), "changes");
      const auto list = one.command.view().find(verb == "insert" ? "documents" : verb + "s").as_array();
      ASSERT_TRUE(list) << verb;
      std::int64_t statements = 0;
      for (const auto element : *list) {
        ++statements;
        const auto statement = element.as_document();
        if (verb == "insert") {
          EXPECT_TRUE(there.insert(id_of(*statement)).second) << "inserted twice";
          ++counts["insert"];
          continue;
        }
        const std::int64_t id = id_of(*statement->find("q").as_document());
        EXPECT_TRUE(there.contains(id)) << verb << " of " << id << ", which is not there";
        if (verb == "delete") there.erase(id);
        const auto modifier = statement->find("u").as_document();
        ++counts[verb == "delete" ? "delete" : modifier->find("$push") ? "push" : "set"];
      }
      EXPECT_EQ(statements, one.changes);
      EXPECT_LE(one.command.bytes().size(), std::size_t{8} << 20U);
    }
    const auto all = static_cast<double>(counts["insert"] + counts["push"] + counts["set"] + counts["delete"]);
    EXPECT_NEAR(static_cast<double>(counts["insert"]) / all, 0.40, 0.02);
    EXPECT_NEAR(static_cast<double>(counts["set"]) / all, 0.45, 0.02);
    EXPECT_NEAR(static_cast<double>(counts["push"]) / all, 0.08, 0.02);
    EXPECT_NEAR(static_cast<double>(counts["delete"]) / all, 0.07, 0.02);
    EXPECT_LE(all, 40'000);
  }
}

TEST(change_mix, is_no_larger_than_asked_for) {
  const change_mix mix({}, 1000);
  std::int64_t changes = 0;
  for (const auto& one : mix.commands("changes")) changes += one.changes;
  EXPECT_LE(changes, 1000);
  EXPECT_GE(changes, 900);
}

}  // namespace
}  // namespace sluice::measure
