// Bad places for the spool, damaged spools and damaged checkpoints: the real program names the thing and what to do,
// goes on where nothing is lost by it, and never guesses.
#include <fstream>

#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/integration/sync_misuse.hpp"
#include "tests/lab/not_run.hpp"

namespace sluice::session {
namespace {

using namespace testing;
namespace fs = std::filesystem;
using lab::document;

// --- the spool's folder ---

class sync_spool : public ::testing::Test {
 protected:
  void SetUp() override { lab::load_lim(sets.source.uri(), {.documents = 2000}); }

  const pair_of_sets sets;
};

TEST_F(sync_spool, a_missing_folder_is_made_and_what_is_left_of_it_is_no_ones) {
  operated sluice(sets);
  expect_success(*sluice.with_spool_dir(sets.spool.path() / "not" / "there" / "yet").start(true));
  sets.expect_equal();
}

TEST_F(sync_spool, a_file_in_its_place_is_named) {
  const auto place = sets.spool.path() / "file";
  std::ofstream(place) << "text";
  operated sluice(sets);
  const auto run = sluice.with_spool_dir(place).start(true);
  expect_refusal(*run, {place.string(), "--spool-dir"});
}

TEST_F(sync_spool, a_folder_that_may_not_be_written_is_named) {
  const auto place = sets.spool.path() / "locked";
  fs::create_directories(place);
  fs::permissions(place, fs::perms::owner_read | fs::perms::owner_exec);
  operated sluice(sets);
  sluice.with_spool_dir(place);
  const auto run = sluice.run({"--commit-when-caught-up"}, {}, lab::confined("no-override"));
  expect_refusal(*run, {place.string(), "Permission denied", "--spool-dir"});
  EXPECT_TRUE(fs::is_empty(place));
  // The same where it can be written, to the end: nothing of the attempt is in the way.
  fs::permissions(place, fs::perms::owner_all);
  expect_success(*sluice.start(true));
  sets.expect_equal();
}

TEST_F(sync_spool, another_device_is_as_good) {
  const fs::path memory = "/dev/shm";
  struct stat here {};
  struct stat there {};
  ASSERT_EQ(::stat(memory.c_str(), &there), 0) << "no /dev/shm";
  ASSERT_EQ(::stat(sets.spool.path().c_str(), &here), 0);
  ASSERT_NE(here.st_dev, there.st_dev);
  std::string place = (memory / "sluice-spool-XXXXXX").string();
  ASSERT_NE(::mkdtemp(place.data()), nullptr);
  operated sluice(sets);
  const auto run = sluice.with_spool_dir(place).start(false);
  ASSERT_TRUE(reaches(*run, sets, "applying")) << run->output();
  lab::write_for(sets.source.uri(), {.duration = 300ms});
  stop(*run);
  expect_success(*sluice.start(true));
  sets.expect_equal();
  fs::remove_all(place);
}

/// A file system in memory of a few megabytes; unmounted at the end.
class small_disk {
 public:
  explicit small_disk(fs::path at) : at_(std::move(at)) {
    fs::create_directories(at_);
    mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=2m") == 0;
  }
  ~small_disk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }
  [[nodiscard]] bool remount(const char* how) { return ::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, how) == 0; }

 private:
  fs::path at_;
  bool mounted_ = false;
};

TEST_F(sync_spool, a_full_disk_is_told_and_capturing_goes_on_when_there_is_room) {
  small_disk disk(sets.spool.path());
  if (!disk.mounted()) {
    lab::not_run("a small file system cannot be mounted here (needs root and CAP_SYS_ADMIN)");
    return;
  }
  lab::load_lim(sets.source.uri(), {.documents = 60'000, .collection = "more"});
  slow_inserts(sets, true);  // changes go to the disk while there is a copy
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.at == phase::collection_copy; }));
  auto source = sets.source.connect();
  const std::string large(1 << 20, 'x');
  for (int n = 0; n < 40; ++n) {
    source.insert("app", "c", document::json(R"({"_id": )" + std::to_string(n) + R"(, "s": ")" + large + "\"}"));
  }
  ASSERT_TRUE(wait_until(*run, [&](const progress&) { return warns(*run, "No space left on device"); }));
  EXPECT_TRUE(warns(*run, sets.spool.path().string()));
  ASSERT_TRUE(disk.remount("size=200m"));
  ASSERT_TRUE(wait_until(*run, [&](const progress&) { return !warns(*run, "No space left on device"); }));
  slow_inserts(sets, false);
  commit(*run);
  sets.expect_equal();
}

// --- what an earlier process left ---

/// The newest segment below the pair's spool.
fs::path newest_segment(const pair_of_sets& sets) {
  fs::path newest;
  for (const auto& each : fs::recursive_directory_iterator(sets.spool.path())) {
    if (each.path().extension() == ".segment") newest = std::max(newest, each.path());
  }
  return newest;
}

TEST_F(sync_spool, damage_is_found_and_read_again_from_the_oplog) {
  lab::load_lim(sets.source.uri(), {.documents = 60'000, .collection = "more"});
  slow_inserts(sets, true);
  const operated sluice(sets);
  {
    const auto run = sluice.start(false);
    ASSERT_TRUE(reaches(*run, sets, "copying")) << run->output();
    lab::write_for(sets.source.uri(), {.duration = 1s, .database = "written"});
    ASSERT_TRUE(lab::eventually(
        [&] {
          const auto segment = newest_segment(sets);
          return !segment.empty() && fs::file_size(segment) > 100'000;
        },
        30s));
    run->process().signal(SIGKILL);
    EXPECT_EQ(run->wait(10s).signal, SIGKILL);
  }
  slow_inserts(sets, false);
  const auto segment = newest_segment(sets);
  {
    std::fstream bytes(segment, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(fs::file_size(segment) / 2));
    bytes << "this was not here";
  }
  const auto run = sluice.start(true);
  expect_success(*run);
  expect_said(*run, {segment.string(), "it is cut off and read again"});
  sets.expect_equal();
}

TEST_F(sync_spool, files_that_are_not_ours_are_named_and_left) {
  const operated sluice(sets);
  {
    const auto run = sluice.start(false);
    ASSERT_TRUE(reaches(*run, sets, "applying")) << run->output();
    run->process().signal(SIGKILL);
    EXPECT_EQ(run->wait(10s).signal, SIGKILL);
  }
  fs::path lock;
  for (const auto& each : fs::recursive_directory_iterator(sets.spool.path())) {
    if (each.path().filename() == "lock") lock = each.path();
  }
  ASSERT_FALSE(lock.empty());
  const auto stranger = lock.parent_path() / "000099.segment";
  std::ofstream(stranger) << std::string(10'000, 'x');
  const auto run = sluice.start(true);
  expect_refusal(*run, {stranger.string(), "is no segment of a spool", "--spool-dir"});
  EXPECT_TRUE(fs::exists(stranger));
}

/// The documents of the checkpoint, so that they can be put back after each damage.
class kept_checkpoint {
 public:
  explicit kept_checkpoint(const pair_of_sets& sets) : server_(sets.destination.connect()) {
    for (const char* const name : {"run", "catalog", "partitions", "mapped", "apply"}) {
      kept_.emplace_back(name, server_
                                   .run(checkpoint_database, R"({"find": ")" + std::string(name) +
                                                                 R"(", "batchSize": 100000, "singleBatch": true})")
                                   .child("cursor.firstBatch")
                                   .elements());
    }
  }
  void put_back() {
    for (const auto& [name, documents] : kept_) {
      server_.run(checkpoint_database, R"({"delete": ")" + name + R"(", "deletes": [{"q": {}, "limit": 0}]})");
      if (!documents.empty()) server_.insert(checkpoint_database, name.c_str(), documents);
    }
  }

 private:
  lab::client server_;
  std::vector<std::pair<std::string, std::vector<document>>> kept_;
};

struct damage {
  const char* command;  // in the checkpoint's database
  const char* words;    // of the refusal
};

void expect_each_named(const pair_of_sets& sets, const std::vector<damage>& all) {
  const operated sluice(sets);
  kept_checkpoint kept(sets);
  user_writes written(sets);
  for (const damage& each : all) {
    SCOPED_TRACE(each.command);
    const auto reply = sets.destination.connect().run(checkpoint_database, each.command);
    ASSERT_GT(reply.integer("n"), 0) << "nothing was damaged";
    const auto run = sluice.start(true);
    expect_refusal(*run, {each.words, "--reset"});
    kept.put_back();
  }
  EXPECT_EQ(written.count(), 0) << "it wrote on the strength of a damaged checkpoint";
  expect_success(*sluice.start(true));
  sets.expect_equal();
}

TEST(sync_checkpoint, damage_is_named_while_changes_are_applied) {
  const pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  {
    const auto run = operated(sets).start(false);
    ASSERT_TRUE(reaches(*run, sets, "applying")) << run->output();
    lab::write_for(sets.source.uri(), {.duration = 300ms});
    ASSERT_TRUE(lab::eventually(
        [&] {
          return sets.destination.connect()
              .run(checkpoint_database, R"({"find": "run", "limit": 1})")
              .has("cursor.firstBatch.0.confirmedApply");
        },
        30s));
    stop(*run);
  }
  expect_each_named(
      sets,
      {
          {R"({"update": "run", "updates": [{"q": {}, "u": {"$set": {"phase": "sleeping"}}}]})", "unknown phase"},
          {R"({"update": "run", "updates": [{"q": {}, "u": {"$set": {"wish": "sleep"}}}]})", "unknown wish"},
          {R"({"update": "run", "updates": [{"q": {}, "u": {"$set": {"version": 99}}}]})", "format 99"},
          {R"({"update": "run", "updates": [{"q": {}, "u": {"$set": {"facts.captureFrom": "x"}}}]})", "damaged"},
          {R"({"update": "run", "updates": [{"q": {}, "u": {"$unset": {"facts.run": 1}}}]})", "damaged"},
          {R"({"update": "catalog", "updates": [{"q": {}, "u": {"$set": {"kind": 7}}}]})", "is damaged"},
          {R"({"delete": "catalog", "deletes": [{"q": {}, "limit": 1}]})", "is damaged"},
          {R"({"update": "mapped", "updates": [{"q": {"source": {"$exists": true}}, "u": {"$unset": {"source": 1}}}]})",
           "damaged entry of the collections' map"},
          {R"({"delete": "mapped", "deletes": [{"q": {}, "limit": 0}]})", "lost its map"},
          {R"({"update": "apply", "updates": [{"q": {}, "u": {"$unset": {"now": 1}}}]})", "position of applying"},
          {R"({"update": "apply", "updates": [{"q": {}, "u": {"$set": {"now.applied": 1}}}]})", "position of applying"},
          {R"({"delete": "apply", "deletes": [{"q": {}, "limit": 0}]})", "position of applying"},
      });
}

TEST(sync_checkpoint, damage_is_named_while_data_is_copied) {
  const pair_of_sets sets;
  lab::load_lim(sets.source.uri(), {.documents = 60'000});
  slow_inserts(sets, true);
  {
    const auto run = operated(sets).start(false);
    ASSERT_TRUE(reaches(*run, sets, "copying")) << run->output();
    ASSERT_TRUE(lab::eventually([&] { return sets.destination.connect().count("lim", "docs") > 0; }, 30s));
    stop(*run);
  }
  slow_inserts(sets, false);
  ASSERT_TRUE(inserts_end(sets));
  expect_each_named(sets, {
                              {R"({"update": "partitions", "updates": [{"q": {}, "u": {"$set": {"ns": 1}}}]})",
                               "holds a partition that"},
                              {R"({"delete": "catalog", "deletes": [{"q": {}, "limit": 0}]})", "is damaged"},
                          });
}

}  // namespace
}  // namespace sluice::session
