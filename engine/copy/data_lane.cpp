#include "engine/copy/data_lane.hpp"

#include <deque>

#include <boost/asio/post.hpp>

#include "engine/runtime/call_on.hpp"
#include "engine/runtime/task_group.hpp"

namespace sluice::copy {

task<result<>> data_lane::run(std::uint32_t count, cluster::deployment source, cluster::deployment destination,
                              refused_list& refused, std::chrono::milliseconds patience, work each) {
  thread_.start();
  auto body = [&]() { return run_here(count, source, destination, refused, patience, each); };
  auto outcome = co_await runtime::call_on(thread_.executor(), body);
  thread_.stop();
  co_return outcome;
}

void data_lane::cancel() {
  boost::asio::post(thread_.context(), [this] { scope_.cancel(); });
}

task<result<>> data_lane::run_here(std::uint32_t count, cluster::deployment source, cluster::deployment destination,
                                   refused_list& refused, std::chrono::milliseconds patience, work each) {
  std::deque<worker> workers;
  runtime::task_group group(thread_.executor(), scope_);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t nth = nth_ * count + i;
    workers.push_back(worker{source.through(nth), destination.through(nth), pool_, scope_, refused, patience});
    group.spawn(each(workers.back()));
  }
  co_return co_await group.join();
}

}  // namespace sluice::copy
