// Trying again where the kernel has no memory at the moment.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#include <boost/system/system_error.hpp>

namespace sluice::runtime {

/// Runs `make` until it does not throw that there is not enough memory, or `patience` has passed; then that is thrown
/// on. Blocks its thread in between: milliseconds, and seldom. A ring may be refused so (io_uring_queue_init: ENOMEM)
/// where no limit is in the way: seen once on 6.18, after many rings had been opened and closed on a busy machine.
template <class Make>
void retry_out_of_memory(Make make, std::chrono::milliseconds patience) {
  const auto give_up_at = std::chrono::steady_clock::now() + patience;
  for (std::chrono::milliseconds wait(1);; wait = std::min(wait * 2, std::chrono::milliseconds(100))) {
    try {
      return make();
    } catch (const boost::system::system_error& fault) {
      const bool is_memory = fault.code() == boost::system::errc::not_enough_memory;
      if (!is_memory || std::chrono::steady_clock::now() + wait > give_up_at) throw;
    }
    std::this_thread::sleep_for(wait);
  }
}

}  // namespace sluice::runtime
