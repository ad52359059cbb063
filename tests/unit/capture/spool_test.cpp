// What the spool promises: order, waiting, bounds, memory and disk, what it leaves to the next process.
#include "engine/capture/spool.hpp"

#include <random>

#include <sys/stat.h>
#include <unistd.h>

#include "engine/capture/spool_record.hpp"
#include "tests/unit/capture/spool_fixture.hpp"

namespace sluice::capture {
namespace {

using namespace std::chrono_literals;

std::string text(const result<>& outcome) {
  return outcome.has_error() ? outcome.error().message : std::string("no error");
}
bool says(const result<>& outcome, std::string_view words) {
  return outcome.has_error() && outcome.error().message.find(words) != std::string::npos;
}

TEST_F(spool_test, gives_what_it_was_given_in_order) {
  open_at(start_time);
  EXPECT_FALSE(spool_->resume_after());
  for (std::uint32_t number = 1; number <= 50; ++number) push(number, number * 37);
  EXPECT_EQ(spool_->current().entries_waiting, 150U);
  expect_next(1, 50);
  EXPECT_EQ(next(), 0U);
  EXPECT_EQ(spool_->current().entries_waiting, 0U);
  EXPECT_EQ(spool_->current().memory_bytes, 0U);
}

TEST_F(spool_test, keeps_what_it_holds_to_itself) {
  open_at(start_time);
  push(1);
  const auto mode = [](const std::filesystem::path& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777U;
  };
  EXPECT_EQ(mode(options_.folder), 0700U);
  EXPECT_EQ(mode(options_.folder / "000001.segment"), 0600U);
  EXPECT_EQ(mode(options_.folder / "lock"), 0600U);
}

TEST_F(spool_test, a_reader_that_keeps_up_never_reads_the_disk) {
  open_at(start_time);
  push(1);
  ASSERT_TRUE(flush().has_value());
  std::filesystem::resize_file(options_.folder / "000001.segment", 0);
  EXPECT_EQ(next(), 1U);
}

TEST_F(spool_test, what_memory_does_not_hold_is_read_from_disk) {
  options_.memory_bytes_max = 1000;
  options_.segment_bytes = 3000;
  open_at(start_time);
  for (std::uint32_t number = 1; number <= 100; ++number) {
    push(number, number % 7 == 0 ? 5000 : 300);
    EXPECT_LE(spool_->current().memory_bytes, 1000U);
  }
  EXPECT_GT(segments().size(), 5U);
  expect_next(1, 100);
  EXPECT_EQ(next(), 0U);
}

TEST_F(spool_test, chunks_larger_than_a_batch_pass) {
  options_.memory_bytes_max = 0;
  open_at(start_time);
  push(1, 100);
  push(2, 17'000'000);
  push(3, 1'048'576);
  push(4, 1'048'576 - record_header_bytes);
  push(5, 100);
  close();
  open_at(start_time);
  expect_next(1, 5);
}

TEST_F(spool_test, the_next_process_goes_on_where_this_one_ended) {
  options_.segment_bytes = 1000;
  open_at(start_time);
  for (std::uint32_t number = 1; number <= 20; ++number) push(number);
  EXPECT_EQ(next(), 1U);
  close();

  open_at(start_time);
  ASSERT_TRUE(spool_->resume_after());
  EXPECT_EQ(*spool_->resume_after(), (wire::optime{end_of(20), 7}));
  EXPECT_EQ(spool_->current().entries_waiting, 60U);
  for (std::uint32_t number = 21; number <= 30; ++number) push(number);
  EXPECT_EQ(spool_->current().entries_waiting, 90U);
  expect_next(1, 30);
  close();

  open_at(start_time);
  EXPECT_EQ(spool_->current().entries_waiting, 90U);
  EXPECT_EQ(spool_->resume_after()->at, end_of(30));
  expect_next(1, 30);
}

TEST_F(spool_test, tells_since_when_a_chunk_waits_over_a_restart) {
  open_at(start_time);
  auto chunk = make_chunk(1);
  chunk.arrived = std::chrono::steady_clock::now() - 1h;
  ASSERT_TRUE(push_chunk(std::move(chunk)).has_value());
  close();
  open_at(start_time);
  auto found = next_if_any();
  ASSERT_TRUE(found.has_value() && found.value());
  const auto waited = std::chrono::steady_clock::now() - (*found.value())->arrived;
  EXPECT_GE(waited, 1h);
  EXPECT_LT(waited, 2h);
}

TEST_F(spool_test, begins_with_the_chunk_that_holds_the_time) {
  options_.segment_bytes = 700;
  open_at(start_time);
  for (std::uint32_t number = 1; number <= 20; ++number) push(number);
  close();
  const auto images = segments();
  for (std::uint32_t number = 1; number <= 20; ++number) {
    for (const auto from : {begin_of(number), end_of(number)}) {
      restore(images);
      open_at(from);
      EXPECT_EQ(spool_->resume_after()->at, end_of(20));
      EXPECT_EQ(spool_->current().entries_waiting, (21 - number) * 3);
      expect_next(number, 20);
      EXPECT_EQ(next(), 0U);
      close();
    }
  }
}

TEST_F(spool_test, drops_what_was_applied_already) {
  open_at(start_time);
  push(1);
  close();
  open_at({1000, 20});
  EXPECT_FALSE(spool_->resume_after());
  EXPECT_TRUE(segments().empty());
  EXPECT_EQ(spool_->current().disk_bytes, 0U);
  push(2);
  EXPECT_EQ(next(), 2U);
}

TEST_F(spool_test, drops_what_does_not_reach_back) {
  open_at({1000, 5});
  push(1);
  close();
  open_at({1000, 4});
  EXPECT_FALSE(spool_->resume_after());
  EXPECT_TRUE(segments().empty());
  EXPECT_EQ(next(), 0U);
}

TEST_F(spool_test, waits_for_a_chunk) {
  open_at(start_time);
  bool done = false;
  start([&]() -> task<void> {
    const auto chunk = co_await spool_->next();
    EXPECT_TRUE(chunk.has_value());
    EXPECT_EQ(number_of(*chunk.value()), 1U);
    done = true;
  });
  context_.poll();
  EXPECT_FALSE(done);
  push(1);
  run_until(done);
}

TEST_F(spool_test, a_wait_can_be_ended_and_begun_again) {
  open_at(start_time);
  int ended = 0;
  start([&]() -> task<void> {
    const auto nothing = co_await spool_->next();
    EXPECT_TRUE(nothing.has_error() && nothing.error().kind == error_kind::cancelled);
    ++ended;
    const auto chunk = co_await spool_->next();
    EXPECT_TRUE(chunk.has_value() && number_of(*chunk.value()) == 1U);
    ++ended;
  });
  context_.poll();
  EXPECT_EQ(ended, 0);
  spool_->stop_waiting();
  run_until_true([&] { return ended == 1; });
  push(1);
  run_until_true([&] { return ended == 2; });
}

TEST_F(spool_test, cancelling_ends_waits) {
  options_.disk_bytes_max = 2000;
  open_at(start_time);
  push(1, 1500);
  int ended = 0;
  start([&]() -> task<void> {
    auto chunk = make_chunk(2, 1500);
    const auto refused = co_await spool_->push(std::move(chunk));
    EXPECT_EQ(refused.error().kind, error_kind::cancelled);
    ++ended;
  });
  EXPECT_EQ(next(), 1U);
  start([&]() -> task<void> {
    const auto chunk = co_await spool_->next();
    EXPECT_EQ(chunk.error().kind, error_kind::cancelled);
    ++ended;
  });
  context_.poll();
  EXPECT_EQ(ended, 0);
  scope_.cancel();
  run_until_true([&] { return ended == 2; });
  EXPECT_EQ(try_push(2).error().kind, error_kind::cancelled);
}

TEST_F(spool_test, a_chunk_without_entries_moves_the_time) {
  open_at(start_time);
  change_chunk idle;
  idle.seen_until = {1000, 8};
  ASSERT_TRUE(push_chunk(idle).has_value());
  idle.seen_until = {1000, 9};
  ASSERT_TRUE(push_chunk(idle).has_value());
  auto found = next_if_any();
  ASSERT_TRUE(found.has_value() && found.value());
  EXPECT_EQ((*found.value())->count, 0U);
  EXPECT_EQ((*found.value())->seen_until, (bson::timestamp{1000, 9}));
  EXPECT_EQ(next(), 0U);

  push(1);
  idle.seen_until = {1000, 30};
  ASSERT_TRUE(push_chunk(idle).has_value());
  EXPECT_EQ(next(), 1U) << "never before what came before it";
  found = next_if_any();
  ASSERT_TRUE(found.has_value() && found.value());
  EXPECT_EQ((*found.value())->seen_until, (bson::timestamp{1000, 30}));

  idle.seen_until = {1000, 31};
  ASSERT_TRUE(push_chunk(idle).has_value());
  push(4);
  EXPECT_EQ(next(), 4U) << "a chunk says it too";
  EXPECT_EQ(next(), 0U);
}

TEST_F(spool_test, writes_small_chunks_together_within_the_time) {
  options_.write_within = 20ms;
  open_at(start_time);
  push(1);
  EXPECT_EQ(std::filesystem::file_size(options_.folder / "000001.segment"), 0U) << "collected first";
  run_until_true([&] { return std::filesystem::file_size(options_.folder / "000001.segment") > 0; });
  const auto images = segments();  // as a kill would leave them
  close();
  restore(images);
  open_at(start_time);
  expect_next(1, 1);
}

// ------------------------------------------------------------------------------------------------------ memory and
// disk

TEST_F(spool_test, stays_in_memory_while_the_applier_keeps_up) {
  options_.memory_bytes_max = 1000;
  open_at(start_time);
  spool_->keep_on_disk(false);
  for (std::uint32_t number = 1; number <= 100; ++number) {
    push(number);
    if (number % 8 == 0) expect_next(number - 7, number);
  }
  EXPECT_TRUE(segments().empty());
  EXPECT_EQ(spool_->current().disk_bytes, 0U);
}

TEST_F(spool_test, overflows_to_disk_and_comes_back_to_memory) {
  options_.memory_bytes_max = 1000;
  open_at(start_time);
  spool_->keep_on_disk(false);
  for (std::uint32_t number = 1; number <= 50; ++number) push(number);
  EXPECT_GE(spool_->current().memory_bytes, 1000U);
  EXPECT_GT(spool_->current().disk_bytes, 4000U);
  expect_next(1, 20);
  push(51);  // the disk is not read up: memory would be out of order
  expect_next(21, 51);
  spool_->release(end_of(51));
  run_until_true([&] { return spool_->current().disk_bytes == 0; });
  push(52);
  EXPECT_EQ(spool_->current().disk_bytes, 0U) << "in memory again";
  expect_next(52, 52);
  EXPECT_TRUE(segments().empty());
}

TEST_F(spool_test, goes_over_to_memory_only_when_the_disk_was_read) {
  options_.memory_bytes_max = 1000;
  open_at(start_time);
  for (std::uint32_t number = 1; number <= 20; ++number) push(number);
  spool_->keep_on_disk(false);
  const auto before = spool_->current().disk_bytes;
  push(21);
  EXPECT_GT(spool_->current().disk_bytes, before);
  expect_next(1, 21);
  const auto after = spool_->current().disk_bytes;
  push(22);
  EXPECT_EQ(spool_->current().disk_bytes, after);
  expect_next(22, 22);
}

TEST_F(spool_test, a_gap_on_disk_is_not_passed_over) {
  options_.memory_bytes_max = 1000;
  open_at(start_time);
  for (std::uint32_t number = 1; number <= 5; ++number) push(number);
  expect_next(1, 5);
  spool_->keep_on_disk(false);
  for (std::uint32_t number = 6; number <= 40; ++number) push(number);  // 6-15 in memory only, then on disk
  ASSERT_TRUE(flush().has_value());
  const auto images = segments();
  close();
  // Only what lies behind the gap may be taken, and only by somebody who has what lies before.
  std::uint32_t first_behind = 0;
  for (std::uint32_t number = 1; number <= 40; ++number) {
    restore(images);
    open_at(end_of(number));
    if (spool_->resume_after()) {
      if (first_behind == 0) first_behind = number;
      EXPECT_EQ(spool_->resume_after()->at, end_of(40));
      expect_next(number == first_behind ? number + 1 : number, 40);
    } else {
      EXPECT_EQ(first_behind, 0U);
      EXPECT_EQ(next(), 0U);
      EXPECT_TRUE(segments().empty());
    }
    close();
  }
  EXPECT_EQ(first_behind, 15U) << "the last one that was in memory only";
}

// ------------------------------------------------------------------------------------------------- bounds and
// releasing

TEST_F(spool_test, removes_whole_segments_that_nobody_needs) {
  options_.segment_bytes = 1000;
  options_.memory_bytes_max = 0;
  open_at(start_time);
  for (std::uint32_t number = 1; number <= 40; ++number) push(number);
  const auto all = segments().size();
  ASSERT_GT(all, 5U);
  spool_->release(end_of(40));
  context_.poll();
  EXPECT_EQ(segments().size(), all) << "unread: kept whatever is said";
  expect_next(1, 20);
  spool_->release(end_of(20));
  run_until_true([&] { return segments().size() < all; });
  expect_next(21, 40);
  spool_->release(end_of(30));
  spool_->release(end_of(40));
  run_until_true([&] { return segments().size() == 1; });
  const auto only = segments().begin()->second.size();
  run_until_true([&] { return spool_->current().disk_bytes == only; });
  push(41);
  close();
  open_at(end_of(40));
  expect_next(40, 41);
}

TEST_F(spool_test, a_full_spool_makes_the_producer_wait) {
  options_.segment_bytes = 1 << 20;
  options_.disk_bytes_max = 8000;
  options_.memory_bytes_max = 500;
  open_at(start_time);
  std::uint32_t pushed = 0;
  bool done = false;
  start([&]() -> task<void> {
    for (std::uint32_t number = 1; number <= 300; ++number) {
      auto chunk = make_chunk(number);
      const auto outcome = co_await spool_->push(std::move(chunk));
      EXPECT_TRUE(outcome.has_value());
      pushed = number;
    }
    done = true;
  });
  run_until_true([&] { return spool_->current().full; });
  EXPECT_LT(pushed, 60U);
  EXPECT_GT(pushed, 20U);
  for (std::uint32_t number = 1; number <= 300; ++number) {
    EXPECT_LE(spool_->current().disk_bytes, 8000U);
    run_until_true([&] { return spool_->current().entries_waiting > 0; });
    ASSERT_EQ(next(), number);
    spool_->release(end_of(number));
  }
  run_until(done);
  EXPECT_FALSE(spool_->current().full);
}

TEST_F(spool_test, a_chunk_larger_than_the_bound_passes_alone) {
  options_.disk_bytes_max = 1000;
  options_.memory_bytes_max = 0;
  open_at(start_time);
  push(1, 5000);
  EXPECT_EQ(next(), 1U);
  spool_->release(end_of(1));
  push(2, 5000);  // waits until the first one is gone
  EXPECT_EQ(next(), 2U);
}

TEST_F(spool_test, what_was_released_unread_makes_room_when_it_is_read) {
  options_.disk_bytes_max = 1000;
  options_.memory_bytes_max = 0;
  open_at(start_time);
  push(1, 5000);
  spool_->release(end_of(1));
  bool done = false;
  start([&]() -> task<void> {
    auto chunk = make_chunk(2, 5000);
    const auto pushed = co_await spool_->push(std::move(chunk));
    EXPECT_TRUE(pushed.has_value());
    done = true;
  });
  context_.poll();
  EXPECT_FALSE(done);
  EXPECT_EQ(next(), 1U);
  run_until(done);
  EXPECT_EQ(next(), 2U);
}

TEST_F(spool_test, leaves_nothing_when_the_run_is_over) {
  options_.segment_bytes = 500;
  open_at(start_time);
  for (std::uint32_t number = 1; number <= 20; ++number) push(number);
  const auto removed = run([this]() -> task<result<>> { co_return co_await spool_->remove(); });
  EXPECT_TRUE(removed.has_value()) << text(removed);
  EXPECT_FALSE(std::filesystem::exists(options_.folder));
  spool_.reset();
}

TEST_F(spool_test, removes_what_another_process_left) {
  options_.segment_bytes = 300;
  open_at(start_time);
  for (std::uint32_t number = 1; number <= 9; ++number) push(number);
  close();
  auto images = segments();
  images.erase(std::next(images.begin()));  // with a gap
  restore(images);
  ASSERT_TRUE(open().has_value());
  const auto removed = run([this]() -> task<result<>> { co_return co_await spool_->remove(); });
  EXPECT_TRUE(removed.has_value()) << text(removed);
  EXPECT_FALSE(std::filesystem::exists(options_.folder));
  spool_.reset();
}

// -------------------------------------------------------------------------------------------------------------
// refusals

TEST_F(spool_test, needs_the_folder_above) {
  options_.folder = base_ / "none" / "spool";
  const auto opened = open();
  EXPECT_TRUE(says(opened, options_.folder.string())) << text(opened);
  EXPECT_TRUE(says(opened, "create the folder above it")) << text(opened);
  EXPECT_EQ(opened.error().kind, error_kind::storage);
}

TEST_F(spool_test, says_that_it_may_not_write) {
  std::filesystem::create_directory(options_.folder);
  std::filesystem::permissions(base_, std::filesystem::perms(0755));
  std::filesystem::permissions(options_.folder, std::filesystem::perms(0555));
  // Permissions do not bind root; nobody is bound by them.
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const auto opened = open();
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_TRUE(says(opened, "Permission denied (give this user the permission")) << text(opened);
  std::filesystem::permissions(options_.folder, std::filesystem::perms(0700));
}

TEST_F(spool_test, refuses_another_runs_segments_and_leaves_them) {
  open_at(start_time);
  push(1);
  close();
  const auto before = segments();
  options_.run = "run-b";
  const auto opened = open();
  ASSERT_TRUE(opened.has_error());
  EXPECT_EQ(opened.error().kind, error_kind::refused);
  EXPECT_TRUE(says(opened, "\"run-a\"")) << text(opened);
  EXPECT_TRUE(says(opened, "\"run-b\"")) << text(opened);
  EXPECT_TRUE(segments() == before);
}

TEST_F(spool_test, refuses_files_that_are_none_of_its_own) {
  restore({{"000007.segment", std::string(5000, 'v')}});
  const auto opened = open();
  EXPECT_TRUE(says(opened, "is no segment of a spool")) << text(opened);
  EXPECT_EQ(segments().size(), 1U);
}

TEST_F(spool_test, refuses_a_second_process) {
  open_at(start_time);
  auto first = std::move(spool_);
  const auto opened = open();
  EXPECT_EQ(opened.error().kind, error_kind::refused);
  EXPECT_TRUE(says(opened, "in use by process " + std::to_string(::getpid()))) << text(opened);
  spool_ = std::move(first);
  close();
  EXPECT_TRUE(open().has_value()) << "the lock ends with its owner";
}

// ----------------------------------------------------------------------------------------------------- random
// sequences

/// A spool under random pushes, reads, releases and changes of mode, and what a kill at that time would leave: whatever
/// comes out afterwards, together with what capture reads again, is every change once.
class spool_random : public spool_test, public testing::WithParamInterface<int> {};

TEST_P(spool_random, loses_nothing_and_reorders_nothing) {
  const auto seed = static_cast<std::uint64_t>(GetParam());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  options_.memory_bytes_max = 200 + below(3000);
  options_.segment_bytes = 600 + below(4000);
  open_at(start_time);
  std::uint32_t pushed = 0;
  std::uint32_t read = 0;
  std::uint32_t released = 0;
  bool always = true;
  for (int process = 0; process < 6; ++process) {
    for (auto steps = 20 + below(150); steps > 0; --steps) {
      switch (below(12)) {
        case 0:
          always = below(2) == 0;
          spool_->keep_on_disk(always);
          break;
        case 1:
          released += static_cast<std::uint32_t>(read > released ? below(read - released + 1) : 0);
          if (released > 0) spool_->release(end_of(released));
          break;
        case 2:
          ASSERT_TRUE(flush().has_value());
          break;
        case 3:
          context_.poll();
          break;
        case 4:
        case 5:
        case 6:
        case 7:
          for (auto times = below(6); times > 0 && read < pushed; --times) ASSERT_EQ(next(), ++read);
          break;
        default:
          push(++pushed, 20 + below(600));
      }
      ASSERT_EQ(spool_->current().entries_waiting, (pushed - read) * 3U);
    }
    const auto images = segments();
    close();
    restore(images);
    // The last checkpoint: nothing newer was released.
    const auto applied = released + static_cast<std::uint32_t>(below(read - released + 1));
    const auto from = applied == 0 ? start_time : end_of(applied);
    open_at(from);
    if (const auto resume = spool_->resume_after()) {
      const auto newest = resume->at.increment / 10;
      ASSERT_EQ(resume->at, end_of(newest));
      ASSERT_LE(newest, pushed);
      ASSERT_GE(newest, applied);
      const auto first = next();
      if (newest > applied || first != 0) {
        ASSERT_TRUE(first == applied || first == applied + 1) << first << " after " << applied;
        expect_next(first + 1, newest);
      }
      ASSERT_EQ(next(), 0U);
      pushed = read = newest;
    } else {
      ASSERT_EQ(next(), 0U);
      ASSERT_EQ(spool_->current().disk_bytes, 0U);
      pushed = read = applied;
    }
    released = applied;
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, spool_random, testing::Range(1, 101));

}  // namespace
}  // namespace sluice::capture
