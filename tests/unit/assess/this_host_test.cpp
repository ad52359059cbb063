#include "engine/assess/this_host.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

namespace fs = std::filesystem;
using test::expect_advice;
using test::has;
using test::holds;
using test::only;

constexpr std::size_t mib = 1 << 20;

this_host_facts ordinary() {
  this_host_facts facts;
  facts.open_files_max = 1'048'576;
  facts.kernel = "6.1.0";
  facts.backend = "io_uring";
  facts.cores = 8;
  facts.memory_available_bytes = 16e9;
  facts.spool_dir = "/var/spool/sluice";
  facts.spool_free_bytes = 100e9;
  return facts;
}

level judged(const this_host_facts& facts, const char* check) {
  return only(judge_this_host(facts, {.memory_bytes = 256 * mib}), check).how;
}

TEST(judge_this_host, an_ordinary_machine_is_fine) {
  const findings found = judge_this_host(ordinary(), {.memory_bytes = 256 * mib});
  EXPECT_EQ(found.size(), 5U);
  EXPECT_EQ(count(found, level::fine), 5U);
}

TEST(judge_this_host, a_control_group_with_less_than_is_taken_fails) {
  this_host_facts facts = ordinary();
  facts.memory_limit_bytes = 128.0 * mib;
  EXPECT_EQ(judged(facts, "thisHost.memory"), level::failure);
  facts.memory_limit_bytes = 512.0 * mib;
  EXPECT_EQ(judged(facts, "thisHost.memory"), level::fine);
  facts.memory_available_bytes = 100.0 * mib;
  EXPECT_EQ(judged(facts, "thisHost.memory"), level::warning);
}

TEST(judge_this_host, few_files_one_core_and_a_fallback_are_warnings) {
  this_host_facts facts = ordinary();
  facts.open_files_max = 256;
  facts.cores = 1;
  facts.backend = "epoll";
  EXPECT_EQ(judged(facts, "thisHost.io"), level::fine) << "epoll by choice";
  facts.why_epoll = "the kernel refuses io_uring";
  EXPECT_EQ(judged(facts, "thisHost.io"), level::warning);
  EXPECT_EQ(judged(facts, "thisHost.files"), level::warning);
  EXPECT_EQ(judged(facts, "thisHost.cores"), level::warning);
  expect_advice(judge_this_host(facts, {.memory_bytes = 256 * mib}));
}

TEST(judge_this_host, a_spool_that_cannot_be_used_fails) {
  this_host_facts facts = ordinary();
  facts.spool_free_bytes = 1e6;
  EXPECT_EQ(judged(facts, "thisHost.spool"), level::warning);
  facts.spool_problem = "Permission denied";
  EXPECT_EQ(judged(facts, "thisHost.spool"), level::failure);
  EXPECT_FALSE(has(judge_this_host(facts, {.memory_bytes = mib, .spools = false}), "thisHost.spool"));
}

class read_host : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  [[nodiscard]] this_host_facts read() const { return read_this_host(root_, root_); }

  fs::path root_ = fs::path(testing::TempDir()) / ("sluice-host-" + std::to_string(::getpid()));
};

TEST_F(read_host, memory_of_the_machine) {
  write("proc/meminfo", "MemTotal: 100 kB\nMemAvailable:    2048 kB\n");
  EXPECT_EQ(read().memory_available_bytes, 2048.0 * 1024);
  EXPECT_FALSE(read().memory_limit_bytes);
}

TEST_F(read_host, the_least_limit_of_a_control_group_and_those_above_it) {
  write("proc/self/cgroup", "0::/system.slice/sluice.service\n");
  write("sys/fs/cgroup/system.slice/sluice.service/memory.max", "max\n");
  EXPECT_FALSE(read().memory_limit_bytes);
  write("sys/fs/cgroup/system.slice/memory.max", "268435456\n");
  EXPECT_EQ(read().memory_limit_bytes, 268435456.0);
  write("sys/fs/cgroup/system.slice/sluice.service/memory.max", "134217728\n");
  EXPECT_EQ(read().memory_limit_bytes, 134217728.0);
}

TEST_F(read_host, control_groups_of_version_1_and_of_containers) {
  write("proc/self/cgroup", "3:cpu:/x\n2:memory:/docker/abc\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(read().memory_limit_bytes);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  EXPECT_EQ(read().memory_limit_bytes, 536870912.0);
}

TEST_F(read_host, a_spool_that_is_yet_to_be_made_is_looked_for_and_not_made) {
  const fs::path spool = root_ / "not" / "yet";
  const this_host_facts facts = read_this_host(spool, root_);
  EXPECT_EQ(facts.spool_dir, spool.string());
  EXPECT_EQ(facts.spool_problem, "");
  EXPECT_GT(facts.spool_free_bytes, 0);
  EXPECT_FALSE(fs::exists(root_ / "not"));
  write("file", "");
  EXPECT_TRUE(holds(read_this_host(root_ / "file" / "spool", root_).spool_problem, "is no folder"));
}

TEST_F(read_host, what_the_kernel_tells) {
  const this_host_facts facts = read();
  EXPECT_GT(facts.open_files_max, 0U);
  EXPECT_GT(facts.cores, 0U);
  EXPECT_FALSE(facts.kernel.empty());
}

}  // namespace
}  // namespace sluice::assess
