// Choices about namespaces that contradict each other are refused before anybody connects.
#include "engine/session/namespace_choice.hpp"

#include <gtest/gtest.h>

namespace sluice::session {
namespace {

std::string complaint(const sync_settings& settings) {
  const auto chosen = choose_namespaces(settings);
  if (chosen) return "taken";
  EXPECT_EQ(chosen.error().kind, error_kind::configuration);
  return chosen.error().message;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(namespace_choice, takes_what_fits_together) {
  sync_settings settings;
  EXPECT_EQ(complaint(settings), "taken");
  settings.copy.include = {"a", "/^b/"};
  settings.copy.remaps = {{"a", "x"}};
  settings.block_writes = write_blocking::destination_only;
  EXPECT_EQ(complaint(settings), "taken");
  settings.block_writes.reset();
  settings.beside_others = true;
  EXPECT_EQ(complaint(settings), "taken");
  EXPECT_TRUE(choose_namespaces(settings).value().beside_others);
}

TEST(namespace_choice, names_what_is_wrong_with_a_rule) {
  sync_settings settings;
  settings.copy.include = {"a", "/(/"};
  EXPECT_TRUE(has(complaint(settings), "\"/(/\""));
  settings.copy.include = {};
  settings.copy.remaps = {{"a", "b"}, {"c", "b"}};
  EXPECT_TRUE(has(complaint(settings), "would both become b"));
}

TEST(namespace_choice, users_follow_databases_and_no_single_collections) {
  sync_settings settings;
  settings.copy.users = true;
  settings.copy.remaps = {{"a", "x"}};
  EXPECT_EQ(complaint(settings), "taken");
  settings.copy.remaps = {{"a", "x"}, {"b.c", "y.z"}};
  EXPECT_TRUE(has(complaint(settings), "remap whole databases"));
}

TEST(namespace_choice, only_the_whole_can_be_reversed) {
  sync_settings settings;
  settings.reversible = true;
  EXPECT_EQ(complaint(settings), "taken");
  settings.copy.exclude = {"a"};
  EXPECT_TRUE(has(complaint(settings), "\"reversible\" cannot be combined with includeNamespaces"));
  settings.copy.exclude = {};
  settings.copy.remaps = {{"a", "x"}};
  EXPECT_TRUE(has(complaint(settings), "namespaceRemap"));
  settings.copy.remaps = {};
  settings.build_indexes = index_building::never;
  EXPECT_TRUE(has(complaint(settings), "buildIndexes"));
}

TEST(namespace_choice, a_part_of_a_source_cannot_refuse_all_writes) {
  sync_settings settings;
  settings.block_writes = write_blocking::source_and_destination;
  EXPECT_EQ(complaint(settings), "taken");
  settings.copy.exclude = {"a"};
  EXPECT_TRUE(has(complaint(settings), "only a part is migrated"));
}

TEST(namespace_choice, data_of_others_needs_a_filter_and_lets_them_write) {
  sync_settings settings;
  settings.beside_others = true;
  EXPECT_TRUE(has(complaint(settings), "a part of a source only"));
  settings.copy.include = {"a"};
  settings.block_writes = write_blocking::none;
  EXPECT_EQ(complaint(settings), "taken");
  settings.block_writes = write_blocking::destination_only;
  EXPECT_TRUE(has(complaint(settings), "goes on taking their writes"));
}

}  // namespace
}  // namespace sluice::session
