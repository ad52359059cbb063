// Memory for a reply: taken again at once, and waited for while another holds it.
#include <cstdlib>
#include <memory>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bench/hot_path.hpp"
#include "bench/one_lane.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::bench {

namespace {

constexpr std::size_t buffers_a_round = 500;

struct state {
  one_lane lane;
  runtime::cancel_scope scope;
  runtime::buffer_pool pool{lane.executor(), limits::lane_memory_min_bytes};
};

/// `hold`: others get a turn while the buffer is held.
task<void> take_and_return(state& of, std::size_t bytes, std::size_t times, bool hold) {
  for (std::size_t each = 0; each < times; ++each) {
    auto taken = co_await of.pool.acquire(bytes, of.scope);
    if (taken.has_error()) std::abort();
    if (hold) co_await boost::asio::post(of.lane.executor(), boost::asio::use_awaitable);
  }
}

}  // namespace

void add_buffer_pool(hot_paths& to) {
  to.push_back({"buffer_pool/taken_again", []() -> round {
                  return [of = std::make_shared<state>()] {
                    of->lane.run(take_and_return(*of, limits::batch_bytes_target, buffers_a_round, false));
                    return round_work{buffers_a_round, 0};
                  };
                }});
  // The whole budget each time: only one of the two can have it.
  to.push_back({"buffer_pool/waited_for", []() -> round {
                  return [of = std::make_shared<state>()] {
                    const std::size_t all = limits::lane_memory_min_bytes;
                    of->lane.run(take_and_return(*of, all, buffers_a_round / 2, true),
                                 take_and_return(*of, all, buffers_a_round / 2, true));
                    return round_work{buffers_a_round, 0};
                  };
                }});
}

}  // namespace sluice::bench
