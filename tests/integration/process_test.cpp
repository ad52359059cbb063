// The process as others on the machine and the kernel see it: no secret in its arguments, its environment or what it
// prints, no core dump; and where the kernel refuses io_uring it says so and copies all the same.
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/mongod_process.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::lab {
namespace {

using std::chrono::seconds;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string of_process(pid_t pid, const char* what) {
  std::ostringstream text;
  text << std::ifstream("/proc/" + std::to_string(pid) + "/" + what).rdbuf();
  return text.str();
}

/// A server that waits for its start: it has read its arguments, and connects to nobody yet.
void wait_until_it_serves(sluice_program& program) {
  ASSERT_TRUE(eventually([&] { return holds(program.output(), "Waiting for POST"); }, seconds(20))) << program.output();
}

constexpr const char* secret = "hunter2-s3cret";
const std::string first_uri = std::string("mongodb://al:") + secret + "@127.0.0.1:1/?replicaSet=a";
const std::string second_uri = std::string("mongodb://al:") + secret + "@127.0.0.1:2/?replicaSet=b";

TEST(process, its_arguments_show_no_password) {
  sluice_program program({"--cluster0", first_uri, "--cluster1=" + second_uri, "--port", "0"});
  wait_until_it_serves(program);
  const std::string arguments = of_process(program.process().pid(), "cmdline");
  EXPECT_FALSE(holds(arguments, secret)) << arguments;
  EXPECT_TRUE(holds(arguments, "127.0.0.1:1")) << "an operator still has to tell two of them apart: " << arguments;
  EXPECT_FALSE(holds(program.output(), secret)) << program.output();
}

TEST(process, its_environment_shows_no_password) {
  sluice_program program({"--port", "0"}, {{"SLUICE_CLUSTER0", first_uri}, {"SLUICE_CLUSTER1", second_uri}});
  wait_until_it_serves(program);
  const std::string environment = of_process(program.process().pid(), "environ");
  EXPECT_FALSE(holds(environment, secret));
  EXPECT_TRUE(holds(environment, "PATH=")) << "the environment was not read at all";
}

TEST(process, its_memory_is_never_dumped) {
  sluice_program program({"--cluster0", first_uri, "--cluster1", second_uri, "--port", "0"});
  wait_until_it_serves(program);
  std::istringstream limits(of_process(program.process().pid(), "limits"));
  std::string core;
  for (std::string line; std::getline(limits, line);) {
    if (line.starts_with("Max core file size")) core = line.substr(18);
  }
  std::istringstream values(core);
  std::string soft;
  std::string hard;
  values >> soft >> hard;
  EXPECT_EQ(soft, "0");
  EXPECT_EQ(hard, "0");
}

TEST(process, a_failed_copy_prints_no_password) {
  const auto outcome = copy(first_uri + "&serverSelectionTimeoutMS=500", second_uri + "&serverSelectionTimeoutMS=500",
                            {"--verbosity", "TRACE", "--retry-seconds", "0"});
  EXPECT_FALSE(outcome.status.success());
  EXPECT_TRUE(holds(outcome.output, "127.0.0.1:1")) << outcome.output;
  EXPECT_FALSE(holds(outcome.output, secret)) << outcome.output;
}

TEST(process, a_uri_with_a_mistake_in_it_is_not_repeated) {
  const auto outcome = copy(std::string("mongodb://al:") + secret + "@127.0.0.1:1/?replicaSt=a", second_uri);
  EXPECT_EQ(outcome.status.code, 2);
  EXPECT_TRUE(holds(outcome.output, "replicaSt")) << outcome.output;
  EXPECT_FALSE(holds(outcome.output, secret)) << outcome.output;
}

// --- io_uring refused, as container runtimes have it ---

#if defined(SLUICE_TEST_IO_URING)
TEST(process, io_uring_that_is_refused_is_said_and_done_without) {
  replica_set source({.name = "source"});
  replica_set destination({.name = "destination"});
  load_zoo(source.uri(), small_zoo());
  const auto outcome = copy(source.uri(), destination.uri(), {}, {}, confined("no-io_uring"));
#if defined(SLUICE_TEST_EPOLL_TWIN)
  EXPECT_TRUE(outcome.status.success()) << outcome.output;
  EXPECT_TRUE(holds(outcome.output, "Running on epoll")) << outcome.output;
  const comparison verdict = compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
#else
  EXPECT_EQ(outcome.status.code, 3) << outcome.output;
  EXPECT_TRUE(holds(outcome.output, "carries no epoll build")) << outcome.output;
#endif
  EXPECT_TRUE(holds(outcome.output, "the kernel refuses io_uring")) << outcome.output;
}

TEST(process, io_uring_that_is_asked_for_and_refused_is_an_error) {
  const auto outcome = copy(first_uri, second_uri, {"--io", "io_uring"}, {}, confined("no-io_uring"));
  EXPECT_EQ(outcome.status.code, 3) << outcome.output;
  EXPECT_TRUE(holds(outcome.output, "--io io_uring: the kernel refuses io_uring")) << outcome.output;
  EXPECT_TRUE(holds(outcome.output, "seccomp")) << outcome.output;
  EXPECT_FALSE(holds(outcome.output, secret)) << outcome.output;
}
#endif

#if defined(SLUICE_TEST_EPOLL_TWIN)
// The twin is another program that gets the same arguments.
TEST(process, the_epoll_twin_shows_no_password_either) {
  sluice_program program({"--cluster0", first_uri, "--cluster1", second_uri, "--port", "0"}, {},
                         confined("no-io_uring"));
  wait_until_it_serves(program);
  const std::string arguments = of_process(program.process().pid(), "cmdline");
  EXPECT_FALSE(holds(arguments, secret)) << arguments;
  EXPECT_TRUE(holds(arguments, "127.0.0.1:1")) << arguments;
}
#endif

}  // namespace
}  // namespace sluice::lab
