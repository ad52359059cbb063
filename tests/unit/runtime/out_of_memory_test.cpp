#include "engine/runtime/out_of_memory.hpp"

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

using namespace std::chrono_literals;
using boost::system::system_error;
namespace errc = boost::system::errc;

system_error fault(errc::errc_t cause) {
  return system_error(errc::make_error_code(cause), "io_uring_queue_init");
}

TEST(retry_out_of_memory, tries_until_there_is_some) {
  int tries = 0;
  retry_out_of_memory(
      [&] {
        if (++tries < 4) throw fault(errc::not_enough_memory);
      },
      5s);
  EXPECT_EQ(tries, 4);
}

TEST(retry_out_of_memory, gives_up_after_a_while_with_the_cause) {
  int tries = 0;
  const auto make = [&] {
    ++tries;
    throw fault(errc::not_enough_memory);
  };
  EXPECT_THROW(retry_out_of_memory(make, 20ms), system_error);
  EXPECT_GT(tries, 1);
}

TEST(retry_out_of_memory, any_other_fault_is_thrown_at_once) {
  int tries = 0;
  const auto make = [&] {
    ++tries;
    throw fault(errc::operation_not_permitted);
  };
  EXPECT_THROW(retry_out_of_memory(make, 5s), system_error);
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace sluice::runtime
