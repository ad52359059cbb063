// A disk that is full: said at once and plainly, nothing lost, and going on as soon as there is room.
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/capture/spool_fixture.hpp"

namespace sluice::capture {
namespace {

constexpr std::size_t room = 200'000;

/// A file system of its own where that can be mounted, else a limit on the size of files.
class spool_full_disk : public spool_test, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    spool_test::SetUp();
    const auto size = "size=" + std::to_string(room) + ",mode=0755";
    mounted_ = GetParam() && ::mount("tmpfs", base_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &usual_), 0);
    ::signal(SIGXFSZ, SIG_IGN);
    if (!mounted_) limit(room);
  }
  void TearDown() override {
    limit(usual_.rlim_cur);
    close();
    if (mounted_) {
      ASSERT_EQ(::umount(base_.c_str()), 0);
    }
    spool_test::TearDown();
  }
  void make_room() {
    if (mounted_) {
      ASSERT_EQ(::mount("tmpfs", base_.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
    } else {
      limit(usual_.rlim_cur);
    }
  }
  /// Pushes until it is refused; the last number that was taken.
  std::uint32_t fill(std::uint32_t number, std::size_t bytes) {
    for (;; ++number) {
      const auto pushed = try_push(number, bytes);
      if (pushed.has_value()) continue;
      const auto& message = pushed.error().message;
      EXPECT_EQ(pushed.error().kind, error_kind::storage);
      EXPECT_NE(message.find(options_.folder.string()), std::string::npos) << message;
      EXPECT_NE(message.find(mounted_ ? "No space left on device (free space" : "File too large (the limit"),
                std::string::npos)
          << message;
      EXPECT_EQ(spool_->current().fault, message);
      return number - 1;
    }
  }

  void refuse_and_take_later() {
    open_at(start_time);
    const auto last = fill(1, 3000);
    EXPECT_GT(last, 20U);
    EXPECT_TRUE(try_push(last + 1, 3000).has_error()) << "still full";
    expect_next(1, last - 5);

    make_room();
    push(last + 1, 3000);
    EXPECT_EQ(spool_->current().fault, "");
    for (auto number = last + 2; number <= last + 100; ++number) push(number, 3000);
    expect_next(last - 4, last + 100);
    EXPECT_EQ(next(), 0U);
    close();

    open_at(start_time);
    expect_next(1, last + 100);
    close();
  }

 private:
  void limit(rlim_t bytes) const {
    auto wanted = usual_;
    wanted.rlim_cur = bytes;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &wanted), 0);
  }

  bool mounted_ = false;
  rlimit usual_{};
};

TEST_P(spool_full_disk, refuses_a_chunk_and_takes_it_later) {
  options_.memory_bytes_max = 0;
  refuse_and_take_later();
}

TEST_P(spool_full_disk, refuses_a_chunk_that_memory_could_hold) {
  options_.memory_bytes_max = 16'000'000;
  refuse_and_take_later();
}

TEST_P(spool_full_disk, leaves_whole_records_behind_when_it_is_killed) {
  options_.memory_bytes_max = 0;
  open_at(start_time);
  const auto last = fill(1, 7000);
  const auto images = segments();
  for (const auto& [name, bytes] : images) EXPECT_LE(bytes.size(), room);
  make_room();
  close();
  restore(images);
  open_at(start_time);
  // The last one was taken into memory, in which it waited to be written.
  EXPECT_EQ(spool_->resume_after()->at, end_of(last - 1));
  expect_next(1, last - 1);
}

TEST_P(spool_full_disk, a_record_larger_than_a_batch_is_taken_back) {
  open_at(start_time);
  push(1);
  ASSERT_TRUE(flush().has_value());
  const auto before = segments();
  EXPECT_TRUE(try_push(2, 2'000'000).has_error());
  EXPECT_TRUE(segments() == before) << "what half of it was written is given back";
  make_room();
  push(2, 2'000'000);
  push(3);
  expect_next(1, 3);
}

TEST_P(spool_full_disk, a_segment_that_got_nothing_is_given_back) {
  options_.memory_bytes_max = 0;
  open_at(start_time);
  EXPECT_TRUE(try_push(1, 2'000'000).has_error());
  EXPECT_TRUE(segments().empty());
  EXPECT_EQ(spool_->current().disk_bytes, 0U);
  make_room();
  push(1, 2'000'000);
  push(2);
  expect_next(1, 2);
}

TEST_P(spool_full_disk, a_segment_that_was_given_back_leaves_no_gap) {
  options_.segment_bytes = 1;  // each chunk has its own
  open_at(start_time);
  push(1);
  EXPECT_TRUE(try_push(2, 2'000'000).has_error());
  EXPECT_EQ(segments().size(), 1U);
  make_room();
  push(2, 2'000'000);
  push(3);
  close();
  open_at(start_time);
  ASSERT_TRUE(spool_->resume_after());
  expect_next(1, 3);
}

TEST_P(spool_full_disk, small_chunks_wait_in_memory_until_they_can_be_written) {
  open_at(start_time);
  for (std::uint32_t number = 1; number <= 100; ++number) push(number, 3000);
  auto flushed = flush();
  EXPECT_TRUE(flushed.has_error());
  make_room();
  flushed = flush();
  EXPECT_TRUE(flushed.has_value());
  EXPECT_EQ(spool_->current().fault, "");
  const auto images = segments();
  close();
  restore(images);
  open_at(start_time);
  expect_next(1, 100);
}

TEST_P(spool_full_disk, memory_needs_no_disk) {
  open_at(start_time);
  spool_->keep_on_disk(false);
  for (std::uint32_t number = 1; number <= 300; ++number) {
    push(number, 5000);
    EXPECT_EQ(next(), number);
  }
}

INSTANTIATE_TEST_SUITE_P(file_system_or_limit, spool_full_disk, testing::Bool());

}  // namespace
}  // namespace sluice::capture
