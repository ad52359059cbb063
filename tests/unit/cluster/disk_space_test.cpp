#include "engine/cluster/disk_space.hpp"

#include <gtest/gtest.h>

#include "bson/document.hpp"
#include "engine/cluster/document_filter.hpp"
#include "engine/cluster/table_scans.hpp"

namespace sluice::cluster {
namespace {

const stored_sizes some{.data_bytes = 100e9, .index_bytes = 20e9};

TEST(disk_space, demand_is_data_and_indexes_and_what_the_oplog_has_room_for) {
  disk_space there{.free_bytes = 1e12, .oplog_bytes = 10e9, .oplog_bytes_max = 50e9};
  EXPECT_EQ(demand_on(there, some).whole_bytes(), 160e9);
  there.oplog_bytes_max = 1000e9;
  EXPECT_EQ(demand_on(there, some).whole_bytes(), 220e9) << "each document is in the oplog once";
  there.oplog_bytes_max.reset();
  EXPECT_EQ(demand_on(there, some).whole_bytes(), 220e9);
  there.oplog_bytes_max = 5e9;
  EXPECT_EQ(demand_on(there, some).oplog_bytes, 0) << "it is over its bound already";
}

TEST(disk_space, what_does_not_fit_is_refused_with_both_numbers) {
  disk_space there{.free_bytes = 160e9, .oplog_bytes = 10e9, .oplog_bytes_max = 50e9};
  EXPECT_TRUE(check_disk_space(there, some));
  there.free_bytes = 159e9;
  const auto refused = check_disk_space(there, some);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::refused);
  EXPECT_NE(refused.error().message.find("159000 MB"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("160000 MB"), std::string::npos) << refused.error().message;
  there.free_bytes.reset();
  EXPECT_TRUE(check_disk_space(there, some)) << "not known is no error";
}

TEST(table_scans, are_needed_by_a_document_filter_alone) {
  bson::builder given;
  given.append("field", "tenant").open_array("matchValues").push("a").close();
  const auto filter = document_filter::of(given.finish());
  ASSERT_TRUE(filter);
  EXPECT_TRUE(check_table_scans(true, document_filter()));
  EXPECT_TRUE(check_table_scans(false, filter.value()));
  EXPECT_TRUE(check_table_scans(std::nullopt, filter.value()));
  const auto refused = check_table_scans(true, filter.value());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::refused);
}

}  // namespace
}  // namespace sluice::cluster
