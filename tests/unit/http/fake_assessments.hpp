// A service that assesses nothing and answers what a test says.
#pragma once

#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "engine/assess/service.hpp"

namespace sluice::http::test {

class fake_assessments final : public assess::service {
 public:
  result<> begin(const std::optional<session::start_request>& wanted) override {
    if (now_.under_way) return failure(error_kind::refused, "an assessment is under way; wait for its end");
    begun_.push_back(wanted);
    now_.under_way = true;
    return ok();
  }
  [[nodiscard]] assess::service_state look() const override { return now_; }

  void end(result<assess::report> how) {
    now_.under_way = false;
    now_.last = std::move(how);
  }
  [[nodiscard]] const std::vector<std::optional<session::start_request>>& begun() const { return begun_; }

 private:
  assess::service_state now_;
  std::vector<std::optional<session::start_request>> begun_;
};

/// One of each level, with everything in it.
inline assess::report some_report() {
  assess::report found;
  found.began = "2026-05-04T10:00:00Z";
  found.seconds = 0.5;
  found.source = {.name = "a (db1:27017)", .version = "6.0.27", .fcv = "6.0", .kind = "replicaSet"};
  const assess::check_name disk{"disk.destination", assess::heading::disk};
  found.found.push_back(assess::fine({"hosts.reachable", assess::heading::hosts}, "source db1:27017", "answers"));
  found.found.push_back(assess::warning(disk, "destination", "is nearly full", "make room", {{"freeBytes", 12.5}}));
  found.found.push_back(assess::problem(disk, "destination", "is \"full\"\n", "make room"));
  found.found.back().commands = {"db.x()", "db.y()"};
  found.time = assess::copy_estimate{.bytes = 1e9,
                                     .documents = 1e6,
                                     .seconds = 20,
                                     .seconds_min = 12,
                                     .seconds_max = 40,
                                     .index_seconds = 3,
                                     .bytes_per_second = 58e6,
                                     .limited_by = "destination"};
  found.command = "sluice run --source 'x'";
  return found;
}

}  // namespace sluice::http::test
