// A destination whose disk is full: the copy fails in clear words, and once there is room the next run completes it.
// Needs a small file system of its own, which only root may mount: elsewhere it is counted as not run.
#include <fstream>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/fault/fault_run.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/not_run.hpp"

namespace sluice::fault {
namespace {

/// A file system in memory; unmounted at the end.
class small_disk {
 public:
  explicit small_disk(const std::string& size) : at_(lab::lab_directory() / ("disk-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(at_);
    mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~small_disk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove(at_, ignored);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  [[nodiscard]] bool mounted() const noexcept { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return at_; }
  [[nodiscard]] bool resize(const std::string& size) {
    return ::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, ("size=" + size).c_str()) == 0;
  }
  [[nodiscard]] std::uintmax_t free_bytes() const { return std::filesystem::space(at_).available; }

 private:
  std::filesystem::path at_;
  bool mounted_ = false;
};

TEST(disk_test, a_full_destination_fails_clearly_and_is_completed_later) {
  small_disk disk("420M");
  if (!disk.mounted()) {
    lab::not_run("a small file system cannot be mounted here (needs root and CAP_SYS_ADMIN)");
    return;
  }
  lab::replica_set source({.name = "source"});
  lab::replica_set destination(
      {.name = "destination",
       .server = {.directory = disk.path(), .cache_gb = 0.25, .oplog_mb = 990, .arguments = {"--syncdelay", "5"}}});
  lab::load_lim(source.uri(), {.documents = 250'000});
  {
    // Takes what the data would need: the journal and the data files find no room soon after the copy begins.
    std::ofstream filler(disk.path() / "filler", std::ios::binary);
    const std::string block(1 << 20, 'x');
    while (disk.free_bytes() > (100U << 20) && filler.write(block.data(), static_cast<std::streamsize>(block.size()))) {
      filler.flush();
    }
  }
  captured_log log;
  auto settings = settings_for(source.uri(), destination.uri());
  settings.retry_time = std::chrono::seconds(5);
  const auto refused = copy(settings);
  ASSERT_TRUE(refused.has_error()) << "nobody looked at the disk";
  EXPECT_EQ(refused.error().server_code_name, "InsufficientDestinationDiskSpace") << refused.error().message;
  EXPECT_EQ(destination.connect().count("__mdb_internal_sluice", "run"), 0) << "a refused copy left something behind";
  settings.skip_disk_space_check = true;
  const auto full = copy(settings);
  ASSERT_TRUE(full.has_error()) << "the disk was not full";
  std::cout << "with a full disk: " << full.error().message << "\n";
  EXPECT_NE(full.error().message.find(destination.node(0).address()), std::string::npos) << full.error().message;
  EXPECT_NE(full.error().kind, error_kind::cancelled);

  std::filesystem::remove(disk.path() / "filler");
  ASSERT_TRUE(disk.resize("2G"));
  if (destination.node(0).running()) destination.node(0).kill();
  destination.restart();
  expect_success(copy_again(settings_for(source.uri(), destination.uri())), log);
  expect_equal(source.uri(), destination.uri());
}

}  // namespace
}  // namespace sluice::fault
