// What is asked for with a write of data.
#include "engine/wire/bulk_write.hpp"

#include <gtest/gtest.h>

#include "bson/extended_json.hpp"

namespace sluice::wire {
namespace {

TEST(bulk_write, one_acknowledgement_or_those_of_a_majority) {
  for (const auto& [by_majority, expected] :
       {std::pair(false, R"({"insert": "c", "writeConcern": {"w": 1}})"),
        std::pair(true, R"({"insert": "c", "writeConcern": {"w": "majority"}})")}) {
    bson::builder command;
    command.append("insert", "c");
    append_data_write_concern(command, by_majority);
    EXPECT_EQ(bson::to_json(command.finish()), expected);
  }
}

}  // namespace
}  // namespace sluice::wire
