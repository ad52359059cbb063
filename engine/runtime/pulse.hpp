// Whether the lanes of this process still turn. Asks and looks, never waits: who hangs must not take the one who asks
// along.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace sluice::runtime {

/// A lane on the roll: it is there from lane::start() to lane::stop().
struct lane_on_roll;

/// pulse lanes;
/// lanes.ask();             // and some time later:
/// lanes.silent().empty();  // each of them has come round since
///
/// One thread uses it; any number of them may be about.
class pulse {
 public:
  /// Gives every lane that runs now something to do; what was asked before is forgotten.
  void ask();
  /// The names of the lanes that have run nothing since they were asked. One that has been stopped meanwhile is not
  /// among them.
  [[nodiscard]] std::vector<std::string> silent() const;

 private:
  struct question {
    std::shared_ptr<const lane_on_roll> lane;
    std::shared_ptr<std::atomic<bool>> answered;
  };
  std::vector<question> questions_;
};

}  // namespace sluice::runtime
