// From figures to the limit, the advice and the estimate: many made-up pairs of clusters, each with one right answer.
#include "engine/measure/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

namespace sluice::measure {
namespace {

constexpr double mb = 1e6;

step step_of(double mb_per_second, double seconds = 2) {
  step made;
  made.seconds = seconds;
  made.bytes = static_cast<std::int64_t>(mb_per_second * mb * seconds);
  return made;
}

struct pair_of_clusters {
  double read = 600, write = 100, copy = 95;
  double source_network = 3000, destination_network = 2500;
};

figures figures_of(const pair_of_clusters& p) {
  figures f;
  f.lanes = 1;
  f.connections = f.connections_used = 4;
  f.data_bytes = 172'000'000;
  f.data_documents = 200'000;
  f.batch_bytes = 4'000'000;
  f.source_read = {step_of(p.read), step_of(p.read)};
  f.destination_write = {step_of(p.write), step_of(p.write)};
  f.source_network.transfer = step_of(p.source_network);
  f.destination_network.transfer = step_of(p.destination_network);
  f.copy = step_of(p.copy);
  return f;
}

std::string limit_of(const figures& f) {
  const verdict v = judge(f, 1e12);
  return v.limited_by ? std::string(to_string(*v.limited_by)) : "none";
}

bool advises(const verdict& v, std::string_view text) {
  return std::ranges::any_of(v.advice, [text](const std::string& one) { return one.find(text) != std::string::npos; });
}

TEST(verdict, names_the_limit) {
  struct named {
    pair_of_clusters of;
    const char* limit;
  };
  const named all[] = {
      {{}, "destination"},
      {{.copy = 80}, "destination"},  // 1.25 of the ceiling: noise
      {{.read = 50, .copy = 48}, "source"},
      {{.read = 40, .copy = 39, .source_network = 42}, "network from the source"},
      {{.read = 40, .copy = 39, .source_network = 56}, "network from the source"},
      {{.read = 40, .copy = 39, .source_network = 80}, "source"},
      {{.write = 20, .copy = 19, .destination_network = 21}, "network to the destination"},
      {{.write = 20, .copy = 19, .destination_network = 200}, "destination"},
      {{.copy = 50}, "copy"},
      {{.read = 100, .write = 100, .copy = 40}, "copy"},
      {{.read = 3000, .write = 2900, .copy = 2700, .source_network = 0, .destination_network = 0}, "destination"},
      // Both ways are narrow: the narrower one is named.
      {{.read = 20, .write = 30, .copy = 19, .source_network = 21, .destination_network = 31},
       "network from the source"},
      {{.read = 30, .write = 20, .copy = 19, .source_network = 31, .destination_network = 21},
       "network to the destination"},
      // The way to the destination is narrow, but the source is slower still.
      {{.read = 10, .write = 20, .copy = 9.8, .destination_network = 21}, "source"},
  };
  for (const named& one : all) {
    EXPECT_EQ(limit_of(figures_of(one.of)), one.limit)
        << "read " << one.of.read << " write " << one.of.write << " copy " << one.of.copy;
  }
}

TEST(verdict, compression_widens_the_way) {
  figures f = figures_of({.write = 60, .copy = 58, .destination_network = 40});
  f.destination.data_per_wire_byte = 3;  // carries 120 MB of documents
  EXPECT_EQ(limit_of(f), "destination");
  f.destination.data_per_wire_byte = 1;
  EXPECT_EQ(limit_of(f), "network to the destination");
}

TEST(verdict, servers_of_one_machine_take_turns) {
  figures f = figures_of({.read = 150, .write = 100, .copy = 58});  // 1 / (1/150 + 1/100) = 60
  EXPECT_EQ(limit_of(f), "copy");
  f.one_machine = true;
  EXPECT_EQ(limit_of(f), "destination");
}

TEST(verdict, a_copy_between_two_ceilings_is_not_to_blame) {
  figures f = figures_of({.copy = 27});
  f.destination_write = {step_of(55), step_of(20)};
  EXPECT_EQ(limit_of(f), "destination");
  f.copy = step_of(14);
  EXPECT_EQ(limit_of(f), "copy");
}

TEST(verdict, without_a_copy_the_slower_side_is_named) {
  figures f = figures_of({});
  f.copy = {};
  EXPECT_EQ(limit_of(f), "destination");
  EXPECT_FALSE(judge(f, 1e12).time);
}

TEST(verdict, nothing_measured_names_nothing) {
  EXPECT_EQ(limit_of(figures()), "none");
  EXPECT_TRUE(judge(figures(), 1e12).advice.empty());
}

TEST(verdict, says_why_with_the_figures) {
  const verdict v = judge(figures_of({}), 1e12);
  for (const char* part : {"100 MB/s", "600 MB/s", "95 MB/s"}) {
    EXPECT_NE(v.because.find(part), std::string::npos) << v.because;
  }
}

TEST(verdict, every_limit_comes_with_advice) {
  for (const pair_of_clusters& p :
       {pair_of_clusters{}, pair_of_clusters{.read = 50, .copy = 48},
        pair_of_clusters{.read = 40, .copy = 39, .source_network = 42},
        pair_of_clusters{.write = 20, .copy = 19, .destination_network = 21}, pair_of_clusters{.copy = 50}}) {
    EXPECT_FALSE(judge(figures_of(p), 1e12).advice.empty()) << limit_of(figures_of(p));
  }
}

TEST(verdict, advises_what_a_probe_has_shown_and_nothing_that_it_has_not) {
  figures f = figures_of({});
  f.probes = {{"connections", "8 connections instead of 4", 100 * mb, 130 * mb}};
  EXPECT_TRUE(advises(judge(f, 1e12), "--connections 8"));
  f.probes = {{"connections", "8 connections instead of 4", 100 * mb, 104 * mb}};
  EXPECT_FALSE(advises(judge(f, 1e12), "--connections"));
  f.probes = {{"majority", "w: majority instead of w: 1", 100 * mb, 60 * mb}};
  EXPECT_TRUE(advises(judge(f, 1e12), "write concern"));
  f.probes = {{"indexes_first", "2 indexes there before the data", 100 * mb, 50 * mb}};
  EXPECT_TRUE(advises(judge(f, 1e12), "afterDataCopy"));
}

TEST(verdict, tells_a_busy_cpu_from_a_slow_disk) {
  figures f = figures_of({});
  f.destination.cores = 4;
  f.destination_write.front().cpu.destination = 7.9;  // of 2 s
  EXPECT_TRUE(advises(judge(f, 1e12), "Its CPU is the limit (99 % of 4 cores"));
  f.destination_write.front().cpu.destination = 1.0;
  EXPECT_TRUE(advises(judge(f, 1e12), "Its CPU is not the limit"));
  figures reading = figures_of({.read = 50, .copy = 48});
  reading.source.cores = 2;
  reading.source_read.front().cpu.source = 3.9;
  EXPECT_TRUE(advises(judge(reading, 1e12), "Its CPU is the limit"));
}

TEST(verdict, tells_a_long_way_from_a_narrow_one) {
  figures f = figures_of({.write = 38, .copy = 37, .destination_network = 40});
  f.destination_network.roundtrip.p50_ms =
      100;  // four batches of 4 MB, each waits a tenth of a second: 160 MB/s at best
  EXPECT_FALSE(advises(judge(f, 1e12), "round trip"));
  f.destination_network.roundtrip.p50_ms = 350;
  EXPECT_TRUE(advises(judge(f, 1e12), "round trip"));
  EXPECT_TRUE(advises(judge(f, 1e12), "--connections 8"));
}

TEST(verdict, advises_to_compress_only_what_is_not) {
  figures f = figures_of({.write = 20, .copy = 19, .destination_network = 21});
  EXPECT_TRUE(advises(judge(f, 1e12), "compressors=zstd"));
  f.destination.data_per_wire_byte = 2;
  f.destination_network.transfer = step_of(11);
  EXPECT_FALSE(advises(judge(f, 1e12), "compressors"));
}

TEST(verdict, blames_indexes_that_take_their_share) {
  figures f = figures_of({});
  f.indexes = 5;
  f.index_seconds = 3;  // beside 2 s of data
  EXPECT_TRUE(advises(judge(f, 1e12), "5 indexes takes 60 %"));
  f.index_seconds = 0.1;
  EXPECT_FALSE(advises(judge(f, 1e12), "indexes takes"));
}

TEST(verdict, asks_for_lanes_when_its_own_threads_are_busy) {
  figures f = figures_of({.copy = 50});
  f.copy.cpu.engine_user = 0.5;
  f.copy.cpu.engine_system = 1.4;  // of 2 s
  EXPECT_TRUE(advises(judge(f, 1e12), "--lanes 2"));
}

// --- the estimate ---

TEST(verdict, estimates_by_the_copys_own_rate) {
  const verdict v = judge(figures_of({.copy = 100}), 3.2e12);
  ASSERT_TRUE(v.time);
  EXPECT_NEAR(v.time->seconds, 32'000, 1);
  EXPECT_NEAR(v.time->spread, 0.05, 1e-9);
  EXPECT_EQ(estimate_text(*v.time), "3.2 TB → 8 h 53 min ± 5 %");
}

TEST(verdict, indexes_grow_a_little_faster_than_the_data) {
  figures f = figures_of({.copy = 100});
  f.index_seconds = 1;
  const verdict v = judge(f, 172e9);  // a thousand times
  ASSERT_TRUE(v.time);
  EXPECT_GT(v.time->index_seconds, 1000);
  EXPECT_LT(v.time->index_seconds, 2000);
  EXPECT_DOUBLE_EQ(v.time->seconds, v.time->data_seconds + v.time->index_seconds);
}

TEST(verdict, what_drifts_is_known_less_well) {
  figures f = figures_of({});
  f.destination_write = {step_of(80), step_of(120)};
  const verdict v = judge(f, 1e12);
  EXPECT_NEAR(v.time->spread, std::sqrt(0.05 * 0.05 + 0.2 * 0.2), 1e-6);
  EXPECT_TRUE(
      std::ranges::any_of(v.caveats, [](const std::string& one) { return one.find("40 %") != std::string::npos; }));
  figures unsteady = figures_of({});
  for (int i = 0; i < 10; ++i) unsteady.copy.series.push_back({0.2 * (i + 1), (i % 2 == 0 ? 50 : 150) * mb});
  EXPECT_GT(judge(unsteady, 1e12).time->spread, 0.1);
}

TEST(verdict, warns_of_a_data_set_that_fits_into_the_cache) {
  figures f = figures_of({});
  f.destination.cache_bytes = 500'000'000;
  const auto warned = [&f](double bytes) {
    const verdict v = judge(f, bytes);
    return std::ranges::any_of(v.caveats,
                               [](const std::string& one) { return one.find("cache") != std::string::npos; });
  };
  EXPECT_TRUE(warned(1e12));
  EXPECT_FALSE(warned(400e6));
  f.destination.cache_bytes = 100'000'000;
  EXPECT_FALSE(warned(1e12));
}

TEST(verdict, times_and_sizes_are_for_people) {
  EXPECT_EQ(time_text(0.43), "0.4 s");
  EXPECT_EQ(time_text(42.4), "42 s");
  EXPECT_EQ(time_text(725), "12 min 5 s");
  EXPECT_EQ(time_text(3600), "1 h");
  EXPECT_EQ(time_text(18'600), "5 h 10 min");
  EXPECT_EQ(time_text(7199), "2 h");  // rounded to minutes
  EXPECT_EQ(time_text(273'600), "3 d 4 h");
  EXPECT_EQ(size_text(860), "860 B");
  EXPECT_EQ(size_text(172e6), "172 MB");
  EXPECT_EQ(size_text(3.2e12), "3.2 TB");
  EXPECT_EQ(size_text(1.234e9), "1.23 GB");
  EXPECT_EQ(size_text(1e12), "1 TB");
}

TEST(verdict, has_one_of_four_words_for_every_limit) {
  EXPECT_EQ(kind_of(limit::source), "source");
  EXPECT_EQ(kind_of(limit::source_network), "network");
  EXPECT_EQ(kind_of(limit::destination), "destination");
  EXPECT_EQ(kind_of(limit::destination_network), "network");
  EXPECT_EQ(kind_of(limit::copy), "copy");
}

}  // namespace
}  // namespace sluice::measure
