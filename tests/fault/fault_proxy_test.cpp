// Networks that cut, truncate, stall and crawl, on either side of a copy.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/fault/fault_run.hpp"
#include "tests/fault/proxy.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/oracle.hpp"

namespace sluice::fault {
namespace {

constexpr std::uint64_t lim_documents = 60'000;  // 52 MB in batches of 4 MiB

std::size_t peak_memory_bytes() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<std::size_t>(used.ru_maxrss) * 1024;
}

/// One source with data for all tests, and a destination that is emptied before each.
class proxy_test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source_set = std::make_unique<lab::replica_set>(lab::replica_set_options{.name = "source"});
    destination_set = std::make_unique<lab::replica_set>(lab::replica_set_options{.name = "destination"});
    lab::load_lim(source_set->uri(), {.documents = lim_documents});
    lab::load_many(source_set->uri(), {.collections = 20, .documents_each = 50, .databases = 2});
    lab::client(source_set->uri()).run("lim", R"({"createIndexes": "docs",
        "indexes": [{"key": {"name": 1}, "name": "name_1"}]})");
  }
  static void TearDownTestSuite() {
    source_set.reset();
    destination_set.reset();
  }
  void SetUp() override {
    lab::client to(destination_set->uri());
    lab::drop_user_data(to);
    to.run("__mdb_internal_sluice", R"({"dropDatabase": 1})");
  }

  session::copy_settings settings() const { return settings_for(source.direct_uri(), destination.direct_uri()); }

  /// A copy through cuts: complete and equal, or failed in clear words and completed by the next run.
  void copy_through(proxy& cut_side, const proxy::cuts& planned) {
    cut_side.plan(planned);
    auto outcome = copy(settings());
    EXPECT_GE(cut_side.cut_count(), 1U) << "nothing was cut";
    if (outcome.has_error()) {
      EXPECT_NE(outcome.error().message.find("127.0.0.1:" + std::to_string(cut_side.port())), std::string::npos)
          << outcome.error().message;
      std::cout << "first run failed: " << outcome.error().message << "\n";
      cut_side.plan({.where = planned.where, .times = 0});
      outcome = copy_again(settings());
    }
    expect_success(outcome, log);
    expect_equal(source_set->uri(), destination_set->uri());
  }

  static std::unique_ptr<lab::replica_set> source_set;
  static std::unique_ptr<lab::replica_set> destination_set;
  captured_log log;
  proxy source{source_set->node(0).port()};
  proxy destination{destination_set->node(0).port()};
};
std::unique_ptr<lab::replica_set> proxy_test::source_set;
std::unique_ptr<lab::replica_set> proxy_test::destination_set;

constexpr std::uint64_t mib = 1024 * 1024;

TEST_F(proxy_test, source_replies_are_truncated_at_random_places) {
  copy_through(source, {.times = 8, .least = 1, .most = 8 * mib, .seed = test_seed()});
}

TEST_F(proxy_test, source_connections_are_reset_at_random_places) {
  copy_through(source, {.how = cut_kind::reset, .times = 8, .least = 1, .most = 8 * mib, .seed = test_seed()});
}

TEST_F(proxy_test, inserts_are_cut_at_random_places) {
  copy_through(destination,
               {.where = direction::to_server, .times = 8, .least = 1, .most = 8 * mib, .seed = test_seed()});
}

TEST_F(proxy_test, inserts_are_reset_at_random_places) {
  copy_through(destination, {.where = direction::to_server,
                             .how = cut_kind::reset,
                             .times = 8,
                             .least = 1,
                             .most = 8 * mib,
                             .seed = test_seed()});
}

// The server has done the work, but nobody hears of it: the batch comes again, as duplicates.
TEST_F(proxy_test, replies_of_the_destination_are_cut) {
  copy_through(destination, {.times = 10, .least = 1, .most = 8000, .seed = test_seed()});
}

TEST_F(proxy_test, half_of_a_connection_closes) {
  copy_through(source, {.how = cut_kind::half_close, .times = 3, .least = mib, .most = 10 * mib, .seed = test_seed()});
}

// Every few hundred bytes: commands hardly get through. Ends when the cuts are used up.
TEST_F(proxy_test, many_cuts_in_a_row) {
  copy_through(destination, {.times = 40, .least = 200, .most = 4000, .seed = test_seed()});
}

TEST_F(proxy_test, stalls_end_and_the_copy_goes_on) {
  for (proxy* side : {&source, &destination}) {
    SetUp();
    running_copy run(settings());
    ASSERT_TRUE(run.reached(1)) << log.tail();
    const direction where = side == &source ? direction::to_client : direction::to_server;
    side->stall(where);
    // Until nothing moves any more on that side: what is under way has come to rest.
    std::uint64_t before = 0;
    lab::eventually(
        [&] {
          const auto now = side->passed(where);
          const bool rests = now == before;
          before = now;
          return rests;
        },
        std::chrono::seconds(10));
    side->resume();
    expect_success(run.wait(), log);
    expect_equal(source_set->uri(), destination_set->uri());
  }
}

// Backpressure: what the source has delivered and the destination has not taken is bounded by the memory, whatever the
// size of the collection.
TEST_F(proxy_test, a_slow_destination_stops_the_reading) {
  lab::client from(source_set->uri());
  lab::load_lim(source_set->uri(), {.documents = 180'000, .seed = 7, .collection = "large"});
  const std::size_t memory_before = peak_memory_bytes();
  destination.throttle(direction::to_server, 2 * mib);
  running_copy run(settings());
  const auto ahead = [&] {
    const auto delivered = source.passed(direction::to_client);
    const auto taken = destination.passed(direction::to_server);
    return delivered > taken ? delivered - taken : 0;
  };
  std::uint64_t most = 0;
  ASSERT_TRUE(lab::eventually(
      [&] {
        most = std::max(most, ahead());
        return destination.passed(direction::to_server) > 16 * mib || run.ended();
      },
      std::chrono::seconds(40)));
  EXPECT_FALSE(run.ended()) << log.tail();
  const std::uint64_t in_kernel = 24 * mib;  // socket buffers of both sides of the proxies
  EXPECT_LT(most, limits::memory_min_bytes - limits::memory_reserved_bytes + in_kernel);
  EXPECT_GT(most, 4 * mib) << "the reader does not read ahead at all";
  EXPECT_LT(peak_memory_bytes() - memory_before, limits::memory_min_bytes);
  destination.throttle(direction::to_server, 0);
  expect_success(run.wait(), log);
  expect_equal(source_set->uri(), destination_set->uri());
  from.run("lim", R"({"drop": "large"})");
}

}  // namespace
}  // namespace sluice::fault
