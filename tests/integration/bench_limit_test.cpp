// Who is to blame: one part at a time is made slow, the servers by fail points that delay their reads or writes, the
// ways by the fault proxy; the bench has to name that part and no other.
#include "tests/fault/proxy.hpp"
#include "tests/integration/bench_program.hpp"

namespace sluice::lab {
namespace {

class bench_limit : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source_set = std::make_unique<replica_set>(replica_set_options{.name = "source"});
    destination_set = std::make_unique<replica_set>(replica_set_options{.name = "destination"});
  }
  static void TearDownTestSuite() {
    source_set.reset();
    destination_set.reset();
  }

  /// Through both proxies in every case: what differs between two cases is what is slow, nothing else.
  void expect_blamed(const std::string& limit, const std::string& detail) {
    const auto outcome =
        bench(from.direct_uri(), to.direct_uri(),
              {"--documents", "20000", "--changes", "200", "--no-probes", "--json", "--seconds", "10"});
    ASSERT_TRUE(outcome.status.success()) << outcome.output;
    const document report = outcome.report();
    EXPECT_EQ(report.text("verdict.limit"), limit) << report.text("verdict.because");
    EXPECT_EQ(report.text("verdict.limitDetail"), detail) << report.text("verdict.because");
    EXPECT_FALSE(report.child("verdict.advice").raw().size() <= 5) << "and nothing is advised";
    expect_nothing_left(source_set->uri(), destination_set->uri());
  }

  /// The server takes its time with one command while this lives.
  class slow {
   public:
    slow(replica_set& whose, const std::string& command, int delay_ms) : node_(whose.node(0).direct_uri()) {
      node_.run("admin", R"({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": {"failCommands": [")" +
                             command + R"("], "blockConnection": true, "blockTimeMS": )" + std::to_string(delay_ms) +
                             "}}");
    }
    ~slow() { node_.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})"); }
    slow(const slow&) = delete;
    slow& operator=(const slow&) = delete;

   private:
    client node_;
  };

  static std::unique_ptr<replica_set> source_set;
  static std::unique_ptr<replica_set> destination_set;
  fault::proxy from{source_set->node(0).port()};
  fault::proxy to{destination_set->node(0).port()};
};
std::unique_ptr<replica_set> bench_limit::source_set;
std::unique_ptr<replica_set> bench_limit::destination_set;

TEST_F(bench_limit, the_source_that_reads_slowly) {
  const slow reading(*source_set, "getMore", 700);  // 6 MB/s in batches of 4 MiB
  expect_blamed("source", "source");
}

TEST_F(bench_limit, the_destination_that_writes_slowly) {
  const slow writing(*destination_set, "insert", 700);
  expect_blamed("destination", "destination");
}

TEST_F(bench_limit, the_way_from_the_source) {
  from.throttle(fault::direction::to_client, 6'000'000);
  expect_blamed("network", "network from the source");
}

TEST_F(bench_limit, the_way_to_the_destination) {
  to.throttle(fault::direction::to_server, 6'000'000);
  expect_blamed("network", "network to the destination");
}

}  // namespace
}  // namespace sluice::lab
