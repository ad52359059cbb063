// A spool on the test's own thread, and chunks whose content follows from their number.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "engine/capture/spool.hpp"

namespace sluice::capture {

/// Chunk `number` (from 1) has the times number * 10 + 1 ... number * 10 + 9.
inline bson::timestamp begin_of(std::uint32_t number) {
  return {1000, number * 10 + 1};
}
inline bson::timestamp end_of(std::uint32_t number) {
  return {1000, number * 10 + 9};
}
inline constexpr bson::timestamp start_time{1000, 5};  // before the first chunk

inline std::vector<std::byte> content_of(std::uint32_t number, std::size_t bytes) {
  std::vector<std::byte> made(bytes);
  std::uint64_t state = number * 2654435761U + 1;
  for (auto& byte : made) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::byte>(state >> 56U);
  }
  return made;
}
inline change_chunk make_chunk(std::uint32_t number, std::size_t bytes = 100) {
  change_chunk chunk;
  chunk.entries = content_of(number, bytes);
  chunk.count = 3;
  chunk.first = {begin_of(number), 7};
  chunk.last = {end_of(number), 7};
  chunk.seen_until = end_of(number);
  chunk.arrived = std::chrono::steady_clock::now();
  return chunk;
}
inline std::uint32_t number_of(const change_chunk& chunk) {
  return chunk.first.at.increment / 10;
}
/// That it is exactly what make_chunk() made.
inline void expect_whole(const change_chunk& chunk) {
  const auto number = number_of(chunk);
  EXPECT_EQ(chunk.first, (wire::optime{begin_of(number), 7}));
  EXPECT_EQ(chunk.last, (wire::optime{end_of(number), 7}));
  EXPECT_EQ(chunk.seen_until, end_of(number));
  EXPECT_EQ(chunk.count, 3U);
  EXPECT_TRUE(chunk.entries == content_of(number, chunk.entries.size())) << "chunk " << number;
}

using file_images = std::map<std::string, std::string>;  // name → bytes

class spool_test : public testing::Test {
 protected:
  void SetUp() override {
    // Memory where there is some: thousands of cases need not wear out a disk.
    const auto base = std::filesystem::exists("/dev/shm") ? std::filesystem::path("/dev/shm")
                                                          : std::filesystem::temp_directory_path();
    std::string name = (base / "sluice-spool-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    base_ = name;
    options_.folder = base_ / "spool";
    options_.run = "run-a";
    options_.write_within = std::chrono::hours(1);  // tests say when
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(base_);
  }

  /// Runs `work` to its end; what else runs on the lane goes on meanwhile.
  template <class Work>
  auto run(Work work) {
    using value = typename decltype(work())::value_type;
    std::optional<value> out;
    auto body = [](Work todo, std::optional<value>* into) -> task<void> { into->emplace(co_await todo()); };
    boost::asio::co_spawn(context_, body(std::move(work), &out), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    while (!out) context_.run_one();
    return std::move(*out);
  }
  /// Starts `work` and leaves it waiting; `done` is set when it ends.
  template <class Work>
  void start(Work work) {
    boost::asio::co_spawn(context_, std::move(work), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  void run_until(const bool& condition) {
    while (!condition) context_.run_one();
  }
  template <class Condition>
  void run_until_true(Condition condition) {
    while (!condition()) context_.run_one_for(std::chrono::milliseconds(5));
  }

  result<> open() {
    return run([this]() -> task<result<>> {
      SLUICE_CO_TRY(spool_, co_await spool::open(context_.get_executor(), options_, scope_));
      co_return ok();
    });
  }
  void open_at(bson::timestamp from) {
    const auto opened = open();
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    const auto sought = seek(from);
    ASSERT_TRUE(sought.has_value()) << sought.error().message;
  }
  result<> seek(bson::timestamp from) {
    return run([&]() -> task<result<>> { co_return co_await spool_->seek(from); });
  }
  void close() {
    if (!spool_) return;
    const auto closed = run([this]() -> task<result<>> {
      co_await spool_->close();
      co_return ok();
    });
    EXPECT_TRUE(closed.has_value());
    spool_.reset();
  }
  void push(std::uint32_t number, std::size_t bytes = 100) {
    const auto pushed = try_push(number, bytes);
    ASSERT_TRUE(pushed.has_value()) << pushed.error().message;
  }
  result<> try_push(std::uint32_t number, std::size_t bytes = 100) { return push_chunk(make_chunk(number, bytes)); }
  result<> push_chunk(change_chunk chunk) {
    return run([this, &chunk]() -> task<result<>> { co_return co_await spool_->push(std::move(chunk)); });
  }
  result<> flush() {
    return run([this]() -> task<result<>> { co_return co_await spool_->flush(); });
  }
  result<std::optional<shared_chunk>> next_if_any() {
    return run([this]() -> task<result<std::optional<shared_chunk>>> { co_return co_await spool_->next_if_any(); });
  }
  /// The next chunk's number; 0: none waits.
  std::uint32_t next() {
    auto found = next_if_any();
    EXPECT_TRUE(found.has_value()) << found.error().message;
    if (!found || !found.value()) return 0;
    expect_whole(**found.value());
    return number_of(**found.value());
  }
  void expect_next(std::uint32_t first, std::uint32_t last) {
    for (auto number = first; number <= last; ++number) ASSERT_EQ(next(), number);
  }

  [[nodiscard]] file_images segments() const {
    file_images images;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder)) {
      if (entry.path().extension() != ".segment") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      images[entry.path().filename()] = std::string(std::istreambuf_iterator<char>(in), {});
    }
    return images;
  }
  /// Makes the folder as if a process had died there, leaving these files.
  void restore(const file_images& images) const {
    std::filesystem::remove_all(options_.folder);
    std::filesystem::create_directory(options_.folder);
    for (const auto& [name, bytes] : images) {
      std::ofstream(options_.folder / name, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
    }
  }

  std::filesystem::path base_;
  spool_options options_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  runtime::cancel_scope scope_;
  std::unique_ptr<spool> spool_;
};

}  // namespace sluice::capture
