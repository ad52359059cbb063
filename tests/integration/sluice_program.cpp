#include "tests/integration/sluice_program.hpp"

#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include "tests/lab/mongo.hpp"
#include "tests/lab/mongod_process.hpp"

namespace sluice::lab {

namespace {

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

sluice_program::sluice_program(std::vector<std::string> arguments,
                               std::vector<std::pair<std::string, std::string>> environment,
                               std::vector<std::string> before) {
  static std::atomic<int> number{0};
  directory_ = lab_directory() / ("sluice-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
  std::filesystem::create_directories(directory_);
  child_process::options how;
  how.command = std::move(before);
  how.command.emplace_back(SLUICE_BINARY);
  how.command.insert(how.command.end(), arguments.begin(), arguments.end());
  if (!arguments.empty() && arguments.front() == "copy") {
    how.command.insert(how.command.end(), {"--summary-json", (directory_ / "summary.json").string()});
  }
  how.output = directory_ / "output";
  how.environment = std::move(environment);
  // A program that was killed leaves libmongoc's counters behind, and a later one of the same number would warn of
  // them.
  how.environment.emplace_back("MONGOC_DISABLE_SHM", "1");
  child_ = std::make_unique<child_process>(how);
}

sluice_program::~sluice_program() {
  child_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

exit_status sluice_program::wait(std::chrono::seconds limit) {
  if (auto ended = child_->poll_exit(limit)) return *ended;
  return child_->kill();
}

std::string sluice_program::output() const {
  return read_file(directory_ / "output");
}

std::int64_t sluice_program::summary(const std::string& field) const {
  const std::string text = read_file(directory_ / "summary.json");
  return text.empty() ? -1 : document::json(text).integer(field.c_str());
}

copy_outcome copy(const std::string& source, const std::string& destination, std::vector<std::string> more,
                  std::vector<std::pair<std::string, std::string>> environment, std::vector<std::string> before) {
  std::vector<std::string> arguments{"copy", "--source", source, "--destination", destination};
  arguments.insert(arguments.end(), more.begin(), more.end());
  sluice_program program(std::move(arguments), std::move(environment), std::move(before));
  copy_outcome outcome;
  outcome.status = program.wait();
  outcome.output = program.output();
  outcome.duplicates = program.summary("duplicates_skipped");
  outcome.peak_memory_bytes = program.summary("peak_memory_bytes");
  outcome.documents = program.summary("documents");
  return outcome;
}

std::vector<std::string> confined(const std::string& rule) {
  return {SLUICE_CONFINED, rule};
}

}  // namespace sluice::lab
