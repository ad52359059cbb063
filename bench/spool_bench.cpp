// What the spool costs. `append` and `read_back` are its segments on one thread, where counts repeat; the others are
// the whole spool with its disk thread. Files lie in $TMPDIR (else /tmp): name the disk that is meant.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <unistd.h>

#include "bench/documents.hpp"
#include "bench/hot_path.hpp"
#include "bench/one_lane.hpp"
#include "engine/capture/spool.hpp"
#include "engine/capture/spool_folder.hpp"
#include "engine/capture/spool_segment.hpp"

namespace sluice::bench {

namespace {

constexpr std::size_t kib = limits::kib;

/// A folder of this process, gone with the object.
class folder {
 public:
  explicit folder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / ("sluice-bench-" + std::to_string(::getpid()) + "-" + name)) {
    std::filesystem::create_directory(path_);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

capture::shared_chunk chunk_of(std::uint32_t number, std::size_t bytes) {
  capture::change_chunk chunk;
  chunk.entries.assign(bytes, static_cast<std::byte>(number));
  chunk.count = 1;
  chunk.first = chunk.last = {{1, number}, 1};
  chunk.seen_until = chunk.last.at;
  return std::make_shared<const capture::change_chunk>(std::move(chunk));
}

/// One segment after another, on one thread.
class segments {
 public:
  segments(const std::string& name, std::size_t chunk_bytes)
      : place_{lane.executor(), lane.executor(), {}}, folder_(name), chunk_bytes_(chunk_bytes) {
    place_.folder = folder_.path();
    writer_.emplace(place_);
    reader_.emplace(place_, capture::run_hash("bench"));
  }

  task<void> append(std::uint64_t number, round_work& done) {
    capture::segment_header header;
    header.run = "bench";
    header.number = number;
    header.first = {{1, 1}, 1};
    must(co_await writer_->begin(header));
    const capture::shared_chunk chunk = chunk_of(1, chunk_bytes_);
    for (; done.bytes < bytes_a_round; done.bytes += chunk_bytes_, ++done.items) {
      const bson::timestamp follows = done.items == 0 ? bson::timestamp{} : chunk->last.at;
      const capture::record_header record = capture::describe(*chunk, follows);
      must(co_await writer_->append(record, chunk->entries));
    }
    must(co_await writer_->flush());
    written_ = writer_->written();
    writer_->abandon();  // without fdatasync: how long a disk takes is no question of this path
  }
  task<void> read_back(round_work& done) {
    must(co_await reader_->open(1, capture::segment_header_bytes, {}));
    while (reader_->offset() < written_) {
      auto next = co_await reader_->next(written_);
      if (next.has_error()) must(result<>(next.error()));
      done.bytes += next.value().entries.size();
      ++done.items;
    }
    reader_->close();
  }
  void remove(std::uint64_t number) { std::filesystem::remove(capture::segment_path(place_.folder, number)); }

  one_lane lane;

 private:
  static constexpr std::size_t bytes_a_round = 4 * limits::mib;
  capture::segment_place place_;
  folder folder_;
  std::size_t chunk_bytes_;
  std::uint64_t written_ = 0;
  std::optional<capture::segment_writer> writer_;
  std::optional<capture::segment_reader> reader_;
};

round append(std::size_t chunk_bytes) {
  return [all = std::make_shared<segments>("append", chunk_bytes)] {
    round_work done;
    all->lane.run(all->append(1, done));
    all->remove(1);
    return done;
  };
}

round read_back(std::size_t chunk_bytes) {
  auto all = std::make_shared<segments>("read", chunk_bytes);
  round_work ignored;
  all->lane.run(all->append(1, ignored));
  return [all] {
    round_work done;
    all->lane.run(all->read_back(done));
    return done;
  };
}

enum class way { through_disk, kept_on_disk, memory_only };

/// The spool as the engine opens it.
class whole_spool {
 public:
  whole_spool(const std::string& name, way how, std::size_t chunk_bytes)
      : folder_(name), how_(how), chunk_bytes_(chunk_bytes) {
    lane_.run(open());
  }
  whole_spool(const whole_spool&) = delete;
  whole_spool& operator=(const whole_spool&) = delete;
  ~whole_spool() { lane_.run(close()); }

  round_work once() {
    round_work done;
    lane_.run(how_ == way::through_disk ? write_then_read(done) : hand_on(done));
    return done;
  }

 private:
  task<void> open() {
    capture::spool_options options;
    options.folder = folder_.path() / "spool";
    options.run = "bench";
    if (how_ == way::through_disk) options.memory_bytes_max = 0;
    auto opened = co_await capture::spool::open(lane_.executor(), options, scope_);
    spool_ = must(std::move(opened));
    must(co_await spool_->seek({1, 0}));
    spool_->keep_on_disk(how_ != way::memory_only);
  }
  task<void> close() { must(co_await spool_->remove()); }

  task<void> push() {
    capture::shared_chunk chunk = chunk_of(++pushed_, chunk_bytes_);
    must(co_await spool_->push(std::move(chunk)));
  }
  task<void> take(round_work& done) {
    auto chunk = co_await spool_->next();
    if (chunk.has_error() || chunk.value()->last.at.increment != ++taken_) std::abort();
    ++done.items;
    done.bytes += chunk_bytes_;
  }
  task<void> write_then_read(round_work& done) {
    for (std::size_t bytes = 0; bytes < bytes_a_round; bytes += chunk_bytes_) co_await push();
    must(co_await spool_->flush());
    while (done.bytes < bytes_a_round) co_await take(done);
    spool_->release({1, taken_});
  }
  task<void> hand_on(round_work& done) {
    while (done.bytes < bytes_a_round) {
      co_await push();
      co_await take(done);
    }
    spool_->release({1, taken_});
  }

  static constexpr std::size_t bytes_a_round = 16 * limits::mib;
  folder folder_;
  way how_;
  std::size_t chunk_bytes_;
  one_lane lane_;
  runtime::cancel_scope scope_;
  std::unique_ptr<capture::spool> spool_;
  std::uint32_t pushed_ = 0;
  std::uint32_t taken_ = 0;
};

}  // namespace

void add_spool(hot_paths& to) {
  for (const std::size_t chunk_kib : {std::size_t{4}, std::size_t{64}, std::size_t{1024}}) {
    const std::string size = "_" + std::to_string(chunk_kib) + "KiB";
    const std::size_t bytes = chunk_kib * kib;
    to.push_back({"spool/append" + size, [bytes] { return append(bytes); }});
    to.push_back({"spool/read_back" + size, [bytes] { return read_back(bytes); }});
    for (const auto& [kind, how] :
         {std::pair("through_disk", way::through_disk), std::pair("kept_on_disk", way::kept_on_disk),
          std::pair("memory_only", way::memory_only)}) {
      const std::string name = kind + size;
      to.push_back({"spool/" + name,
                    [name, how = how, bytes]() -> round {
                      return [spool = std::make_shared<whole_spool>(name, how, bytes)] { return spool->once(); };
                    },
                    false});
    }
  }
}

}  // namespace sluice::bench
