#include "tests/fault/fault_run.hpp"

#include <cstdlib>
#include <future>
#include <iostream>
#include <random>
#include <type_traits>

#include <gtest/gtest.h>

#include "tests/lab/oracle.hpp"

namespace sluice::fault {

namespace {

constexpr auto reach_limit = std::chrono::seconds(60);

void append_value(std::string& line, const log_field::value_type& value) {
  std::visit(
      [&line](const auto& each) {
        if constexpr (std::is_same_v<std::decay_t<decltype(each)>, std::string_view>) {
          line += each;
        } else {
          line += std::to_string(each);
        }
      },
      value);
}

}  // namespace

captured_log::captured_log() {
  set_log_sink(this);
}
captured_log::~captured_log() {
  set_log_sink(nullptr);
}

void captured_log::write(const log_record& record) noexcept {
  std::string line = std::string(to_string(record.level)) + " " + std::string(record.component) + ": ";
  line += record.message;
  for (const auto& field : record.fields) {
    line += " " + std::string(field.name) + "=";
    append_value(line, field.value);
  }
  if (std::getenv("SLUICE_TEST_LOG") != nullptr) std::cerr << line << "\n";
  const std::scoped_lock lock(mutex_);
  lines_.push_back(std::move(line));
}

std::size_t captured_log::count(std::string_view text) const {
  const std::scoped_lock lock(mutex_);
  std::size_t found = 0;
  for (const auto& line : lines_) found += line.find(text) != std::string::npos ? 1 : 0;
  return found;
}

std::string captured_log::tail(std::size_t lines) const {
  const std::scoped_lock lock(mutex_);
  std::string text;
  for (std::size_t i = lines_.size() > lines ? lines_.size() - lines : 0; i < lines_.size(); ++i) {
    text += "\n  " + lines_[i];
  }
  return text;
}

session::copy_settings settings_for(const std::string& source_uri, const std::string& destination_uri) {
  session::copy_settings settings;
  settings.source_uri = source_uri;
  settings.destination_uri = destination_uri;
  settings.memory_bytes = limits::memory_min_bytes;
  settings.lanes = 1;
  settings.retry_time = std::chrono::seconds(60);
  return settings;
}

running_copy::running_copy(session::copy_settings settings)
    : session_(std::make_unique<session::copy_session>(std::move(settings), session::labels{})) {
  const auto started = session_->start_now();
  if (started.has_error()) throw lab::failure(started.error().message);
}

bool running_copy::ended() const {
  const auto state = now().now;
  return state == session::state::failed || state == session::state::committed ||
         now().at == session::phase::copy_completed;
}

bool running_copy::reached(std::int64_t documents) const {
  const bool met = lab::eventually([&] { return now().documents_copied >= documents || ended(); }, reach_limit);
  return met && now().documents_copied >= documents;
}

result<> running_copy::wait(std::chrono::seconds limit) {
  auto outcome = std::async(std::launch::async, [this] { return session_->wait(); });
  if (outcome.wait_for(limit) == std::future_status::ready) return outcome.get();
  session_->stop();
  const auto stopped = outcome.get();
  return failure(error_kind::timeout, "the copy did not end within " + std::to_string(limit.count()) + " s" +
                                          (stopped.has_error() ? ": " + stopped.error().message : std::string()));
}

result<> copy(const session::copy_settings& settings) {
  return running_copy(settings).wait();
}

result<> copy_again(const session::copy_settings& settings) {
  result<> outcome = ok();
  lab::eventually(
      [&] {
        outcome = copy(settings);
        return !outcome.has_error() || outcome.error().kind != error_kind::refused;
      },
      2 * limits::lease_time);
  return outcome;
}

void expect_success(const result<>& outcome, const captured_log& log) {
  if (outcome.has_error()) {
    ADD_FAILURE() << "the copy failed (" << to_string(outcome.error().kind) << "): " << outcome.error().message
                  << log.tail();
  }
}

void expect_equal(const std::string& source_uri, const std::string& destination_uri, std::vector<std::string> include,
                  std::vector<std::string> exclude) {
  const auto verdict = lab::compare({.source_uri = source_uri,
                                     .destination_uri = destination_uri,
                                     .include = std::move(include),
                                     .exclude = std::move(exclude)});
  EXPECT_TRUE(verdict.equal()) << verdict.difference_count << " differences: " << verdict.text();
  EXPECT_GT(verdict.documents, 0U);
}

fail_command::fail_command(lab::mongod_process& node, const std::string& mode, const std::string& data,
                           std::string name)
    : node_(node.direct_uri()), name_(std::move(name)) {
  const auto reply = node_.run(
      "admin", R"({"configureFailPoint": ")" + name_ + R"(", "mode": )" + mode + R"(, "data": )" + data + "}");
  before_ = reply.integer("count");
}

std::int64_t fail_command::hits() {
  off_ = true;
  return node_.run("admin", R"({"configureFailPoint": ")" + name_ + R"(", "mode": "off"})").integer("count") - before_;
}

fail_command::~fail_command() {
  if (off_) return;
  lab::document reply;
  bson_error_t error;  // the node may have been killed meanwhile
  const auto command = lab::document::json(R"({"configureFailPoint": ")" + name_ + R"(", "mode": "off"})");
  node_.try_run("admin", command, reply, error);
}

std::uint64_t test_seed() {
  const char* given = std::getenv("SLUICE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "SLUICE_SEED=" << seed << "\n";
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

}  // namespace sluice::fault
