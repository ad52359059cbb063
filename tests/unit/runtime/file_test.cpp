// Files on a lane: what is written is read again, errors name the path and what to do, the lane goes on meanwhile.
#include "engine/runtime/file.hpp"

#include <cstring>
#include <exception>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/runtime/lane.hpp"

namespace sluice::runtime {
namespace {

using namespace std::chrono_literals;

class file_test : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    disk_.start();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Runs `work` on the test's lane until it ends.
  template <class Work>
  void run(Work work) {
    boost::asio::co_spawn(context_, work, [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context_.run();
    context_.restart();
  }
  task<result<file>> open(std::string name, file::access how) {
    return file::open(context_.get_executor(), disk_.executor(), folder_ / name, how);
  }

  std::filesystem::path folder_;
  lane disk_{"test-disk"};
  boost::asio::io_context context_{1};
};

std::vector<std::byte> pattern(std::size_t bytes) {
  std::vector<std::byte> made(bytes);
  std::uint64_t state = 1;
  for (auto& byte : made) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::byte>(state >> 56);
  }
  return made;
}

TEST_F(file_test, reads_back_what_it_wrote_wherever_it_was_written) {
  const auto bytes = pattern(3'000'001);
  run([&]() -> task<void> {
    auto opened = co_await open("a", file::access::create);
    EXPECT_TRUE(opened.has_value());
    auto& made = opened.value();
    const auto tail = co_await made.write_at(1'000'000, std::span(bytes).subspan(1'000'000));
    EXPECT_TRUE(tail.has_value());
    const auto head = co_await made.write_at(0, std::span(bytes).first(1'000'000));
    EXPECT_TRUE(head.has_value());
    const auto synced = co_await made.sync();
    EXPECT_TRUE(synced.has_value());
  });
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(static_cast<std::size_t>(info.st_size), bytes.size());
  run([&]() -> task<void> {
    auto opened = co_await open("a", file::access::read);
    EXPECT_TRUE(opened.has_value());
    std::vector<std::byte> read(bytes.size() + 10);
    const auto got = co_await opened.value().read_at(1, read);
    EXPECT_TRUE(got.has_value());
    EXPECT_EQ(got.value(), bytes.size() - 1) << "stops at the file's end";
    EXPECT_EQ(std::memcmp(read.data(), bytes.data() + 1, bytes.size() - 1), 0);
    const auto behind = co_await opened.value().read_at(bytes.size(), read);
    EXPECT_TRUE(behind.has_value());
    EXPECT_EQ(behind.value(), 0U);
  });
}

TEST_F(file_test, truncates) {
  run([&]() -> task<void> {
    auto opened = co_await open("a", file::access::create);
    const auto bytes = pattern(100);
    const auto written = co_await opened.value().write_at(0, bytes);
    EXPECT_TRUE(written.has_value());
    const auto cut = co_await opened.value().truncate(40);
    EXPECT_TRUE(cut.has_value());
  });
  EXPECT_EQ(std::filesystem::file_size(folder_ / "a"), 40U);
}

TEST_F(file_test, says_which_file_and_what_to_do) {
  run([&]() -> task<void> {
    const auto missing = co_await open("none/a", file::access::create);
    EXPECT_TRUE(missing.has_error());
    EXPECT_EQ(missing.error().kind, error_kind::storage);
    EXPECT_NE(missing.error().message.find((folder_ / "none/a").string()), std::string::npos);
    EXPECT_NE(missing.error().message.find("No such file or directory"), std::string::npos);
    EXPECT_NE(missing.error().message.find("create the folder above it"), std::string::npos);
  });
  run([&]() -> task<void> {
    const auto first = co_await open("twice", file::access::create);
    EXPECT_TRUE(first.has_value());
    const auto second = co_await open("twice", file::access::create);
    EXPECT_TRUE(second.has_error()) << "an existing file is never overwritten";
  });
}

TEST_F(file_test, tells_a_full_disk_from_other_errors) {
  run([&]() -> task<void> {
    auto full = co_await file::open(context_.get_executor(), disk_.executor(), "/dev/full", file::access::write);
    EXPECT_TRUE(full.has_value());
    const auto bytes = pattern(5000);
    const auto written = co_await full.value().write_at(0, bytes);
    EXPECT_TRUE(written.has_error());
    EXPECT_NE(written.error().message.find("No space left on device (free space"), std::string::npos)
        << written.error().message;
  });
}

TEST_F(file_test, leaves_the_lane_free_while_the_disk_is_busy) {
  // The disk lane is held up until a timer of the lane has fired: if opening blocked the lane, neither would end.
  std::promise<void> ticked;
  auto held = ticked.get_future();
  boost::asio::post(disk_.context(), [&held] { held.wait(); });
  bool opened_before_tick = true;
  bool ticking = true;
  boost::asio::steady_timer timer(context_, 1ms);
  timer.async_wait([&](boost::system::error_code) {
    ticking = false;
    ticked.set_value();
  });
  run([&]() -> task<void> {
    const auto opened = co_await open("a", file::access::create);
    EXPECT_TRUE(opened.has_value());
    opened_before_tick = ticking;
  });
  EXPECT_FALSE(opened_before_tick);
}

}  // namespace
}  // namespace sluice::runtime
