// What a spool makes of files that a crash, a disk or a hand has changed: a part of what was written, from its
// beginning and whole, or an error that names the place. Never anything else.
#include <random>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/capture/spool_record.hpp"
#include "tests/unit/capture/spool_fixture.hpp"

namespace sluice::capture {
namespace {

class spool_crash : public spool_test {
 protected:
  static constexpr std::uint32_t chunks = 40;

  static std::size_t bytes_of(std::uint32_t number) { return 20 + number * 7919 % 900; }

  /// Several segments of `chunks` chunks.
  file_images written() {
    options_.segment_bytes = 4000;
    options_.memory_bytes_max = 0;
    open_at(start_time);
    for (std::uint32_t number = 1; number <= chunks; ++number) push(number, bytes_of(number));
    close();
    auto images = segments();
    EXPECT_GE(images.size(), 4U);
    return images;
  }

  /// Opens what is there and reads all of it. True: without any error.
  bool read_all(std::uint32_t applied) {
    const auto opened = open();
    if (opened.has_error()) {
      EXPECT_NE(opened.error().message.find(".segment"), std::string::npos) << opened.error().message;
      return false;
    }
    const auto sought = seek(applied == 0 ? start_time : end_of(applied));
    EXPECT_TRUE(sought.has_value()) << sought.error().message;
    const auto resume = spool_->resume_after();
    std::uint32_t last = applied;
    bool whole = true;
    for (;;) {
      auto found = next_if_any();
      if (found.has_error()) {
        EXPECT_EQ(found.error().kind, error_kind::storage);
        EXPECT_NE(found.error().message.find("damaged at offset"), std::string::npos) << found.error().message;
        EXPECT_NE(found.error().message.find(".segment"), std::string::npos) << found.error().message;
        auto again = next_if_any();
        EXPECT_TRUE(again.has_error()) << "nothing behind a damaged record is given";
        whole = false;
        break;
      }
      if (!found.value()) break;
      const auto& chunk = **found.value();
      expect_whole(chunk);
      const auto number = number_of(chunk);
      EXPECT_TRUE(number == last + 1 || (number == applied && last == applied)) << number << " after " << last;
      EXPECT_EQ(chunk.entries.size(), bytes_of(number));
      last = number;
    }
    if (!resume) {
      EXPECT_EQ(last, applied) << "what the source is asked for again must not come from here as well";
    } else if (whole) {
      EXPECT_EQ(end_of(last), resume->at) << "capture would leave a gap";
    }
    newest_ = last;
    close();
    return whole;
  }

  std::uint32_t newest_ = 0;
};

TEST_F(spool_crash, a_write_cut_off_anywhere_costs_only_what_was_cut) {
  const auto images = written();
  const auto [name, newest] = *images.rbegin();
  std::vector<std::size_t> ends;  // of the records in the newest segment
  for (std::size_t at = segment_header_bytes; at < newest.size();) {
    const auto* bytes = reinterpret_cast<const std::byte*>(newest.data()) + at;
    const record_place place{run_hash("run-a"), std::stoull(name), at};
    const auto header = decode_record_header({bytes, record_header_bytes}, place);
    ASSERT_TRUE(header);
    at += record_header_bytes + header->payload_bytes;
    ends.push_back(at);
  }
  ASSERT_GE(ends.size(), 2U);
  const auto before = chunks - static_cast<std::uint32_t>(ends.size());
  std::vector<std::size_t> cuts;
  for (std::size_t kept = 0; kept < newest.size(); kept += 5) cuts.push_back(kept);
  for (const auto end : ends) cuts.insert(cuts.end(), {end - 1, end});
  for (const auto kept : cuts) {
    SCOPED_TRACE("kept " + std::to_string(kept));
    auto cut = images;
    cut[name] = newest.substr(0, kept);
    restore(cut);
    EXPECT_TRUE(read_all(0));
    const auto whole = std::count_if(ends.begin(), ends.end(), [&](std::size_t end) { return end <= kept; });
    ASSERT_EQ(newest_, before + static_cast<std::uint32_t>(whole));
  }
}

TEST_F(spool_crash, goes_on_behind_a_cut) {
  auto images = written();
  images.rbegin()->second.resize(images.rbegin()->second.size() - 1);
  restore(images);
  open_at(start_time);
  ASSERT_EQ(spool_->resume_after()->at, end_of(chunks - 1));
  push(chunks, bytes_of(chunks));
  close();
  EXPECT_TRUE(read_all(0));
  EXPECT_EQ(newest_, chunks);
}

/// A process that pushes until it is killed; it tells each number that it has flushed.
[[noreturn]] void push_until_killed(const spool_options& options, std::uint32_t first, int tell) {
  boost::asio::io_context context(1);
  runtime::cancel_scope scope;
  auto work = [&]() -> task<void> {
    auto opened = co_await spool::open(context.get_executor(), options, scope);
    if (opened.has_error()) ::_exit(1);
    auto& mine = *opened.value();
    const auto sought = co_await mine.seek(start_time);
    if (sought.has_error()) ::_exit(1);
    for (auto number = first;; ++number) {
      auto chunk = make_chunk(number, 2000);
      const auto pushed = co_await mine.push(std::move(chunk));
      if (pushed.has_error()) ::_exit(1);
      if (number % 10 != 0) continue;
      const auto flushed = co_await mine.flush();
      if (flushed.has_error() || ::write(tell, &number, sizeof number) != sizeof number) ::_exit(1);
    }
  };
  boost::asio::co_spawn(context, work, [](std::exception_ptr) { ::_exit(1); });
  context.run();
  ::_exit(1);
}

TEST_F(spool_crash, a_killed_process_leaves_all_that_it_had_flushed) {
  options_.segment_bytes = 100'000;
  std::uint32_t newest = 0;
  for (int round = 0; round < 10; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) push_until_killed(options_, newest + 1, ends[1]);
    ::close(ends[1]);
    // It dies while it goes on behind a number that it has told.
    std::uint32_t told = 0;
    for (int numbers = 0; numbers < 3 + round; ++numbers) {
      ASSERT_EQ(::read(ends[0], &told, sizeof told), static_cast<ssize_t>(sizeof told));
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ::close(ends[0]);
    open_at(start_time);
    ASSERT_TRUE(spool_->resume_after());
    newest = spool_->resume_after()->at.increment / 10;
    EXPECT_GE(newest, told);
    expect_next(1, newest);
    EXPECT_EQ(next(), 0U);
    close();
  }
}

TEST_F(spool_crash, says_where_an_older_segment_is_damaged) {
  auto images = written();
  auto& [name, first] = *images.begin();
  const auto second_record = segment_header_bytes + record_header_bytes + bytes_of(1);
  first[second_record + record_header_bytes + 3] ^= 1;
  restore(images);
  open_at(start_time);
  EXPECT_EQ(next(), 1U);
  const auto found = next_if_any();
  ASSERT_TRUE(found.has_error());
  EXPECT_NE(found.error().message.find((options_.folder / name).string() + ": damaged at offset " +
                                       std::to_string(second_record) + ": the checksum of its entries is wrong"),
            std::string::npos)
      << found.error().message;
  EXPECT_NE(found.error().message.find("remove the folder and start again"), std::string::npos);
}

TEST_F(spool_crash, notices_a_missing_end_of_an_older_segment) {
  auto images = written();
  auto& first = images.begin()->second;
  const auto one_record = segment_header_bytes + record_header_bytes + bytes_of(1);
  first.resize(one_record);
  restore(images);
  EXPECT_FALSE(read_all(0));
  EXPECT_EQ(newest_, 1U);
}

TEST_F(spool_crash, a_missing_segment_is_a_gap) {
  auto images = written();
  images.erase(std::next(images.begin()));
  restore(images);
  EXPECT_TRUE(read_all(0));
  EXPECT_EQ(newest_, 0U) << "dropped: the source is read again";
}

TEST_F(spool_crash, a_record_is_valid_in_its_place_only) {
  // Two segments under each other's names: headers and records are whole, the place is wrong.
  auto images = written();
  std::swap(images.begin()->second, std::next(images.begin())->second);
  restore(images);
  EXPECT_TRUE(read_all(0));
  EXPECT_EQ(newest_, 0U);
}

TEST_F(spool_crash, gives_whole_records_or_an_error_whatever_happened_to_the_files) {
  const auto images = written();
  const auto seed = std::random_device{}();
  std::size_t errors = 0;
  std::size_t wholes = 0;
  for (std::uint64_t round = 0; round < 3000 && !HasFailure(); ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round));
    std::mt19937_64 random(seed + round);
    const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
    auto changed = images;
    for (auto times = 1 + below(2); times > 0; --times) {
      auto victim = std::next(changed.begin(), static_cast<long>(below(changed.size())));
      if (below(2) == 0) victim = std::prev(changed.end());
      auto& bytes = victim->second;
      const auto at = bytes.empty() ? 0 : below(bytes.size());
      switch (below(8)) {
        case 0:
          bytes.resize(at);
          break;
        case 1:
          if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
          break;
        case 2:
          bytes.replace(at, 1 + below(600), std::string(1 + below(600), '\0'));
          break;
        case 3:
          bytes.append(1 + below(600), static_cast<char>(random()));
          break;
        case 4:
          bytes.replace(at, bytes.size() - at, bytes.size() - at, '\0');
          break;
        case 5:
          bytes.append(bytes.substr(at));
          break;
        case 6:
          bytes.erase(at, 1 + below(600));
          break;
        default: {
          const auto donor = std::next(images.begin(), static_cast<long>(below(images.size())))->second;
          bytes.replace(std::min(at, bytes.size()), std::string::npos, donor.substr(std::min(at, donor.size())));
        }
      }
    }
    restore(changed);
    const auto applied = below(3) == 0 ? static_cast<std::uint32_t>(below(chunks)) : 0;
    (read_all(applied) ? wholes : errors) += 1;
    if (spool_) close();
  }
  EXPECT_GT(errors, 100U);
  EXPECT_GT(wholes, 100U);
}

}  // namespace
}  // namespace sluice::capture
