// The lanes that run, as the kernel knows its threads: whoever asks whether the process is well must not have to be
// handed each lane of each run by hand. For lane.cpp and pulse.cpp only.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace sluice::runtime {

struct lane_on_roll {
  lane_on_roll(std::string named, boost::asio::io_context* runs) : name(std::move(named)), context(runs) {}

  std::string name;
  boost::asio::io_context* context;
  std::atomic<bool> left{false};
};

void enter_roll(const std::string& name, boost::asio::io_context& context);
/// Nothing is posted there any more once it has returned. Nothing happens when it is not on the roll.
void leave_roll(const boost::asio::io_context& context);

}  // namespace sluice::runtime
