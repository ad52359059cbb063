#include "engine/runtime/pulse.hpp"

#include <algorithm>
#include <mutex>

#include <boost/asio/post.hpp>

#include "engine/runtime/lane_roll.hpp"

namespace sluice::runtime {
namespace {

struct roll {
  std::mutex mutex;
  std::vector<std::shared_ptr<lane_on_roll>> lanes;
};

roll& the_roll() {
  static roll only;
  return only;
}

}  // namespace

void enter_roll(const std::string& name, boost::asio::io_context& context) {
  roll& all = the_roll();
  const std::scoped_lock lock(all.mutex);
  all.lanes.push_back(std::make_shared<lane_on_roll>(name, &context));
}

void leave_roll(const boost::asio::io_context& context) {
  roll& all = the_roll();
  const std::scoped_lock lock(all.mutex);
  const auto found = std::ranges::find(all.lanes, &context, &lane_on_roll::context);
  if (found == all.lanes.end()) return;
  (*found)->left = true;
  all.lanes.erase(found);
}

void pulse::ask() {
  questions_.clear();
  roll& all = the_roll();
  const std::scoped_lock lock(all.mutex);  // none of them goes before it is asked
  for (const auto& lane : all.lanes) {
    auto answered = std::make_shared<std::atomic<bool>>(false);
    boost::asio::post(*lane->context, [answered] { *answered = true; });
    questions_.push_back({lane, std::move(answered)});
  }
}

std::vector<std::string> pulse::silent() const {
  std::vector<std::string> names;
  for (const question& one : questions_) {
    if (!*one.answered && !one.lane->left) names.push_back(one.lane->name);
  }
  return names;
}

}  // namespace sluice::runtime
